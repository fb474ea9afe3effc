"""How much sooner do the high die: hazard ratio, log-rank, Kaplan-Meier, numbers at risk."""

import warnings

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError
from lifelines.statistics import logrank_test

from histosurv.cohort.endpoint import CANCER_DEATH
from histosurv.evaluation.discrimination import Estimate

GROUPS = {"low": False, "high": True}


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


def logrank(patients: pd.DataFrame) -> Estimate:
    """Log-rank test of high against low risk: chi-squared with one degree of freedom, and p."""
    high = patients[patients["is_high"]]
    low = patients[~patients["is_high"]]
    died = patients["event"] == CANCER_DEATH
    if high.empty or low.empty:
        return Estimate.missing("all patients are in one group")
    if not died.any():
        return Estimate.missing("nobody died of the cancer")
    test = logrank_test(
        high["time_months"], low["time_months"], died.loc[high.index], died.loc[low.index]
    )
    return Estimate(test.test_statistic, p=test.p_value)


def kaplan_meier(patients: pd.DataFrame) -> pd.DataFrame:
    """Survival curves of both groups.

    Returns
    -------
    pandas.DataFrame
        ``group, time_months, survival, lower, upper, n_censored``: a row per time at which
        something happened, other deaths censored; log-log 95 % band.
    """
    tables = []
    for name, is_high in GROUPS.items():
        group = patients[patients["is_high"] == is_high]
        if group.empty:
            continue
        fitter = KaplanMeierFitter(alpha=0.05)
        fitter.fit(group["time_months"], group["event"] == CANCER_DEATH)
        band = fitter.confidence_interval_
        tables.append(
            pd.DataFrame(
                {
                    "group": name,
                    "time_months": fitter.survival_function_.index,
                    "survival": fitter.survival_function_.iloc[:, 0].to_numpy(),
                    "lower": band.iloc[:, 0].to_numpy(),
                    "upper": band.iloc[:, 1].to_numpy(),
                    "n_censored": fitter.event_table["censored"].to_numpy(int),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def at_risk(patients: pd.DataFrame, ticks: np.ndarray) -> pd.DataFrame:
    """Numbers under a Kaplan-Meier curve.

    Returns
    -------
    pandas.DataFrame
        ``group, time_months, at_risk, censored, events`` at each tick: at risk are those with
        T >= tick (R's convention); censored and events are those before it.
    """
    rows = []
    for name, is_high in GROUPS.items():
        group = patients[patients["is_high"] == is_high]
        died = group["event"] == CANCER_DEATH
        for tick in ticks:
            before = group["time_months"] < tick
            rows.append(
                (name, tick, (~before).sum(), (before & ~died).sum(), (before & died).sum())
            )
    return pd.DataFrame(rows, columns=["group", "time_months", "at_risk", "censored", "events"])


def follow_up_median(patients: pd.DataFrame) -> Estimate:
    """Median follow-up in months by the reverse Kaplan-Meier method, 95 % interval.

    Any death ends observation; being alive at last contact is the event (Schemper and Smith 1996).
    """
    fitter = KaplanMeierFitter().fit(patients["time_months"], patients["event"] == 0)
    median = fitter.median_survival_time_
    if not np.isfinite(median):
        return Estimate.missing("fewer than half of the patients were followed to a known end")
    band = fitter.confidence_interval_survival_function_
    lower, upper = (_first_at_or_below_half(band.iloc[:, i]) for i in (0, 1))
    return Estimate(median, lower, upper)


def _first_at_or_below_half(curve: pd.Series) -> float:
    below = curve.index[curve <= 0.5]
    return float(below[0]) if len(below) else np.nan
