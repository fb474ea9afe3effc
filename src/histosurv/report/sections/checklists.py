"""Two reporting checklists, filled as far as the run can, and the profile of its analyses."""

from functools import cache
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from histosurv.files import read_yaml
from histosurv.report.answers.findings import FINDINGS
from histosurv.report.answers.methods import METHODS
from histosurv.report.answers.models import MODELS
from histosurv.report.answers.patients import PATIENTS
from histosurv.report.answers.profile import profile
from histosurv.report.answers.terms import Answer
from histosurv.report.answers.tissue import TISSUE
from histosurv.report.content import Content, Table
from histosurv.report.run import Run
from histosurv.report.spec import sections

AUTHORS = "For the authors"
FILLERS = PATIENTS | TISSUE | MODELS | METHODS | FINDINGS
CHECKLISTS = {
    "tripod": "Collins et al., BMJ 2024;385:e078378.",
    "remark": "McShane et al. 2005; Altman et al. 2012.",
}


def checklists(run: Run) -> Content:
    """TRIPOD+AI, REMARK and the REMARK profile of a run."""
    lists = plan()
    answers = {name: [_answer(run, item) for item in lists[name]] for name in CHECKLISTS}
    counts = [
        f"{title} {_tally(answers[name])}"
        for name, title in (("tripod", "TRIPOD+AI"), ("remark", "REMARK"))
    ]
    text = [
        "Reporting checklists, filled from the tables of this run; what it cannot know is left to "
        f"the authors. {'. '.join(counts)}.",
        "What each item asks for is told in our words, and short: hold the lists against the "
        "official forms before submission, and read every answer as a draft.",
    ]
    items = {
        name: Table(
            pd.DataFrame(
                {
                    "Item": [item["number"] for item in lists[name]],
                    "Asks for": [item["asks"] for item in lists[name]],
                    "Answer": [_cell(item, answer) for item, answer in zip(
                        lists[name], answers[name], strict=True
                    )],
                }
            ),
            note=note,
        )
        for name, note in CHECKLISTS.items()
    }  # fmt: skip
    return Content(text, items | {"remark_profile": profile(run, lists["analyses"])})


@cache
def plan() -> dict[str, list[dict]]:
    """The checklists: items with ``number, asks`` and how they are filled."""
    return read_yaml(Path(__file__).parents[1] / "checklists.yaml")


def _answer(run: Run, item: dict) -> Answer:
    """What the run says to an item, and all that it leaves to the authors."""
    always = item.get("left", "")
    if "filler" not in item:
        return Answer("", always)
    text, left = FILLERS[item["filler"]](run)
    return Answer(text, "; ".join(filter(None, [left, always])))


def _cell(item: dict, answer: Answer) -> Markup:
    """An answer with links; all text of it is escaped."""
    authors = Markup(": ").join(filter(None, [AUTHORS, answer.left]))
    if not answer.text:
        return authors
    titles = {"finding": "Finding", "warnings": "Warnings"}
    titles |= {section.id: section.title for section in sections()}
    links = Markup("; ").join(
        Markup('<a href="#{}">{}</a>').format(name, titles[name]) for name in item["sections"]
    )
    cell = Markup("{} See {}.").format(answer.text, links)
    return Markup("{} {}.").format(cell, authors) if answer.left else cell


def _tally(answers: list[Answer]) -> str:
    """How many items are filled, partly filled, and left alone."""
    n_filled = sum(bool(text) and not left for text, left in answers)
    n_partly = sum(bool(text and left) for text, left in answers)
    n_alone = len(answers) - n_filled - n_partly
    return (
        f"({len(answers)} items): {n_filled} filled, {n_partly} filled in part, {n_alone} left to "
        "the authors"
    )
