"""Read score tables and join the outcomes."""

from pathlib import Path

import pandas as pd

from histosurv.cohort.columns import read_table
from histosurv.errors import InputError


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


def read_spot_scores(path: Path) -> pd.DataFrame:
    """Read scores of single spots: ``spot_id, patient_id, score, repeat, fold, value``."""
    return read_table(path, "spot_scores")


def read_order_scores(path: Path) -> pd.DataFrame:
    """Read scores in other orders of tiles: ``patient_id, score, repeat, fold, order, value``."""
    return read_table(path, "order_scores")


def with_outcomes(scores: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Join ``time_months, event, label_60m`` to rows of the score table."""
    outcome = patients[["patient_id", "time_months", "event", "label_60m"]]
    columns = ["patient_id", "score", "repeat", "fold", "value", "threshold", "risk_60m"]
    return scores.reindex(columns=columns).merge(outcome, on="patient_id", validate="many_to_one")
