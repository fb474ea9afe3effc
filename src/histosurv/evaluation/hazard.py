"""How much sooner do the high die: hazard ratios by Cox regression."""

import warnings

import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError

from histosurv.cohort.endpoint import CANCER_DEATH
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.survival import GROUPS


def hazard_ratio(patients: pd.DataFrame) -> Estimate:
    """Hazard ratio of cancer death, high against low risk.

    Parameters
    ----------
    patients : pandas.DataFrame
        ``time_months, event, is_high``; other deaths count as censored, hence the ratio is
        cause-specific.

    Returns
    -------
    Estimate
        Cox regression with Efron's ties, Wald interval and p. Not estimable, with the reason,
        where a group is empty or has no death of the cancer.
    """
    died = patients["event"] == CANCER_DEATH
    for name, is_high in GROUPS.items():
        group = patients["is_high"] == is_high
        if not group.any():
            return Estimate.missing(f"nobody is at {name} risk")
        if not died[group].any():
            return Estimate.missing(f"nobody at {name} risk died of the cancer")
    table = pd.DataFrame(
        {
            "time": patients["time_months"],
            "died": died.astype(int),
            "high": patients["is_high"].astype(float),
        }
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            row = CoxPHFitter().fit(table, "time", "died").summary.loc["high"]
    except (ConvergenceError, RuntimeWarning):
        return Estimate.missing("the Cox regression does not converge")
    return Estimate(
        row["exp(coef)"], row["exp(coef) lower 95%"], row["exp(coef) upper 95%"], row["p"]
    )
