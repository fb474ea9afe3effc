"""Whether predicted risks come true: observed against expected, slope, groups, Brier score, IPA."""

import warnings

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError

from histosurv.cohort.endpoint import CANCER_DEATH
from histosurv.evaluation.competing import incidence
from histosurv.evaluation.curves import Curves
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.time_dependent import brier_at

N_GROUPS = 4
EDGE = 1e-6  # risks are kept this far from 0 and 1 where their logarithm is taken


def observed_risk(time: np.ndarray, event: np.ndarray, horizon: float) -> Estimate:
    """Share who died of the cancer by the horizon, by Aalen and Johansen, log-log interval.

    Without other deaths this is one less the Kaplan-Meier curve; with them, one less that curve
    would overstate what is seen.
    """
    return incidence(time, event).at(horizon)


def observed_to_expected(
    risk: np.ndarray, time: np.ndarray, event: np.ndarray, horizon: float
) -> Estimate:
    """Observed over mean predicted risk; 1 is right, above 1 the risks are too low.

    The interval takes the number of deaths by the horizon for Poisson, on the logarithmic scale.
    """
    deaths = int(((event == CANCER_DEATH) & (time <= horizon)).sum())
    if not deaths:
        return Estimate.missing("nobody died of the cancer by the horizon")
    if not risk.any():
        return Estimate.missing("all risks are 0")
    ratio = observed_risk(time, event, horizon).value / risk.mean()
    return Estimate.exponential(np.log(ratio), deaths**-0.5)


def slope(risk: np.ndarray, time: np.ndarray, died: np.ndarray, horizon: float) -> Estimate:
    """Calibration slope; 1 is right, below 1 the risks are too far apart.

    Coefficient of log(-log(1 - risk)) in a Cox regression (Efron) with follow-up cut at the
    horizon; the p is that against a slope of 1.
    """
    inside = np.clip(risk, EDGE, 1 - EDGE)
    table = pd.DataFrame(
        {
            "link": np.log(-np.log1p(-inside)),
            "time": np.minimum(time, horizon),
            "died": died & (time <= horizon),
        }
    )
    if table["link"].std() < EDGE:
        return Estimate.missing("everybody has the same risk")
    if not table["died"].any():
        return Estimate.missing("nobody died of the cancer by the horizon")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            row = CoxPHFitter().fit(table, "time", "died", fit_options={"precision": 1e-9}).summary
    except (ConvergenceError, RuntimeWarning):
        return Estimate.missing("the Cox regression does not converge")
    found = Estimate.normal(
        float(row.at["link", "coef"]), float(row.at["link", "se(coef)"]), null=1.0
    )
    n_edge = int((inside != risk).sum())
    note = f"{n_edge} risks of 0 or 1 were taken for {EDGE:g} from it" if n_edge else found.note
    return found._replace(note=note)


def calibration_groups(
    risk: np.ndarray, time: np.ndarray, event: np.ndarray, horizon: float
) -> pd.DataFrame:
    """Predicted and observed risk of patients in quarters of predicted risk.

    Returns
    -------
    pandas.DataFrame
        ``group, predicted, observed, lower, upper, n, events``; fewer groups where risks tie.
    """
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, N_GROUPS + 1)))
    member = np.clip(np.searchsorted(edges, risk, side="left"), 1, max(len(edges) - 1, 1))
    rows = []
    for group in np.unique(member):
        own = member == group
        found = observed_risk(time[own], event[own], horizon)
        deaths = (event[own] == CANCER_DEATH) & (time[own] <= horizon)
        rows.append(
            (int(group), risk[own].mean(), *found[:3], int(own.sum()), int(deaths.sum()))
        )  # fmt: skip
    columns = ["group", "predicted", "observed", "lower", "upper", "n", "events"]
    return pd.DataFrame(rows, columns=columns)


def integrated_brier(
    risks: np.ndarray, grid: np.ndarray, time: np.ndarray, died: np.ndarray
) -> float:
    """Mean Brier score over a grid of times by the trapezoid rule.

    Parameters
    ----------
    risks : numpy.ndarray
        (n, len(grid)) risk of each patient by each time.
    """
    along = [brier_at(risks[:, i], time, died, at) for i, at in enumerate(grid)]
    return float(np.trapezoid(along, grid) / (grid[-1] - grid[0]))


def risks_before(
    risk: np.ndarray, grid: np.ndarray, horizon: float, time: np.ndarray, died: np.ndarray
) -> np.ndarray:
    """Risks at earlier times from that at the horizon: hazards proportional to everybody's.

    1 - (1 - risk) ** share, with the share of the cumulative hazard of everybody, by Kaplan and
    Meier, that has passed by each time.
    """
    hazard = -np.log(np.maximum(Curves(time, died).at(np.append(grid, horizon))[0], EDGE))
    share = hazard[:-1] / hazard[-1] if hazard[-1] > 0 else np.zeros(len(grid))
    return 1 - (1 - np.minimum(risk, 1 - EDGE))[:, None] ** share[None]
