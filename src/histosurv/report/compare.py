"""What differs between two finished runs: a few lines for a terminal, a page for people."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from histosurv.errors import InputError
from histosurv.publish import published
from histosurv.report.differences import inputs, metrics, program
from histosurv.report.differences.part import Listing, Part, plural
from histosurv.report.differences.runs import Opened, open_run

MOST_LETTERS = 60  # of a cell, in a terminal
LONG = 20  # rows from which a page folds a table


def compare(a: Path, b: Path, out: Path | None = None) -> str:
    """Compare settings, inputs, code and figures of two finished runs.

    Parameters
    ----------
    a, b : pathlib.Path
        Folders of results, or folders of studies with ``results`` in them.
    out : pathlib.Path, optional
        HTML page to write, which needs nothing else.

    Returns
    -------
    str
        The comparison in about forty lines at most; ends without a line break.

    Raises
    ------
    InputError
        A folder is no finished run, or the page cannot be written there.
    """
    if out is not None and Path(out).is_dir():
        raise InputError(f"--out {out}: is a folder; name a file")
    one, other = open_run(a, "A"), open_run(b, "B")
    parts = [
        part(one, other)
        for part in (
            program.settings,
            inputs.input_tables,
            inputs.patients,
            inputs.spots,
            inputs.features,
            program.program,
            program.folds_and_scores,
            metrics.metrics,
        )
    ]
    if out is not None:
        with published(Path(out)) as temporary:
            temporary.write_text(_page(one, other, parts), encoding="utf-8")
    return _summary(one, other, parts)


def _finding(parts: list[Part]) -> str:
    """The answer in a sentence or two."""
    differ = [part.title.lower() for part in parts if part.differs]
    unknown = [part.title.lower() for part in parts if part.differs is None]
    told = f"The runs differ in: {', '.join(differ)}." if differ else "No difference found."
    return f"{told} Not compared: {', '.join(unknown)}." if unknown else told


def _summary(a: Opened, b: Opened, parts: list[Part]) -> str:
    lines = [f"A: {a.folder}", f"B: {b.folder}", _finding(parts)]
    for part in parts:
        lines.append(f"{part.title}: {part.verdict}")
        for listing in part.listings:
            lines += _rows(listing)
    if parts[-1].differs:
        lines.append(metrics.NO_TEST)
    return "\n".join(_printable(line) for line in lines)


def _rows(listing: Listing) -> list[str]:
    """The first rows, below their headings where these say more than A and B."""
    rows = listing.rows[: listing.n_told]
    if not rows:
        return []
    heads = [listing.columns] if listing.columns[1:] != ["A", "B"] else []
    lines = ["  " + " | ".join(map(_short, row)) for row in (*heads, *rows)]
    n_more = len(listing.rows) - len(rows)
    return [*lines, f"  and {n_more} more"] if n_more else lines


def _short(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def _printable(line: str) -> str:
    """A line that cannot make the terminal do anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _page(a: Opened, b: Opened, parts: list[Part]) -> str:
    environment = Environment(
        loader=PackageLoader("histosurv.report"),
        autoescape=True,  # ids and settings are text, whatever they look like
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("compare.html.j2").render(
        a=a,
        b=b,
        finding=_finding(parts),
        parts=parts,
        no_test=metrics.NO_TEST,
        plural=plural,
        long=LONG,
    )
