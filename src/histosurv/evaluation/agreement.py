"""Whether readers say the same of a patient, and whether the spots of one patient do."""

import numpy as np
import pandas as pd
from scipy.stats import f

from histosurv.evaluation.estimate import LEVEL, Estimate
from histosurv.evaluation.resampling import percentiles


def icc_of_spots(spots: pd.DataFrame) -> tuple[Estimate, int]:
    """Agreement between the spots of a patient: one-way intraclass correlation of single spots.

    Parameters
    ----------
    spots : pandas.DataFrame
        ``spot_id, patient_id, repeat, fold, value``: scores of spots by models that had not seen
        their patient. Higher = higher risk.

    Returns
    -------
    estimate : Estimate
        1 = the spots of a patient agree wholly, 0 = no more than those of strangers.
    n : int
        Patients with two spots and more, on whom it rests.

    Notes
    -----
    ICC(1) of Shrout and Fleiss (1979) with their interval from the F distribution, the number of
    spots per patient replaced by its harmonic-like mean n0 where it differs (Donner 1986). The
    mean of each fold of each repeat is taken off, for the models of the folds differ in level.
    """
    level = spots.groupby(["repeat", "fold"])["value"].transform("mean")
    table = spots.assign(value=spots["value"] - level)
    per_spot = table.groupby(["patient_id", "spot_id"], as_index=False)["value"].mean()
    sizes = per_spot.groupby("patient_id")["value"].transform("size")
    several = per_spot[sizes >= 2]
    groups = several.groupby("patient_id")["value"]
    counts = groups.size().to_numpy()
    k, n = len(counts), int(counts.sum())
    if k < 3:
        return Estimate.missing(f"{k} patients have several spots; 3 are needed"), k
    between = (counts * (groups.mean().to_numpy() - several["value"].mean()) ** 2).sum() / (k - 1)
    within = ((several["value"] - groups.transform("mean")) ** 2).sum() / (n - k)
    if within + between == 0:
        return Estimate.missing("all spots have the same score"), k
    size = (n - (counts**2).sum() / n) / (k - 1)
    ratio = between / within if within else np.inf
    tail = (1 - LEVEL) / 2
    low, high = ratio / f.ppf(1 - tail, k - 1, n - k), ratio * f.ppf(1 - tail, n - k, k - 1)
    value, lower, upper = (_correlation(r, size) for r in (ratio, low, high))
    return Estimate(value, lower, upper), k


def _correlation(ratio: float, size: float) -> float:
    """ICC of a variance ratio between and within groups of a size."""
    return 1.0 if np.isinf(ratio) else (ratio - 1) / (ratio + size - 1)


def kappa(calls: np.ndarray, *, n_resamples: int, seed: int) -> tuple[Estimate, int]:
    """Agreement of readers beyond chance, of the patients whom all of them have read.

    Parameters
    ----------
    calls : numpy.ndarray
        (n, readers) 1 high, 0 low, NaN not read.
    n_resamples, seed : int
        Of the bootstrap of patients.

    Returns
    -------
    estimate : Estimate
        1 = always agreed, 0 = as by chance: Cohen's kappa for two readers (each with a share of
        high calls of his own), Fleiss' for more (one share for all).
    n : int
        Patients whom all have read.
    """
    read = calls[np.isfinite(calls).all(axis=1)]
    n = len(read)
    if n < 2:
        return Estimate.missing(f"{n} patients were read by all"), n
    of = _cohen if calls.shape[1] == 2 else _fleiss
    value = float(of(read[None])[0])
    if np.isnan(value):
        return Estimate.missing("all calls are the same; agreement by chance is complete"), n
    draws = np.random.default_rng(seed).integers(0, n, (n_resamples, n))
    return percentiles(value, of(read[draws])), n


def _beyond_chance(agreed: np.ndarray, by_chance: np.ndarray) -> np.ndarray:
    beyond = np.full(len(agreed), np.nan)
    return np.divide(agreed - by_chance, 1 - by_chance, out=beyond, where=by_chance < 1)


def _cohen(calls: np.ndarray) -> np.ndarray:
    """Cohen (1960) of (b, n, 2)."""
    agreed = (calls[:, :, 0] == calls[:, :, 1]).mean(axis=1)
    high = calls.mean(axis=1)
    return _beyond_chance(agreed, high.prod(axis=1) + (1 - high).prod(axis=1))


def _fleiss(calls: np.ndarray) -> np.ndarray:
    """Fleiss (1971) of (b, n, readers)."""
    readers = calls.shape[2]
    high = calls.sum(axis=2)
    pairs = high * (high - 1) + (readers - high) * (readers - high - 1)
    share = high.mean(axis=1) / readers
    by_chance = share**2 + (1 - share) ** 2
    return _beyond_chance(pairs.mean(axis=1) / (readers * (readers - 1)), by_chance)
