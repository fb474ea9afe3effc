"""Whether the spots of one patient say the same."""

import numpy as np
import pandas as pd
from scipy.stats import f

from histosurv.evaluation.estimate import Estimate

LEVEL = 0.95


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
