"""The tables and R's figures of `goldens/`, and how near ours must be to them."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent / "goldens"
NAMES = sorted(path.stem for path in (FOLDER / "inputs").glob("*.csv"))
WITH_OTHER_DEATHS = ["drawn", "drawn_ties"]


@cache
def _figures() -> dict:
    return json.loads((FOLDER / "goldens.json").read_text("utf-8"))


@dataclass(frozen=True)
class Golden:
    """A table as arrays, and R's figures of it."""

    table: pd.DataFrame
    figures: dict

    @classmethod
    def read(cls, name: str) -> "Golden":
        """One of the tables of `NAMES`."""
        table = pd.read_csv(FOLDER / "inputs" / f"{name}.csv")
        return cls(table, _figures()["tables"][name])

    @property
    def horizon(self) -> float:
        """In the table's unit."""
        return float(self.figures["horizon"])

    @property
    def time(self) -> np.ndarray:
        """Follow-up."""
        return self.table["time"].to_numpy(float)

    @property
    def event(self) -> np.ndarray:
        """0, 1 or 2."""
        return self.table["event"].to_numpy(int)

    @property
    def died(self) -> np.ndarray:
        """Who died of the disease."""
        return self.event == 1

    @property
    def censored(self) -> np.ndarray:
        """Event with other deaths as losses."""
        return self.died.astype(int)

    def __getitem__(self, name: str) -> np.ndarray:
        """A column as numbers."""
        return self.table[name].to_numpy(float)


def small(name: str) -> list[float]:
    """One of R's figures that need no table."""
    return _figures()["small"][name]


def near(ours: object, theirs: object, tolerance: float = 1e-6) -> None:
    """Fail unless all numbers agree; R's null and text "NA" are our NaN."""
    a = np.ravel(np.asarray(ours, float))
    b = np.array([np.nan if x in (None, "NA") else x for x in np.ravel(theirs)], float)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=1e-9)
