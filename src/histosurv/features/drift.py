"""How far the features of another cohort lie from those that the models have learnt from."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.model_selection import GroupKFold

from histosurv.cohort.tables import read_checked_spots, read_indexes
from histosurv.errors import InputError
from histosurv.features.store import FeatureFiles
from histosurv.progress import track

N_COMPONENTS = 20
N_PARTS = 5
LEAST_SPOTS = 10
MOST_SPOTS = 5000  # that the components are found from: more take memory, and tell the same
LEAST_SPREAD = 1e-6  # of a component, as a share of the first one's
TINY = 1e-12


def drift(own: pd.DataFrame, own_means: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, ...]:
    """Distances of spots from the middle of the development cohort, in its own spread.

    Parameters
    ----------
    own : pandas.DataFrame
        ``patient_id`` of every spot of the development cohort.
    own_means : numpy.ndarray
        (n_own, n_features) mean features of these spots.
    means : numpy.ndarray
        (n_spots, n_features) of the other cohort.

    Returns
    -------
    tuple of numpy.ndarray
        (n_own,) and (n_spots,) root mean squares of the principal components, each divided by its
        standard deviation: about 1 for a spot like those of the development cohort.

    Notes
    -----
    The components are found `N_PARTS` times, each time without the spots of a fifth of the
    patients, whose distances are taken then: a spot lies nearer to a middle that it has a part
    in. A spot of the other cohort has the mean of its distances. Of a large cohort every second
    or third spot, and so on, teaches the components: at most `MOST_SPOTS`.

    Raises
    ------
    InputError
        All spots of the development cohort have the same features.
    """
    n_parts = min(N_PARTS, own["patient_id"].nunique())
    of_own, of_others = np.empty(len(own_means)), []
    for there, left_out in GroupKFold(n_parts).split(own_means, groups=own["patient_id"]):
        taught = there[:: 1 + (len(there) - 1) // MOST_SPOTS]
        of_own[left_out], of_these = _distances(own_means[taught], own_means[left_out], means)
        of_others.append(of_these)
    return of_own, np.mean(of_others, axis=0)


def _distances(taught: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Distances of some spots in the components of others, as `drift` tells them."""
    centre, sd = taught.mean(axis=0), taught.std(axis=0)
    inverse = np.divide(1.0, sd, out=np.zeros_like(sd), where=sd > TINY)
    if not inverse.any():
        raise InputError("all spots of the development cohort have the same features; look at them")
    n_components = min(N_COMPONENTS, len(taught) // 2, taught.shape[1])
    found = PCA(n_components, random_state=0).fit((taught - centre) * inverse)
    spread = np.sqrt(found.explained_variance_)
    # Features that repeat each other leave components without any spread to divide by.
    has_spread = spread > LEAST_SPREAD * spread[0]
    return [
        np.sqrt(
            (
                (found.transform((of - centre) * inverse)[:, has_spread] / spread[has_spread]) ** 2
            ).mean(axis=1)
        )
        for of in others
    ]


def drift_table(own_cohort: Path, own_batches: int, cohort: Path, batches: int) -> pd.DataFrame:
    """Distances of all spots of a development and another cohort.

    Parameters
    ----------
    own_cohort, cohort : pathlib.Path
        Folders of results of both, with ``cohort/spots.csv`` and ``features/``.
    own_batches, batches : int
        Number of batches of each.

    Returns
    -------
    pandas.DataFrame
        ``spot_id, patient_id, is_external, distance``.

    Raises
    ------
    InputError
        A spot is in both cohorts, under whatever name; too few spots.
    """
    own, others = _spots(own_cohort, own_batches), _spots(cohort, batches)
    if len(own) < LEAST_SPOTS:
        raise InputError(f"{own_cohort}: {len(own)} spots say nothing of drift; bring more")
    own_means, means = _means(own_cohort, own), _means(cohort, others)
    _refuse_copies(
        cohort, others, means, dict(zip(map(bytes, own_means), own["spot_id"], strict=True))
    )
    distances = drift(own, own_means, means)
    tables = [
        table[["spot_id", "patient_id"]].assign(is_external=flag, distance=distance)
        for table, flag, distance in zip((own, others), (0, 1), distances, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


def _spots(cohort: Path, n_batches: int) -> pd.DataFrame:
    index = read_indexes(cohort / "features", n_batches)
    spots = read_checked_spots(cohort / "cohort/spots.csv")[["spot_id", "patient_id"]]
    return spots.merge(index[index["status"] == "done"], on="spot_id", validate="one_to_one")


def _refuse_copies(
    cohort: Path, spots: pd.DataFrame, means: np.ndarray, known: dict[bytes, str]
) -> None:
    """The same picture under another name has the same features to the last bit."""
    for spot, mean in zip(spots["spot_id"], means, strict=True):
        if bytes(mean) in known:
            raise InputError(
                f"{cohort / 'cohort/spots.csv'}: spot {spot!r} has the features of "
                f"{known[bytes(mean)]!r} of the development cohort, so it is a copy; take it out: "
                "an external cohort must be another one"
            )


def _means(cohort: Path, spots: pd.DataFrame) -> np.ndarray:
    files = FeatureFiles([cohort / "features" / name for name in spots["file"]])
    sums = (spot.mean(axis=0, dtype=np.float64) for spot in track(files, "drift", "spot"))
    return np.stack(list(sums))
