"""Is one score better than another: paired tests and what many of them need."""

import numpy as np
from scipy.stats import binomtest
from scipy.stats import t as student
from statsmodels.stats.multitest import multipletests

from histosurv.evaluation.discrimination import placements
from histosurv.evaluation.estimate import LEVEL, Estimate


def delong_difference(first: np.ndarray, second: np.ndarray, label: np.ndarray) -> Estimate:
    """AUC of the first score less that of the second, of the same patients.

    Parameters
    ----------
    first, second : numpy.ndarray
        (n,) risks, higher = worse.
    label : numpy.ndarray
        (n,) 1 dead, 0 alive.

    Notes
    -----
    DeLong, DeLong and Clarke-Pearson (1988). Too narrow for scores pooled over the folds of a
    cross-validation, which is why the bootstrap stands beside it.
    """
    if min((label == 1).sum(), (label == 0).sum()) < 2:
        return Estimate.missing("fewer than two patients with one of the outcomes")
    of_first, of_second = placements(first, label), placements(second, label)
    moved = [a - b for a, b in zip(of_first, of_second, strict=True)]
    variance = sum(part.var(ddof=1) / len(part) for part in moved)
    return Estimate.normal(float(of_first[0].mean() - of_second[0].mean()), variance**0.5)


def corrected_t(differences: np.ndarray, n_learnt: float, n_tested: float) -> Estimate:
    """Mean difference over the folds of repeated partitions, t test for overlapping parts.

    Parameters
    ----------
    differences : numpy.ndarray
        (k,) difference of a figure in every fold of every repeat.
    n_learnt, n_tested : float
        Patients whom a model learnt from, and was tested on.

    Notes
    -----
    The variance is multiplied by 1/k + tested/learnt, for the learning parts overlap (Nadeau and
    Bengio 2003).
    """
    k = len(differences)
    if k < 2:
        return Estimate.missing("one fold only")
    if n_learnt <= 0:
        return Estimate.missing("a fold holds everybody, so nobody was learnt from")
    mean = float(differences.mean())
    error = float(np.sqrt((1 / k + n_tested / n_learnt) * differences.var(ddof=1)))
    if error == 0:
        return Estimate(mean, p=1.0 if mean == 0 else np.nan, note="no interval: no spread")
    reach = student.ppf(0.5 + LEVEL / 2, k - 1) * error
    return Estimate(mean, mean - reach, mean + reach, 2 * student.sf(abs(mean) / error, k - 1))


def mcnemar(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Share of true answers of the first less that of the second, exact McNemar test.

    Parameters
    ----------
    first, second : numpy.ndarray
        (n,) whether each was right about the same patients.

    Notes
    -----
    The interval is Wald's of paired shares, the p that of a fair coin thrown for every patient
    about whom they differ (McNemar 1947).
    """
    n = len(first)
    if not n:
        return Estimate.missing("no such patient")
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differ = only_first + only_second
    share = (only_first - only_second) / n
    error = np.sqrt(differ / n - share**2) / np.sqrt(n)
    p = float(binomtest(only_first, differ).pvalue) if differ else 1.0
    return Estimate.normal(share, float(error)).within(-1.0, 1.0)._replace(p=p)


def holm(p: np.ndarray) -> np.ndarray:
    """P values of several tests, adjusted by Holm's steps; NaN stay out of the family."""
    adjusted = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    if known.any():
        adjusted[known] = multipletests(p[known], method="holm")[1]
    return adjusted
