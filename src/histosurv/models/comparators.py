"""What the clinic knows without a model, as scores like any other."""

import numpy as np
import pandas as pd

CALLS = {"low": 0.0, "high": 1.0}


def comparator_scores(
    patients: pd.DataFrame, folds: pd.DataFrame, *, readers: list[str], grade_high: int | None
) -> pd.DataFrame:
    """Scores of the readers, their majority and number of votes, of grade and stage.

    Parameters
    ----------
    patients : pandas.DataFrame
        ``patient_id``, the reader columns (``low``, ``high`` or empty), perhaps ``grade`` and
        ``stage``.
    folds : pandas.DataFrame
        Membership table; a comparator learns nothing, and is entered in the fold in which the
        patient is tested so that figures by fold concern the same patients for every score.
    readers : list of str
        Names of the reader columns, checked by `read_patients`; none leaves the visual risk score
        out.
    grade_high : int
        Lowest grade that counts as high; None leaves grade out.

    Returns
    -------
    pandas.DataFrame
        Rows of the score table. ``visual_risk`` is the majority of the readers: missing on a
        split of two, a single vote counts as it is. ``vote_count`` is the number of readers who
        said high, of patients whom all have read. ``stage`` is the place of the stage among those
        that occur, in the order of their names (A to D, I to IV), the upper half counting as high.
        Patients without a value have no row.
    """
    values = {}
    if readers:
        votes = pd.DataFrame({reader: patients[reader].map(CALLS) for reader in readers})
        values["visual_risk"] = (_majority(votes), 1.0)
        values |= {reader: (votes[reader], 1.0) for reader in readers}
    if len(readers) > 1:
        counted = votes.sum(axis=1).where(votes.notna().all(axis=1))
        values["vote_count"] = (counted, len(readers) // 2 + 1.0)
    if grade_high and "grade" in patients:
        values["grade"] = (patients["grade"].astype("Float64").astype(float), float(grade_high))
    stages = sorted(set(patients["stage"].dropna()) - {""}) if "stage" in patients else []
    if len(stages) > 1:
        place = patients["stage"].map({stage: n + 1.0 for n, stage in enumerate(stages)})
        values["stage"] = (place, len(stages) - len(stages) // 2 + 1.0)
    tested = folds.loc[folds["part"] == "test", ["patient_id", "repeat", "fold"]]
    tables = [
        tested.merge(
            pd.DataFrame({"patient_id": patients["patient_id"], "value": value}).dropna(),
            on="patient_id",
        ).assign(score=name, risk_60m=np.nan, threshold=threshold)
        for name, (value, threshold) in values.items()
    ]
    return pd.concat(tables) if tables else pd.DataFrame(columns=["patient_id"])


def _majority(votes: pd.DataFrame) -> pd.Series:
    share = votes.mean(axis=1)  # missing votes do not count
    return share.gt(0.5).astype(float).where(share.notna() & (share != 0.5))
