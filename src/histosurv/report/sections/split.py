"""Who chose what: the parts of every fold, and whether anybody is in two of them."""

import pandas as pd

from histosurv.report.content import Content, Table
from histosurv.report.run import Run


def split(run: Run) -> Content:
    """Sizes and deaths of each part, and the patients found in two parts (there must be none)."""
    folds = run.folds
    twice = int(folds.duplicated(["patient_id", "repeat", "fold"]).sum())
    tested = folds[folds["part"] == "test"]
    again = int(tested.duplicated(["patient_id", "repeat"]).sum())
    text = [
        f"Patients found in two parts of a fold: {twice}. Patients tested twice in a repeat: "
        f"{again}. The fit part taught weights, scaling, principal components and the settings "
        "that were tried; the validation part said when to stop, the scale of the scores and the "
        "threshold; the test part was read once, for the figures of this report."
    ]
    warnings = []
    if twice or again:
        warnings.append(
            f"{twice + again} patients are in two parts of a fold: no figure here can be believed. "
            "Delete development/cohort/folds.csv of the results and run again."
        )
    return Content(text, {"folds": Table(_rows(run))}, warnings=warnings)


def part_sizes(run: Run) -> pd.DataFrame:
    """Patients of each part, one row per repeat and fold."""
    sizes = pd.crosstab([run.folds["repeat"], run.folds["fold"]], run.folds["part"])
    return sizes.reindex(columns=["fit", "validation", "test"], fill_value=0)


def _rows(run: Run) -> pd.DataFrame:
    dead = run.patients.loc[run.patients["label_60m"] == 1, "patient_id"]
    died = run.folds[run.folds["patient_id"].isin(dead)]
    deaths = died.groupby(["repeat", "fold", "part"]).size()
    rows = [
        {"Repeat, fold": f"{repeat}, {fold}"}
        | {
            f"{part.capitalize()}: n / dead": f"{n} / {deaths.get((repeat, fold, part), 0)}"
            for part, n in sizes.items()
        }
        for (repeat, fold), sizes in part_sizes(run).iterrows()
    ]
    return pd.DataFrame(rows)
