"""How much sooner do the high die: hazard ratios by Cox regression."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError

from histosurv.evaluation.efron import firth, proportional_hazards
from histosurv.evaluation.estimate import Estimate, chi_squared

PRECISION = {"precision": 1e-9}
ENDLESS = 50.0  # standard error of the log ratio between the ends of a term


@dataclass(frozen=True)
class Cox:
    """A Cox regression with Efron's ties.

    Attributes
    ----------
    names : list of str
        Terms, the columns of ``x``.
    x : numpy.ndarray
        (n, p) covariates.
    time, died, strata : numpy.ndarray
        (n,).
    beta, errors : numpy.ndarray
        (p,) log hazard ratios and their standard errors; NaN where not estimable.
    loglik : float
        Log partial likelihood at ``beta``.
    reason : str
        Why there is no estimate; empty where there is one.
    """

    names: list[str]
    x: np.ndarray
    time: np.ndarray
    died: np.ndarray
    strata: np.ndarray
    beta: np.ndarray
    errors: np.ndarray
    loglik: float
    reason: str = ""

    @classmethod
    def fit(
        cls,
        terms: pd.DataFrame,
        time: np.ndarray,
        died: np.ndarray,
        strata: np.ndarray | None = None,
    ) -> "Cox":
        """Fit by lifelines; what cannot be fitted has a reason instead of estimates."""
        strata = np.zeros(len(terms), int) if strata is None else strata
        x = terms.to_numpy(float)
        names = [str(name) for name in terms.columns]
        data = (names, x, time, died, strata)
        nothing = np.full(len(names), np.nan)
        reason = why_not(terms, died)
        if reason:
            return cls(*data, nothing, nothing, np.nan, reason)
        table = pd.DataFrame(x, columns=[f"x{i}" for i in range(len(names))])
        table = table.assign(time=time, died=died, stratum=strata)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                fitter = CoxPHFitter().fit(
                    table, "time", "died", strata=["stratum"], fit_options=PRECISION
                )
        except (ConvergenceError, RuntimeWarning):
            reason = "the Cox regression does not converge: terms hang together, or part the deaths"
            return cls(*data, nothing, nothing, np.nan, reason)
        beta, errors = (of.to_numpy(float) for of in (fitter.params_, fitter.standard_errors_))
        endless = endless_terms(errors, x)
        if endless.any():
            reason = f"{names[endless.argmax()]} parts the deaths from all others: no finite ratio"
            return cls(*data, nothing, nothing, np.nan, reason)
        return cls(*data, beta, errors, float(fitter.log_likelihood_))

    def ratio(self, name: str) -> Estimate:
        """Hazard ratio of a term, Wald interval and p."""
        if self.reason:
            return Estimate.missing(self.reason)
        i = self.names.index(name)
        return Estimate.exponential(self.beta[i], self.errors[i])

    def penalised(self, name: str) -> Estimate:
        """Hazard ratio of a term with Firth's penalty, profile interval and likelihood-ratio p."""
        if not self.died.any() or (self.x == self.x[0]).all(axis=0).any():
            return Estimate.missing(self.reason)
        log = firth(self.x, self.time, self.died, self.strata)[self.names.index(name)]
        if not np.isfinite([log.lower, log.upper]).any():
            return Estimate.missing("no death at a time at which the groups can be compared")
        return Estimate(*np.exp(log[:3]).tolist(), log.p, "Firth's penalty")

    def proportional(self, name: str) -> Estimate:
        """Score test of proportional hazards of a term: chi-squared and p."""
        if self.reason:
            return Estimate.missing(self.reason)
        tests = proportional_hazards(self.x, self.beta, self.time, self.died, self.strata)
        return tests[self.names.index(name)]


def endless_terms(errors: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(p,) terms on which the likelihood is flat: it rises for ever, and the fit stopped somewhere.

    Parameters
    ----------
    errors : numpy.ndarray
        (p,) standard errors from the information.
    x : numpy.ndarray
        (n, p) the terms.
    """
    return ~(errors * np.ptp(x, axis=0) < ENDLESS)


def likelihood_ratio(small: Cox, large: Cox) -> Estimate:
    """Likelihood-ratio test of the terms that a larger model has besides: chi-squared and p."""
    for model in (small, large):
        if model.reason:
            return Estimate.missing(model.reason)
    statistic = max(2 * (large.loglik - small.loglik), 0.0)
    return chi_squared(statistic, len(large.names) - len(small.names))


def why_not(terms: pd.DataFrame, died: np.ndarray) -> str:
    """Why a hazard ratio would not exist: a constant term, or a group without deaths."""
    if not died.any():
        return "nobody died of the cancer"
    for name, values in terms.items():
        levels = np.unique(values)
        if len(levels) == 1:
            return f"{name} is the same for everybody"
        if len(levels) == 2:
            for level in levels:
                if not died[(values == level).to_numpy()].any():
                    return f"nobody with {name} = {level:g} died of the cancer"
    return ""


def high_against_low(
    is_high: np.ndarray, time: np.ndarray, died: np.ndarray, strata: np.ndarray | None = None
) -> tuple[Cox, Estimate]:
    """Cox regression of death of the cancer on being at high risk, and its hazard ratio.

    Parameters
    ----------
    is_high, time, died : numpy.ndarray
        (n,) group, months, deaths of the cancer; other deaths count as lost, hence the ratio is
        cause-specific.
    strata : numpy.ndarray, optional
        (n,) patients are compared within these only.

    Returns
    -------
    model : Cox
        The regression.
    ratio : Estimate
        High against low. Not estimable, with the reason, where a group is empty or without such a
        death.
    """
    model = Cox.fit(pd.DataFrame({"high": is_high.astype(float)}), time, died, strata)
    for name, group in (("low", ~is_high), ("high", is_high)):
        if not group.any():
            return model, Estimate.missing(f"nobody is at {name} risk")
        if not died[group].any():
            return model, Estimate.missing(f"nobody at {name} risk died of the cancer")
    return model, model.ratio("high")
