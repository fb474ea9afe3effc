"""The evaluated patients and their scores as arrays, in the order of the patients' ids."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import CANCER_DEATH, HORIZON_MONTHS


@dataclass(frozen=True)
class Sample:
    """Patients with their outcome, one row each, sorted by id.

    Attributes
    ----------
    patients : pandas.DataFrame
        ``patient_id, time_months, event, label_60m`` and any covariates; index 0 to n - 1.
    """

    patients: pd.DataFrame

    @classmethod
    def of(cls, patients: pd.DataFrame) -> "Sample":
        """Sort, so that the order of the rows of a table changes no figure."""
        return cls(patients.sort_values("patient_id", kind="stable").reset_index(drop=True))

    def only(self, rows: np.ndarray) -> "Sample":
        """Some of the patients."""
        return Sample(self.patients.iloc[rows].reset_index(drop=True))

    def __len__(self) -> int:
        """Patients."""
        return len(self.patients)

    @cached_property
    def time(self) -> np.ndarray:
        """(n,) months."""
        return self.patients["time_months"].to_numpy(float)

    @cached_property
    def event(self) -> np.ndarray:
        """(n,) 0 lost, 1 death of the cancer, 2 other death."""
        return self.patients["event"].to_numpy(int)

    @cached_property
    def died(self) -> np.ndarray:
        """(n,) deaths of the cancer."""
        return self.event == CANCER_DEATH

    @cached_property
    def label(self) -> np.ndarray:
        """(n,) 1 dead at the horizon, 0 alive, NaN unknown."""
        return self.patients["label_60m"].astype("Float64").to_numpy(float, na_value=np.nan)

    @cached_property
    def dead_by_horizon(self) -> np.ndarray:
        """(n,) deaths of the cancer by the horizon."""
        return self.died & (self.time <= HORIZON_MONTHS)


@dataclass(frozen=True)
class Score:
    """One score of those patients who have it.

    Attributes
    ----------
    name : str
        As in the score table.
    rows : numpy.ndarray
        (n,) places of the patients in the `Sample` that this score was joined to.
    value : numpy.ndarray
        (n,) risk, higher = worse; mean over the repeats.
    is_high : numpy.ndarray
        (n,) whether the score reaches its threshold (on average, over several repeats).
    risk : numpy.ndarray
        (n,) probability of death of the cancer within 60 months, mean over repeats; NaN = none.
    of_repeat, high_of_repeat, fold : numpy.ndarray
        (repeats, n) the score and the group in each repeat, and the fold in which the patient was
        tested.
    """

    name: str
    rows: np.ndarray
    value: np.ndarray
    is_high: np.ndarray
    risk: np.ndarray
    of_repeat: np.ndarray
    high_of_repeat: np.ndarray
    fold: np.ndarray

    @classmethod
    def of(cls, table: pd.DataFrame, sample: Sample) -> "Score":
        """Join the rows of one score (every patient once per repeat) to the sample."""
        place = pd.Series(np.arange(len(sample)), index=sample.patients["patient_id"])
        rows = table.assign(row=place.reindex(table["patient_id"]).to_numpy())
        rows = rows.dropna(subset="row").astype({"row": int})
        columns = ["value", "threshold", "fold"]
        by_repeat = rows.pivot_table(columns, "repeat", "row", aggfunc="first")
        value = by_repeat["value"].to_numpy(float)
        margin = value - by_repeat["threshold"].to_numpy(float)
        risk = rows.groupby("row")["risk_60m"].mean() if "risk_60m" in rows else None
        if risk is not None:  # one that lacks in a repeat is none
            risk = risk.where(rows["risk_60m"].notna().groupby(rows["row"]).all())
        places = by_repeat["value"].columns.to_numpy(int)
        return cls(
            str(table["score"].iloc[0]),
            places,
            value.mean(axis=0),
            margin.mean(axis=0) >= 0,
            np.full(len(places), np.nan) if risk is None else risk.reindex(places).to_numpy(float),
            value,
            margin >= 0,
            by_repeat["fold"].to_numpy(int),
        )

    def among(self, rows: np.ndarray) -> "Score":
        """The same of some of its patients, by their places in the sample."""
        own = np.searchsorted(self.rows, rows)
        return Score(
            self.name, rows, self.value[own], self.is_high[own], self.risk[own],
            self.of_repeat[:, own], self.high_of_repeat[:, own], self.fold[:, own],
        )  # fmt: skip

    def in_folds_of(self, other: "Score") -> "Score":
        """The same of the same patients, a score of one fold in the folds of one that has several.

        What was not learnt on these patients is the same in every fold.
        """
        if len(np.unique(self.fold)) > 1 or len(np.unique(other.fold)) == 1:
            return self
        of_repeat, high = (np.tile(of, (len(other.fold), 1)) for of in (self.value, self.is_high))
        return replace(self, of_repeat=of_repeat, high_of_repeat=high, fold=other.fold)

    @property
    def has_risk(self) -> bool:
        """Whether all patients have a probability."""
        return bool(np.isfinite(self.risk).all())

    def folds(self) -> list[list[np.ndarray]]:
        """Places within this score of the patients of each fold, by repeat."""
        return [[np.flatnonzero(of == fold) for fold in np.unique(of)] for of in self.fold]
