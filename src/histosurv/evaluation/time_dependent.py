"""Discrimination and error at a horizon with everybody's follow-up: weights for the censored.

Conventions: G is the Kaplan-Meier curve of the censoring time on the evaluated patients. Cases died
by the horizon t and weigh 1/G(T-); controls lived longer than t and weigh 1/G(t); who was lost
before t has no weight of his own, and is stood for by those who were not.
"""

import numpy as np

from histosurv.evaluation.curves import Curves
from histosurv.evaluation.estimate import Estimate


def auc_terms(
    score: np.ndarray, cases: np.ndarray, controls: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Concordant and whole weight of pairs of case and control, in many resamples.

    Parameters
    ----------
    score : numpy.ndarray
        (n,) risk, higher = worse.
    cases, controls : numpy.ndarray
        (b, n) weight of each patient as a case and as a control.

    Returns
    -------
    concordant, pairs : numpy.ndarray
        (b,); their ratio is the AUC. Kept apart, so that they can be added up over folds. Ties of
        scores count one half.
    """
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    first = np.searchsorted(ordered, ordered, side="left")
    last = np.searchsorted(ordered, ordered, side="right")
    sums = np.zeros((len(controls), len(score) + 1))
    np.cumsum(controls[:, order], axis=1, out=sums[:, 1:])
    below = (sums[:, first] + sums[:, last]) / 2
    return (cases[:, order] * below).sum(axis=1), cases.sum(axis=1) * sums[:, -1]


def auc_at(
    score: np.ndarray, time: np.ndarray, died: np.ndarray, horizon: float
) -> tuple[float, np.ndarray]:
    """Cumulative/dynamic AUC at a horizon, and what each patient adds to its error.

    Parameters
    ----------
    score, time, died : numpy.ndarray
        (n,) risk, higher = worse; months; whether the event was seen.
    horizon : float
        Months.

    Returns
    -------
    auc : float
        NaN where nobody died by the horizon or nobody lived longer.
    influence : numpy.ndarray
        (n,) with mean 0; `standard_error` makes the standard error of it, and that of a
        difference of two scores of the difference of their influences.

    Notes
    -----
    Uno, Cai, Tian and Wei (2007); influence with the estimation of G as in Blanche, Dartigues and
    Jacqmin-Gadda (2013). Ties of scores count one half.
    """
    n = len(score)
    case, control = died & (time <= horizon), time > horizon
    if not case.any() or not control.any():
        return np.nan, np.full(n, np.nan)
    censoring = Curves(time, ~died)
    weight = np.zeros(n)
    weight[case] = 1 / censoring.before(time[case])[0]
    cases, controls = weight.sum() / n, control.mean()
    below = _share_below(score, score[control], np.ones(control.sum()))
    above = 1 - _share_below(score, score[case], weight[case])
    auc = float((weight * below).sum() / weight.sum())
    mass = weight * (below - auc) / cases
    moved = censoring.influence_of_inverse(time, ~died, mass, np.where(case, time, -np.inf))
    return auc, mass + control * (above - auc) / controls + moved


def _share_below(score: np.ndarray, others: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted share of others with a lower score, ties one half."""
    order = np.argsort(others, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weight[order])])
    ordered = others[order]
    sides = [sums[np.searchsorted(ordered, score, side=side)] for side in ("left", "right")]
    return (sides[0] + sides[1]) / 2 / sums[-1]


def brier_at(risk: np.ndarray, time: np.ndarray, died: np.ndarray, horizon: float) -> float:
    """Brier score at a horizon.

    Parameters
    ----------
    risk : numpy.ndarray
        (n,) probability of the event by the horizon.
    time, died, horizon
        As for `auc_at`.

    Returns
    -------
    float
        Mean squared error, weighted for censoring (Graf, Schmoor, Sauerbrei and Schumacher 1999).
    """
    censoring = Curves(time, ~died)
    case, control = died & (time <= horizon), time > horizon
    mass = np.zeros(len(risk))
    mass[case] = (1 - risk[case]) ** 2 / censoring.before(time[case])[0]
    if control.any():
        mass[control] = risk[control] ** 2 / censoring.at(horizon)[0, 0]
    return float(mass.mean())


def auc_estimate(score: np.ndarray, time: np.ndarray, died: np.ndarray, horizon: float) -> Estimate:
    """AUC of `auc_at` with the interval of its influence function and p against 0.5."""
    auc, influence = auc_at(score, time, died, horizon)
    if np.isnan(auc):
        return Estimate.missing(f"no death by {horizon:g} months, or nobody followed beyond")
    return Estimate.normal(auc, standard_error(influence), null=0.5).within(0.0, 1.0)


def standard_error(influence: np.ndarray) -> float:
    """Standard error of a figure from its influence function."""
    return float(influence.std(ddof=1) / np.sqrt(len(influence)))
