"""What the clinic knows without a model, as scores like any other."""

import numpy as np
import pandas as pd

from histosurv.cohort.columns import is_unknown
from histosurv.progress import say

CALLS = {"low": 0.0, "high": 1.0}

_STAGES = [  # each with an optional substage
    (r"^(0|I{1,3}|IV)[ABC]?\d?$", {"0": 0, "I": 1, "II": 2, "III": 3, "IV": 4}),
    (r"^([A-D])\d?$", {"A": 1, "B": 2, "C": 3, "D": 4}),
    (r"^P?T?(\d)[ABC]?$", {str(number): number for number in range(10)}),
]


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
        Names of the reader columns, checked by `read_patients`.
    grade_high : int
        Lowest grade that counts as high; None leaves grade out.

    Returns
    -------
    pandas.DataFrame
        Rows of the score table. ``visual_risk`` is the majority of several readers: missing on a
        split of two; of a patient whom one has read it is that call. ``vote_count`` is the number
        of readers who said high, of patients whom all have read. ``stage`` is that of
        `stage_numbers`, the upper half of those that occur counting as high. Patients without a
        value have no row.
    """
    values = {}
    votes = pd.DataFrame({reader: patients[reader].map(CALLS) for reader in readers})
    values |= {reader: (votes[reader], 1.0) for reader in readers}
    if len(readers) > 1:  # one reader is no majority
        values["visual_risk"] = (_majority(votes), 1.0)
        counted = votes.sum(axis=1).where(votes.notna().all(axis=1))
        values["vote_count"] = (counted, len(readers) // 2 + 1.0)
    if grade_high and "grade" in patients:
        values["grade"] = (patients["grade"].astype("Float64").astype(float), float(grade_high))
    if "stage" in patients:
        place = stage_numbers(patients["stage"])
        stages = np.unique(place.dropna())
        if len(stages) > 1:
            values["stage"] = (place, stages[-(len(stages) // 2)])
    tested = folds.loc[folds["part"] == "test", ["patient_id", "repeat", "fold"]]
    tables = [
        tested.merge(
            pd.DataFrame({"patient_id": patients["patient_id"], "value": value}).dropna(),
            on="patient_id",
        ).assign(score=name, risk_60m=np.nan, threshold=threshold)
        for name, (value, threshold) in values.items()
    ]
    return pd.concat(tables) if tables else pd.DataFrame(columns=["patient_id"])


def stage_numbers(stages: pd.Series) -> pd.Series:
    """Stages as numbers: I to IV, A to D or whole numbers, substages with their stage.

    Missing are empty cells and words such as ``unknown`` and ``NX``. Where a cell is none of these
    nobody has a number: a stage in the wrong place would be worse than none.
    """
    text = stages.fillna("").str.upper().str.strip().str.removeprefix("STAGE").str.strip()
    unknown = is_unknown(text) | text.eq("U")
    for pattern, names in _STAGES:
        found = text.str.extract(pattern, expand=False)
        if found[~unknown].notna().all():
            return found.where(~unknown).map(names).astype(float)
    odd = ", ".join(sorted(set(text[~unknown]))[:5])
    say(f"stage: {odd} are not all I to IV, A to D or whole numbers; no score from stage")
    return pd.Series(np.nan, index=stages.index)


def _majority(votes: pd.DataFrame) -> pd.Series:
    share = votes.mean(axis=1)  # missing votes do not count
    return share.gt(0.5).astype(float).where(share.notna() & (share != 0.5))
