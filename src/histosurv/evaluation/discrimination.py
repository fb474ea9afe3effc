"""Does a higher score mean an earlier death: five-year AUC, ROC curve, operating point."""

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm, rankdata
from sklearn.metrics import roc_curve

from histosurv.evaluation.estimate import Estimate


def placements(score: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the living with a lower score than each of the dead, and the reverse.

    Parameters
    ----------
    score : numpy.ndarray
        (n,) risk, higher = worse; not a survival probability.
    label : numpy.ndarray
        (n,) 1 dead, 0 alive; both must occur.

    Returns
    -------
    of_dead, of_alive : numpy.ndarray
        Share of the living below each of the dead, and of the dead above each of the living; ties
        count one half. Computed by ranks (Sun and Xu 2014).
    """
    dead, alive = score[label == 1], score[label == 0]
    together = rankdata(np.concatenate([dead, alive]))
    of_dead = (together[: len(dead)] - rankdata(dead)) / len(alive)
    return of_dead, 1 - (together[len(dead) :] - rankdata(alive)) / len(dead)


def delong_variance(score: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """AUC and its variance.

    Parameters
    ----------
    score, label : numpy.ndarray
        As for `placements`.

    Returns
    -------
    tuple of float
        Area under the ROC curve and its variance by DeLong, DeLong and Clarke-Pearson (1988). The
        variance is NaN with a single patient of either kind.
    """
    of_dead, of_alive = placements(score, label)
    if min(len(of_dead), len(of_alive)) < 2:
        return of_dead.mean(), np.nan
    variances = (part.var(ddof=1) / len(part) for part in (of_dead, of_alive))
    return of_dead.mean(), sum(variances)


def auc_pooled(patients: pd.DataFrame) -> Estimate:
    """Five-year AUC over all patients with a known label, DeLong's interval, p against 0.5."""
    known = patients[patients["label_60m"].notna()]
    label = known["label_60m"].to_numpy(int)
    if len(np.unique(label)) < 2:
        return Estimate.missing("all patients with a known outcome have the same one")
    return _with_interval(*delong_variance(known["value"].to_numpy(), label))


def auc_per_repeat(scores: pd.DataFrame) -> Estimate:
    """Five-year AUC of a single partition, folds pooled: mean over repeats.

    The counterpart of `auc_within_folds`: where the two differ, pooling is the reason.
    """
    return auc_within_folds(scores.assign(fold=1))


def auc_within_folds(scores: pd.DataFrame) -> Estimate:
    """Five-year AUC from pairs of patients of the same fold, mean over repeats.

    Parameters
    ----------
    scores : pandas.DataFrame
        Rows of one score with ``repeat, fold, value, label_60m``.

    Notes
    -----
    Each fold weighs by its number of pairs (dead, alive); no score is compared across fold
    models, whose scales may differ. The variances of the folds add up with squared weights; over
    repeats, which share their patients, the mean variance stands in for that of the mean and
    errs on the wide side.
    """
    known = scores[scores["label_60m"].notna()]
    if known.empty:
        return Estimate.missing("nobody has a known outcome")
    aucs, variances = [], []
    for _, repeat in known.groupby("repeat"):
        terms = []
        for _, fold in repeat.groupby("fold"):
            label = fold["label_60m"].to_numpy(int)
            pairs = label.sum() * (1 - label).sum()
            if pairs:
                terms.append((pairs, *delong_variance(fold["value"].to_numpy(), label)))
        if not terms:
            return Estimate.missing("no fold has both outcomes among its tested patients")
        weight, auc, variance = np.array(terms).T
        weight = weight / weight.sum()
        aucs.append((weight * auc).sum())
        variances.append((weight**2 * variance).sum())
    return _with_interval(float(np.mean(aucs)), float(np.mean(variances)))


def auc_by_fold(scores: pd.DataFrame) -> pd.DataFrame:
    """Five-year AUC in the tested patients of each fold.

    Parameters
    ----------
    scores : pandas.DataFrame
        As for `auc_within_folds`.

    Returns
    -------
    pandas.DataFrame
        ``repeat, fold, auc, lower, upper, n, events`` of patients with a known outcome, DeLong's
        interval; missing where a fold has one outcome only.
    """
    rows = []
    for (repeat, fold), table in scores.groupby(["repeat", "fold"]):
        known = table[table["label_60m"].notna()]
        estimate = auc_pooled(known)
        events = int((known["label_60m"] == 1).sum())
        rows.append((repeat, fold, *estimate[:3], len(known), events))
    return pd.DataFrame(rows, columns=["repeat", "fold", "auc", "lower", "upper", "n", "events"])


def shares(is_high: np.ndarray, is_dead: np.ndarray) -> dict[str, tuple[Estimate, int, int]]:
    """Sensitivity, specificity and predictive values of high against low risk at 60 months.

    Returns
    -------
    dict of str to tuple
        Estimate with Wilson's interval, the number of patients that it is a share of, and the
        deaths among them.
    """
    wanted = {
        "sensitivity_60m": (is_high, is_dead),
        "specificity_60m": (~is_high, ~is_dead),
        "ppv_60m": (is_dead, is_high),
        "npv_60m": (~is_dead, ~is_high),
    }
    return {
        name: (
            Estimate.share((hit & of).sum(), of.sum(), "no such patient"),
            int(of.sum()),
            int((of & is_dead).sum()),
        )
        for name, (hit, of) in wanted.items()
    }


def roc_points(patients: pd.DataFrame) -> pd.DataFrame:
    """Points of the ROC curve: ``false_positive_rate, sensitivity``; empty with one outcome."""
    known = patients[patients["label_60m"].notna()]
    label = known["label_60m"].to_numpy(int)
    if len(np.unique(label)) < 2:
        return pd.DataFrame(columns=["false_positive_rate", "sensitivity"])
    false_positive, sensitivity, _ = roc_curve(label, known["value"])
    return pd.DataFrame({"false_positive_rate": false_positive, "sensitivity": sensitivity})


def spread_within_folds(scores: pd.DataFrame) -> Estimate:
    """Standard deviation of a score within the folds, near zero in one that tells nobody apart.

    Parameters
    ----------
    scores : pandas.DataFrame
        Rows of one score with ``patient_id, repeat, fold, value``.

    Notes
    -----
    Variances of the folds are pooled. The interval takes values for normal; repeats, which share
    their patients, count once.
    """
    groups = scores.groupby(["repeat", "fold"])["value"]
    left = scores["value"] - groups.transform("mean")
    free = len(scores) - groups.ngroups
    once = free * scores["patient_id"].nunique() / len(scores)
    if free < 1:
        return Estimate.missing("no fold has two patients")
    sd = float(np.sqrt((left**2).sum() / free))
    reach = [np.sqrt(once / chi2.ppf(tail, once)) for tail in (0.975, 0.025)]
    return Estimate(sd, *(float(sd * factor) for factor in reach))


def _with_interval(auc: float, variance: float) -> Estimate:
    if np.isnan(variance):
        return Estimate(auc, note="no interval: a single patient with one of the outcomes")
    if variance == 0:
        if np.isclose(auc, 0.5):
            return Estimate(auc, note="no interval: the score is the same for everybody")
        return Estimate(auc, note="no interval: the groups do not overlap")
    error = variance**0.5
    reach = norm.ppf(0.975) * error
    p = 2 * norm.sf(abs(auc - 0.5) / error)
    return Estimate(auc, max(auc - reach, 0.0), min(auc + reach, 1.0), p)
