"""The feature sequences of a cohort, patient by patient."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.tables import read_checked_spots, read_indexes, read_patients
from histosurv.errors import InputError
from histosurv.features.store import FeatureFiles


class Chosen(Sequence):
    """Some items of a sequence, fetched from it when they are used.

    Parameters
    ----------
    items : sequence
        All of them.
    positions : numpy.ndarray
        Of those that are chosen.
    """

    def __init__(self, items: Sequence, positions: np.ndarray) -> None:
        self._items = items
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, number: int) -> np.ndarray:
        return self._items[self._positions[number]]


@dataclass(frozen=True)
class Sequences:
    """Feature sequences of a cohort's spots.

    Attributes
    ----------
    patients : pandas.DataFrame
        ``patient_id, time_months, event, label_60m`` (1, 0, missing), indexed by ``patient_id``.
    patient_of, spot_ids : numpy.ndarray
        (n_spots,) patient id of each spot, and its own.
    spots : sequence of numpy.ndarray
        One (n_tiles, n_features) array per spot, tiles in sequence order; `FeatureFiles` reads
        them when they are used.
    """

    patients: pd.DataFrame
    patient_of: np.ndarray
    spot_ids: np.ndarray
    spots: Sequence[np.ndarray]

    def spots_of(self, patient_ids: list[str]) -> np.ndarray:
        """Positions of the spots of some patients, in the cohort's order."""
        return np.flatnonzero(np.isin(self.patient_of, patient_ids))

    def of_patients(self, patient_ids: list[str]) -> "Sequences":
        """The same cohort with the spots of some patients alone."""
        of = self.spots_of(patient_ids)
        return replace(
            self,
            patient_of=self.patient_of[of],
            spot_ids=self.spot_ids[of],
            spots=Chosen(self.spots, of),
        )

    def spot_by_spot(self) -> "Sequences":
        """The same cohort as if every spot were a patient."""
        return replace(self, patient_of=self.spot_ids)


def load_sequences(cohort: Path, features: Path, n_batches: int) -> Sequences:
    """Open every sequence of a cohort.

    Parameters
    ----------
    cohort : pathlib.Path
        Folder with the checked ``patients.csv`` and ``spots.csv``.
    features : pathlib.Path
        Folder with the feature files and ``batches/0000.csv`` and on.
    n_batches : int
        Number of batches; indexes of an older batch size that lie about are not read.

    Raises
    ------
    InputError
        Spots whose features differ in width.
    """
    patients = read_patients(cohort / "patients.csv")
    spots = read_checked_spots(cohort / "spots.csv")
    index = read_indexes(features, n_batches)
    index = index[index["status"] == "done"]
    widths = index["n_features"].unique()
    if len(widths) > 1:
        raise InputError(
            f"{features}: features are {widths[0]} wide for some spots and {widths[1]} for others; "
            "use one encoder for the whole cohort"
        )
    merged = spots[["spot_id", "patient_id"]].merge(index, on="spot_id", validate="one_to_one")
    if len(merged) != len(spots):
        lost = sorted(set(spots["spot_id"]) - set(index["spot_id"]))
        raise InputError(f"{features}: no features for spot {lost[0]!r}; run the workflow again")
    return Sequences(
        patients=patients.set_index("patient_id", drop=False),
        patient_of=merged["patient_id"].to_numpy(),
        spot_ids=merged["spot_id"].to_numpy(),
        spots=FeatureFiles([features / name for name in merged["file"]]),
    )


def moments(spots: Sequence[np.ndarray], positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of every feature and the inverse of its standard deviation over the tiles of some spots.

    Parameters
    ----------
    spots : list of numpy.ndarray
        (n_tiles, n_features) each.
    positions : numpy.ndarray
        Spots that are looked at: those of the fit part, never others.

    Returns
    -------
    tuple of numpy.ndarray
        (n_features,) float32 each. The inverse is 0 for a feature that is constant there.
    """
    n_tiles = sum(len(spots[i]) for i in positions)
    mean = sum(spots[i].sum(axis=0, dtype=np.float64) for i in positions) / n_tiles
    square = sum(((spots[i] - mean) ** 2).sum(axis=0) for i in positions) / n_tiles
    scale = np.sqrt(square)
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 1e-12)
    return mean.astype(np.float32), inverse.astype(np.float32)
