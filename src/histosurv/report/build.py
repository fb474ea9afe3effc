"""Put the study report together."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from histosurv.progress import track
from histosurv.publish import published
from histosurv.report.content import MOST_ROWS, Content, Item, Plot, Table
from histosurv.report.exports import export, has_latex, plain
from histosurv.report.figures.style import to_svg
from histosurv.report.provenance import write_provenance
from histosurv.report.run import Run
from histosurv.report.sections.about import about
from histosurv.report.sections.baselines import baselines
from histosurv.report.sections.calibration import calibration
from histosurv.report.sections.checklists import checklists
from histosurv.report.sections.cohort import cohort
from histosurv.report.sections.controls import controls
from histosurv.report.sections.discrimination import discrimination
from histosurv.report.sections.explanations import explanations
from histosurv.report.sections.external import external
from histosurv.report.sections.flow import flow
from histosurv.report.sections.groups import groups
from histosurv.report.sections.hazard import hazard
from histosurv.report.sections.headline import headline
from histosurv.report.sections.methods import methods
from histosurv.report.sections.patients import patients
from histosurv.report.sections.readers import readers
from histosurv.report.sections.split import split
from histosurv.report.sections.spots import spots
from histosurv.report.sections.subgroups import subgroups
from histosurv.report.sections.throughput import throughput
from histosurv.report.spec import Caption, Section, sections
from histosurv.report.warnings import general_warnings
from histosurv.report.wording import told

MAKERS: dict[str, Callable[[Run], Content]] = {
    "flow": flow,
    "cohort": cohort,
    "split": split,
    "spots": spots,
    "discrimination": discrimination,
    "groups": groups,
    "hazard": hazard,
    "readers": readers,
    "baselines": baselines,
    "calibration": calibration,
    "subgroups": subgroups,
    "controls": controls,
    "explanations": explanations,
    "patients": patients,
    "throughput": throughput,
    "methods": methods,
    "checklists": checklists,
    "about": about,
}
INLINE_KB = 100  # of a CSV that stands in the page itself; larger ones lie beside it


@dataclass(frozen=True)
class Shown:
    """A figure or table as the templates see it.

    Attributes
    ----------
    kind : str
        ``figure``, ``table`` or ``missing``.
    name, caption
        As in ``sections.yaml``.
    item : Item
        What it is.
    svg : markupsafe.Markup, optional
        Of a figure.
    csv : str
        Address of its numbers.
    has_latex : bool
        Whether a table lies there as LaTeX, too.
    """

    kind: str
    name: str
    caption: Caption
    item: Item
    svg: Markup | None = None
    csv: str = ""
    has_latex: bool = False


def build_report(run: Run, out: Path, *, with_files: bool = True) -> None:
    """Write the report as one HTML file that needs nothing else.

    Parameters
    ----------
    run : Run
        A finished run.
    out : pathlib.Path
        The HTML file. Beside it ``figures/`` and ``tables/`` hold everything for the paper, and
        ``provenance.json`` what it was made of.
    with_files : bool
        Whether these are written.

    Raises
    ------
    KeyError
        A section makes an item that has no caption, or the other way round.
    """
    title = run.config["title"]  # first of all: is this a finished run
    parts, items, svgs = [], {}, {}
    for section in track(sections(run.external), "report", "section"):
        cohort = section.cohort
        content = external(run, cohort) if cohort else MAKERS[section.id](run)
        if content.items.keys() != section.captions.keys():
            raise KeyError(f"{section.id}: {set(content.items) ^ set(section.captions)}")
        for name, item in content.items.items():
            if isinstance(item, Plot):
                svgs[name] = to_svg(item.figure, name)
        items |= content.items
        parts.append((section, content, _shown(section, content, svgs)))
    page = _environment().get_template("study.html.j2")
    text = page.render(
        title=title,
        headline=headline(run),
        facts=_facts(run),
        warnings=[
            *general_warnings(run),
            *(w for _, content, _ in parts for w in content.warnings),
        ],
        parts=parts,
        most_rows=MOST_ROWS,
    )
    if with_files:
        export(items, svgs, out.parent)
        record = next(content for section, content, _ in parts if section.id == "about")
        write_provenance(record.extra["record"], out.parent)
    with published(out) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _facts(run: Run) -> list[tuple[str, str]]:
    """Numbers that stand under the finding."""
    return [
        (str(run.count("n_patients")), "patients"),
        (str(len(run.spots)), "spots"),
        (str(run.count("n_cancer_deaths")), "deaths of the cancer"),
        (str(run.count("n_other_deaths")), "other deaths"),
        (told(run.row("", "follow_up_median_months"), 1), "months median follow-up"),
    ]


def _shown(section: Section, content: Content, svgs: dict[str, str]) -> list[Shown]:
    shown = []
    for name, caption in section.captions.items():
        item = content.items[name]
        if isinstance(item, Plot):
            svg = Markup(svgs[name])  # noqa: S704 - matplotlib escapes the texts in it
            csv = _address(item.data.to_csv(index=False), f"figures/{name}.csv")
            shown.append(Shown("figure", name, caption, item, svg, csv))
        elif isinstance(item, Table):
            csv = _address(plain(item.rows).to_csv(index=False), f"tables/{name}.csv")
            shown.append(Shown("table", name, caption, item, csv=csv, has_latex=has_latex(item)))
        else:
            shown.append(Shown("missing", name, caption, item))
    return shown


def _address(csv: str, path: str) -> str:
    """Of the numbers themselves if they are few, else of the file beside the page."""
    content = csv.encode("utf-8")
    if len(content) > INLINE_KB * 1024:
        return path
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(content).decode('ascii')}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("histosurv.report"),
        autoescape=True,  # ids and column names are text, whatever they look like
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["coded"] = coded
    return environment


def coded(text: str) -> Markup:
    """Text in which ``backticks`` become code."""
    parts = str(escape(text)).split("`")
    return Markup("").join(  # the text was escaped before it was cut
        Markup(f"<code>{part}</code>") if number % 2 else Markup(part)  # noqa: S704
        for number, part in enumerate(parts)
    )
