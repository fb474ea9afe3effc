"""What it is worth to treat by a score: net benefit (Vickers and Elkin 2006)."""

import numpy as np
import pandas as pd

from histosurv.evaluation.calibration import observed_risk


def net_benefit(
    treat: np.ndarray, time: np.ndarray, event: np.ndarray, horizon: float, weight_at: float
) -> float:
    """Net benefit of treating some patients.

    Parameters
    ----------
    treat : numpy.ndarray
        (n,) who would be treated.
    time, event : numpy.ndarray
        (n,) months; 0 lost, 1 death of the cancer, 2 other death.
    horizon : float
        Months.
    weight_at : float
        Threshold probability: the risk at which treating and not treating are of one worth.

    Returns
    -------
    float
        Share of true positives, less that of false positives times the odds of the threshold; the
        share of deaths among the treated is that of Aalen and Johansen.
    """
    if not treat.any():
        return 0.0
    risk = observed_risk(time[treat], event[treat], horizon).value
    return float(treat.mean() * (risk - (1 - risk) * weight_at / (1 - weight_at)))


def decision_curve(
    rules: dict[str, np.ndarray],
    time: np.ndarray,
    event: np.ndarray,
    horizon: float,
    thresholds: np.ndarray,
) -> pd.DataFrame:
    """Net benefit of every rule along threshold probabilities.

    Parameters
    ----------
    rules : dict
        Name to (n,) risks, which treat from the threshold on, or to (n,) booleans, which treat the
        same patients at each threshold (a grade, a reader).

    Returns
    -------
    pandas.DataFrame
        ``rule, threshold, net_benefit, n_treated``, with the rules ``all`` and ``none``.
    """
    everybody = np.ones(len(time), bool)
    rules = rules | {"all": everybody, "none": ~everybody}
    rows = []
    for name, rule in rules.items():
        for threshold in thresholds:
            treat = rule if rule.dtype == bool else rule >= threshold
            value = net_benefit(treat, time, event, horizon, threshold)
            rows.append((name, threshold, value, int(treat.sum())))
    return pd.DataFrame(rows, columns=["rule", "threshold", "net_benefit", "n_treated"])
