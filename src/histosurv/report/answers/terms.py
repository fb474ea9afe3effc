"""What all answers share: figures in words, variables, parts of folds."""

from typing import NamedTuple

import pandas as pd

from histosurv.evaluation.design import Covariate
from histosurv.evaluation.spots import Spots, blocks_in
from histosurv.report.origin import without_folder
from histosurv.report.run import PATIENT_STAGES, Run
from histosurv.report.wording import NAMES, interval, listed, name_of, p_value

USUAL = ["age", "sex", "stage", "grade"]  # variables that a reader of such a study asks for
FEW_LEVELS = 6  # of a variable that is told level by level


class Answer(NamedTuple):
    """What a run says to an item.

    Attributes
    ----------
    text : str
        Plain text; names from the tables are escaped later. Empty where the run says nothing.
    left : str
        What it leaves to the authors, besides what is always theirs.
    """

    text: str
    left: str = ""


def capital(text: str) -> str:
    """A sentence with its first letter raised."""
    return f"{text[:1].upper()}{text[1:]}"


def counted(n: int, what: str) -> str:
    """``1 patient``, ``2 patients``."""
    return f"{n:.0f} {what}" + ("" if n == 1 else "s")


def who(row: pd.Series) -> str:
    """``98 patients, 43 deaths``."""
    return f"{counted(row['n'], 'patient')}, {counted(row['events'], 'death')}"


def with_p(row: pd.Series, digits: int = 2) -> str:
    """A figure with its interval and p, as far as there are."""
    return ", ".join(filter(None, [interval(row, digits), p_value(row["p"])]))


def months(row: pd.Series) -> str:
    """A time with its interval, or why there is none."""
    return interval(row, 1) + (" months" if pd.notna(row["estimate"]) else "")


def main(run: Run, estimand: str) -> pd.Series | None:
    """A figure of the study's score in all patients, whatever it is held against."""
    of = run.metrics
    own = of[(of["score"] == run.primary) & (of["estimand"] == estimand) & (of["subgroup"] == "")]
    return None if own.empty or not run.primary else own.iloc[0]


def figures(run: Run, labels: dict[str, str]) -> list[str]:
    """Figures of the study's score with their patients and deaths, those that the run has."""
    rows = {label: main(run, estimand) for estimand, label in labels.items()}
    return [f"{label} {with_p(row)} ({who(row)})" for label, row in rows.items() if row is not None]


def of_subgroups(run: Run, estimand: str) -> pd.DataFrame:
    """A figure of the study's score in some of the patients, one row each."""
    of = run.metrics
    is_own = (of["score"] == run.primary) & (of["estimand"] == estimand)
    return of[is_own & (of["subgroup"] != "")]


def terms(run: Run, model: str) -> dict[str, pd.Series]:
    """Hazard ratios of the terms beside the study's score, of one kind of regression.

    Parameters
    ----------
    model : {'univariable', 'multivariable'}
        One variable at a time, or all together.
    """
    forest = run.curve("forest")
    own = forest[(forest["score"] == run.primary) & (forest["model"] == model)]
    rows = own.rename(columns={"hr": "estimate"}).fillna({"note": ""})
    return {row["term"]: row for _, row in rows.iterrows() if row["term"] != "score"}


def variables(run: Run, *, with_readers: bool = True) -> dict[str, Covariate | None]:
    """All variables beside the score that the config asks for; None for one that is not there.

    Grade, stage, age and sex are among them wherever the table has them.
    """
    config, readers = run.config, run.config["cohort"]["readers"]
    # A patient with spots in several blocks belongs to none, as in the evaluation.
    table = Spots(blocks=blocks_in(run.spots)).with_block(run.patients.reset_index(drop=True))
    asked = [
        *[name for name in USUAL if name in table],
        *config["evaluation"]["covariates"],
        *config["models"]["clinical"],
        *config["cohort"]["strata"],
        *config["evaluation"]["subgroups"],
        *readers,
    ]
    return {
        name: Covariate.of(table[name]) if name in table else None
        for name in dict.fromkeys(asked)
        if with_readers or name not in readers
    }


def part_sizes(run: Run) -> pd.DataFrame:
    """Patients of each part, deaths by five years, known outcomes: one row per fold and part."""
    labelled = run.folds.merge(run.patients[["patient_id", "label_60m"]], on="patient_id")
    groups = labelled.groupby(["part", "repeat", "fold"])["label_60m"]
    return groups.agg(n="size", known="count", dead="sum").astype(int)


def n_tested(run: Run) -> int:
    """Patients who are in a test part; of a single split not all of them."""
    return run.folds.loc[run.folds["part"] == "test", "patient_id"].nunique()


def span(values: pd.Series) -> str:
    """``20``, or ``20 to 23``."""
    return " to ".join(dict.fromkeys(f"{value:.0f}" for value in (values.min(), values.max())))


def source(run: Run) -> str:
    """Where the numbers of a tile come from."""
    if not run.has_pictures:
        return "tile features that were computed elsewhere"
    weights = without_folder(run.config["features"]["weights"])
    return f"tile features of {run.config['features']['encoder']} (weights: {weights})"


def names(scores: list[str]) -> str:
    """Scores by name within a sentence; a column of the table keeps its capitals."""
    ours = [name_of(score) for score in scores]
    return listed(
        [
            name[:1].lower() + name[1:] if score in NAMES else name
            for score, name in zip(scores, ours, strict=True)
        ]
    )


def left_out(run: Run) -> str:
    """Rows of the tables that are not in the analysis, by kind and stage."""
    stages = run.exclusions["stage"]
    if stages.empty:
        return "no row of the tables was left out"
    of_patients = stages.isin(PATIENT_STAGES)
    why = run.exclusions["reason"].where(stages != "picture", "picture cannot be used")
    parts = []
    for what, own in (("patient", of_patients), ("spot", ~of_patients)):
        reasons = why[own].value_counts()
        if len(reasons):
            told_of = "; ".join(f"{reason}: {n}" for reason, n in reasons.items())
            parts.append(f"{counted(own.sum(), what)} ({told_of})")
    return f"left out were {listed(parts)}"
