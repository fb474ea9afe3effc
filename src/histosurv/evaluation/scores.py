"""The score table as evaluation sees it: one row per patient and score."""

from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.errors import InputError

REQUIRED = ["patient_id", "score", "repeat", "fold", "value", "threshold"]


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
        A missing column, an unknown patient, a value that is no number, or a patient with two
        rows for one score and repeat.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: the score table is not there; correct the path")
    text = {"patient_id": str, "score": str}
    try:
        scores = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"risk_60m": [""]})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: no readable CSV ({' '.join(str(error).split())})") from None
    for name in REQUIRED:
        if name not in scores:
            raise InputError(f"{path}, row 1: column {name} is missing; add it")
    for name in ("value", "threshold"):
        numbers = pd.to_numeric(scores[name], errors="coerce")
        bad = ~np.isfinite(numbers)
        if bad.any():
            row = scores.index[bad][0]
            raise InputError(
                f"{path}, row {row + 2}, column {name}: {scores.at[row, name]!r} is not a finite "
                "number; correct it or leave the row out"
            )
        scores[name] = numbers
    unknown = ~scores["patient_id"].isin(patients["patient_id"])
    if unknown.any():
        row = scores.index[unknown][0]
        raise InputError(
            f"{path}, row {row + 2}: patient {scores.at[row, 'patient_id']!r} is not in the "
            "patient table; correct the id or leave the row out"
        )
    twice = scores.duplicated(["patient_id", "score", "repeat"])
    if twice.any():
        row = scores.index[twice][0]
        raise InputError(
            f"{path}, row {row + 2}: a second {scores.at[row, 'score']} for patient "
            f"{scores.at[row, 'patient_id']!r} in one repeat; keep one"
        )
    outcome = patients[["patient_id", "time_months", "event", "label_60m"]]
    return scores.merge(outcome, on="patient_id", validate="many_to_one")


def per_patient(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per patient of one score, averaged over the repeats.

    Parameters
    ----------
    scores : pandas.DataFrame
        Rows of a single score, as from `read_scores`.

    Returns
    -------
    pandas.DataFrame
        ``patient_id, value, is_high, time_months, event, label_60m``. A patient is at high risk
        when the score reaches its threshold; over several repeats, when it does so on average.
    """
    rows = scores.assign(margin=scores["value"] - scores["threshold"])
    grouped = rows.groupby("patient_id", sort=True)
    table = grouped[["value", "margin"]].mean()
    table["is_high"] = table.pop("margin") >= 0
    return table.join(grouped[["time_months", "event", "label_60m"]].first()).reset_index()
