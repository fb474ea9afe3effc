"""Covariates of the clinic as columns of a regression, and who has all of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from histosurv.cohort.columns import is_unknown

MANY_VALUES = 6  # numbers with more distinct values are taken as they are, with fewer as levels


@dataclass(frozen=True)
class Covariate:
    """One column of the patient table.

    Attributes
    ----------
    name : str
        Of the column.
    cells : pandas.Series
        Numbers, or levels as text; missing where the table has none.
    is_number : bool
        Whether it enters as a number.
    """

    name: str
    cells: pd.Series
    is_number: bool

    @classmethod
    def of(cls, column: pd.Series) -> "Covariate":
        """Read a column: many numbers stay numbers, all else is levels."""
        text = column.astype("string").str.strip().mask(is_unknown(column))
        numbers = pd.to_numeric(text, errors="coerce")
        wholly = numbers.notna().eq(text.notna()).all()
        if wholly and numbers.nunique() > MANY_VALUES:
            return cls(str(column.name), numbers.astype(float), is_number=True)
        if wholly:  # 2 and 2.0 are one level
            text = numbers.map(_plain, na_action="ignore").astype("string")
        return cls(str(column.name), text, is_number=False)

    @property
    def known(self) -> np.ndarray:
        """(n,) who has it."""
        return self.cells.notna().to_numpy()

    def levels(self, rows: np.ndarray) -> list[str]:
        """Levels that occur among some patients, in order."""
        found = self.cells[rows].dropna().unique()
        return sorted(found, key=lambda level: (not _is_number(level), _as_number(level), level))

    def with_deaths(self, rows: np.ndarray, died: np.ndarray) -> "Covariate":
        """The same with every level that has no death among some patients joined to the next.

        The last one is joined to the level before it. A hazard ratio against a level in which
        nobody died does not exist.

        Parameters
        ----------
        rows : numpy.ndarray
            Places of the patients.
        died : numpy.ndarray
            Of these patients, deaths of the cancer.
        """
        if self.is_number:
            return self
        own = self.cells[rows]
        groups: list[list[str]] = []
        for level in self.levels(rows):
            is_open = groups and not died[own.isin(groups[-1]).to_numpy(bool)].any()
            groups = [*groups[:-1], [*groups[-1], level]] if is_open else [*groups, [level]]
        if len(groups) > 1 and not died[own.isin(groups[-1]).to_numpy(bool)].any():
            groups = [*groups[:-2], groups[-2] + groups[-1]]
        names = {level: "/".join(group) for group in groups for level in group}
        return Covariate(self.name, self.cells.map(names), is_number=False)

    def terms(self, rows: np.ndarray) -> pd.DataFrame:
        """Columns for some patients: the number, or one per level after the first (the reference).

        A number counts per standard deviation, so that a hazard ratio of it can be read.
        """
        own = self.cells[rows]
        if self.is_number:
            sd = own.std()
            scaled = (own - own.mean()) / (sd if sd > 0 else 1.0)
            return pd.DataFrame({f"{self.name} per SD": scaled.to_numpy(float)})
        reference, *others = self.levels(rows) or [""]
        return pd.DataFrame(
            {
                f"{self.name} {level} to {reference}": (own == level).to_numpy(float)
                for level in others
            },
            index=range(len(own)),
        )


def _plain(number: float) -> str:
    """2 and 2.0 as 2, and no digit rounded away."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def _is_number(level: str) -> bool:
    return bool(np.isfinite(_as_number(level)))


def _as_number(level: str) -> float:
    try:
        return float(level)
    except ValueError:
        return np.inf


def complete_rows(covariates: list[Covariate], rows: np.ndarray) -> np.ndarray:
    """Those of some patients who have every covariate."""
    known = np.ones(len(rows), bool)
    for covariate in covariates:
        known &= covariate.known[rows]
    return rows[known]
