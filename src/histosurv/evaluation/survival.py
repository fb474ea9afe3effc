"""Survival curves and what is read off them: medians, numbers at risk, mean survival, log-rank."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter

from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH
from histosurv.evaluation.curves import Curves
from histosurv.evaluation.estimate import Estimate, chi_squared

GROUPS = {"low": False, "high": True}
ROUNDING = 1e-9  # of a covariance, relative to its largest spread


def survival_at(time: np.ndarray, died: np.ndarray, horizon: float) -> Estimate:
    """Survival at a horizon by Kaplan and Meier, with the log-log interval; no p."""
    fitter = KaplanMeierFitter(alpha=0.05).fit(time, died)
    band = fitter.confidence_interval_
    place = band.index.searchsorted(horizon, side="right") - 1
    return Estimate(float(fitter.predict(horizon)), *band.iloc[place].astype(float).tolist())


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


def median_survival(time: np.ndarray, died: np.ndarray) -> Estimate:
    """Median of a Kaplan-Meier curve, with the interval in which its log-log band crosses 0.5.

    A curve that is flat at one half has its median in the middle of that piece, as in R.
    """
    fitter = KaplanMeierFitter(alpha=0.05).fit(time, died)
    if not np.isfinite(fitter.median_survival_time_):
        return Estimate.missing("the curve does not come down to one half")
    band = fitter.confidence_interval_
    curves = (fitter.survival_function_.iloc[:, 0], band.iloc[:, 0], band.iloc[:, 1])
    return Estimate(*(_crosses_half(curve) for curve in curves))


def follow_up_median(patients: pd.DataFrame) -> Estimate:
    """Median follow-up in months by the reverse Kaplan-Meier method, 95 % interval.

    Any death ends observation; being alive at last contact is the event (Schemper and Smith 1996).
    """
    time = patients["time_months"].to_numpy(float)
    median = median_survival(time, (patients["event"] == ALIVE).to_numpy())
    if np.isnan(median.value):
        return Estimate.missing("fewer than half of the patients were followed to a known end")
    return median


def _crosses_half(curve: pd.Series) -> float:
    reached = curve.index[curve <= 0.5 + 1e-12]
    if not len(reached):
        return np.nan
    below = curve.index[curve < 0.5 - 1e-12]
    flat = curve[reached[0]] >= 0.5 - 1e-12 and len(below)
    return float((reached[0] + below[0]) / 2 if flat else reached[0])


def restricted_mean(time: np.ndarray, died: np.ndarray, horizon: float) -> tuple[float, float]:
    """Mean survival time until a horizon and its variance.

    Area under the Kaplan-Meier curve; the variance is Greenwood's, of the area still to come at
    each death (Irwin 1949). Not to be asked beyond the last time of the group.
    """
    km = Curves(time, died)
    inside = km.times <= horizon
    times, deaths, n = km.times[inside], km.events[0, inside], km.at_risk[0, inside]
    curve = np.concatenate([[1.0], km.at(times)[0]])
    areas = curve * np.diff(np.concatenate([[0.0], times, [horizon]]))
    to_come = areas.sum() - np.cumsum(areas)[:-1]
    left = n * (n - deaths)
    terms = np.where(left > 0, deaths / np.maximum(left, 1), 0.0)
    return float(areas.sum()), float((terms * to_come**2).sum())


def restricted_mean_difference(
    time: np.ndarray, died: np.ndarray, is_high: np.ndarray, horizon: float
) -> Estimate:
    """Months lost by the high against the low, until the horizon or the end of either's follow-up.

    Returns
    -------
    Estimate
        Mean survival of the high less that of the low: negative when the high die sooner.
    """
    if is_high.all() or not is_high.any():
        return Estimate.missing("all patients are in one group")
    tau = min(horizon, time[is_high].max(), time[~is_high].max())
    parts = [restricted_mean(time[group], died[group], tau) for group in (is_high, ~is_high)]
    found = Estimate.normal(parts[0][0] - parts[1][0], (parts[0][1] + parts[1][1]) ** 0.5)
    return found._replace(note=f"until {tau:.1f} months" if tau < horizon else found.note)


def logrank(
    time: np.ndarray,
    died: np.ndarray,
    group: np.ndarray,
    strata: np.ndarray | None = None,
    *,
    trend: bool = False,
) -> Estimate:
    """Log-rank test of two groups or more: chi-squared as the value, p, degrees of freedom.

    Parameters
    ----------
    time, died : numpy.ndarray
        (n,) months and whether the event was seen.
    group : numpy.ndarray
        (n,) group of each patient; a number where ``trend`` is asked.
    strata : numpy.ndarray, optional
        (n,) patients are compared within these only.
    trend : bool
        One degree of freedom for a trend along the groups' numbers (Tarone 1975).

    Notes
    -----
    Observed less expected deaths and their hypergeometric covariance, summed over times and strata
    (Peto and Peto 1972).
    """
    if not died.any():
        return Estimate.missing("nobody died of the cancer")
    return compare_groups(
        lambda own, member, k: _logrank_terms(time[own], died[own], member, k),
        group,
        strata,
        trend=trend,
    )


def compare_groups(
    terms: Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]],
    group: np.ndarray,
    strata: np.ndarray | None,
    *,
    trend: bool = False,
) -> Estimate:
    """Chi-squared test of scores of groups that are added up over strata.

    Parameters
    ----------
    terms : callable
        Given who is in a stratum (n,), the number of the group of each of these and how many
        groups there are: the groups' scores, which sum to zero, and their covariance.
    group, strata, trend
        As for `logrank`.
    """
    names, member = np.unique(group, return_inverse=True)
    k = len(names)
    if k < 2:
        return Estimate.missing("all patients are in one group")
    strata = np.zeros(len(group)) if strata is None else strata
    parts = [terms(strata == one, member[strata == one], k) for one in np.unique(strata)]
    score, covariance = (sum(part[i] for part in parts) for i in (0, 1))
    if trend:
        weights = names.astype(float)
        score, covariance = (
            np.atleast_1d(weights @ score),
            np.atleast_2d(weights @ covariance @ weights),
        )
    # The scores sum to zero, so one direction at least has no spread but that of rounding.
    spread, directions = np.linalg.eigh(covariance)
    real = spread > ROUNDING * max(spread.max(), 0.0)
    if not real.any():
        return Estimate.missing("no death at a time at which the groups can be compared")
    statistic = ((score @ directions[:, real]) ** 2 / spread[real]).sum()
    return chi_squared(float(statistic), int(real.sum()))


def _logrank_terms(
    time: np.ndarray, died: np.ndarray, member: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Observed less expected deaths of each group, and their covariance."""
    times = np.unique(time[died])
    if not len(times):
        return np.zeros(k), np.zeros((k, k))
    groups = [member == g for g in range(k)]
    n = np.stack([_from(time[own], times, "left") for own in groups], axis=1)
    later = np.stack([_from(time[own & died], times, "right") for own in groups], axis=1)
    d = np.stack([_from(time[own & died], times, "left") for own in groups], axis=1) - later
    total, deaths = n.sum(axis=1), d.sum(axis=1)
    share = n / total[:, None]
    factor = deaths * (total - deaths) / np.maximum(total - 1, 1)
    covariance = (
        np.diag((factor[:, None] * share).sum(axis=0)) - (share * factor[:, None]).T @ share
    )
    return (d - deaths[:, None] * share).sum(axis=0), covariance


def _from(of: np.ndarray, times: np.ndarray, side: str) -> np.ndarray:
    """How many lie at or beyond each time (``left``), or beyond it (``right``)."""
    return len(of) - np.searchsorted(np.sort(of), times, side=side)
