"""Read score tables and join the outcomes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.columns import read_table
from histosurv.errors import InputError

LISTED = 20  # ids that a warning names


def read_scores(path: Path, patients: pd.DataFrame) -> pd.DataFrame:
    """Read a score table and join the outcomes.

    Parameters
    ----------
    path : pathlib.Path
        CSV with the columns of the score table; ``risk_60m`` may be missing or empty.
    patients : pandas.DataFrame
        ``patient_id, time_months, event, label_60m``.

    Returns
    -------
    pandas.DataFrame
        The score rows with the patients' outcomes.

    Raises
    ------
    InputError
        A missing column, a cell that does not fit, an unknown patient, a patient with two rows
        for one score and repeat, or with rows in some repeats only.
    """
    scores = read_table(path, "scores")
    unknown = scores.index[~scores["patient_id"].isin(patients["patient_id"])]
    if len(unknown):
        raise InputError(
            f"{path}, row {unknown[0]}: patient {scores.at[unknown[0], 'patient_id']!r} is not in "
            "the patient table; correct the id (are leading zeros lost?) or leave the row out"
        )
    twice = scores.index[scores.duplicated(["patient_id", "score", "repeat"])]
    if len(twice):
        row = scores.loc[twice[0]]
        raise InputError(
            f"{path}, row {twice[0]}: a second {row['score']} for patient {row['patient_id']!r} in "
            f"repeat {row['repeat']}; keep one"
        )
    n_repeats = scores.groupby(["score", "patient_id"])["repeat"].transform("size")
    fewer = scores.index[n_repeats < scores.groupby("score")["repeat"].transform("nunique")]
    if len(fewer):
        row = scores.loc[fewer[0]]
        raise InputError(
            f"{path}, row {fewer[0]}: patient {row['patient_id']!r} has {row['score']} in some "
            "repeats only; bring it for every repeat or for none"
        )
    return with_outcomes(scores, patients)


def read_order_scores(path: Path) -> pd.DataFrame:
    """Read scores in other orders of tiles: ``patient_id, score, repeat, fold, order, value``."""
    orders = read_table(path, "order_scores")
    for name, of_score in orders.groupby("score", sort=True):
        if not ((of_score["order"] == 0).any() and (of_score["order"] > 0).any()):
            raise InputError(
                f"{path}, score {name}: order 0 (the study's own) and at least one other are needed"
            )
    return orders


def with_outcomes(scores: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Join ``time_months, event, label_60m`` to rows of the score table."""
    outcome = patients[["patient_id", "time_months", "event", "label_60m"]]
    columns = ["patient_id", "score", "repeat", "fold", "value", "threshold", "risk_60m"]
    return scores.reindex(columns=columns).merge(outcome, on="patient_id", validate="many_to_one")


def unlike(scores: pd.DataFrame, patients: pd.DataFrame, leading: str) -> list[str]:
    """Sentences on scores that were brought for some patients only, or under two names.

    Parameters
    ----------
    scores : pandas.DataFrame
        ``patient_id, score``, as a person brings them.
    patients : pandas.DataFrame
        Everybody, by ``patient_id``.
    leading : str
        The score in whose patients readers, grade and stage are evaluated.
    """
    told, ids = [], patients["patient_id"]
    for name, of in scores.groupby("score", sort=True):
        without = sorted(set(ids) - set(of["patient_id"]))
        if without:
            shown = ", ".join(without[:LISTED]) + (", ..." if len(without) > LISTED else "")
            told.append(
                f"{name}: {len(without)} of {len(ids)} patients have no row in the score table "
                f"({shown})"
                + ("; readers, grade and stage are evaluated on the others" * (name == leading))
            )
    names = sorted(scores["score"].unique(), key=str.casefold)
    told += [
        f"scores {one} and {other} differ in capitals alone: are they one?"
        for one, other in pairwise(names)
        if one.casefold() == other.casefold()
    ]
    return told


def with_numbers(scores: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the patients who have a number in every repeat of a score, and who has not.

    Returns
    -------
    scores : pandas.DataFrame
        The rows that are left; a paired comparison concerns the patients left in both scores.
    without : list of str
        A sentence for each score with patients who are left out, with their ids.

    Raises
    ------
    InputError
        A score of nobody.
    """
    missing = ~np.isfinite(scores["value"].astype(float))
    gone = missing.groupby([scores["score"], scores["patient_id"]]).transform("any")
    without = []
    for name, rows in scores[gone].groupby("score", sort=True):
        ids = sorted(rows["patient_id"].unique())
        if (scores["score"] == name).sum() == len(rows):
            raise InputError(f"score {name}: has no number for anybody; leave it out")
        shown = ", ".join(ids[:LISTED]) + (", ..." if len(ids) > LISTED else "")
        without.append(
            f"{name}: {len(ids)} patients have no number as score and are left out of its figures "
            f"and comparisons: {shown}"
        )
    return scores[~gone], without
