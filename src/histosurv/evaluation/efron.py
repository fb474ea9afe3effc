"""Cox's partial likelihood with Efron's ties and its derivatives, for what lifelines does not fit.

Firth's penalty, the score test of proportional hazards and thousands of resamples need the
likelihood itself; plain regressions go through lifelines.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.stats import chi2

from histosurv.evaluation.curves import Curves
from histosurv.evaluation.estimate import Estimate, chi_squared


@dataclass(frozen=True)
class Efron:
    """Log partial likelihood at some coefficients, and its pieces per death.

    Attributes
    ----------
    loglik : float
        Log partial likelihood.
    residuals : numpy.ndarray
        (deaths, p) covariates less their mean in the risk set (Schoenfeld 1982); with ties the mean
        over Efron's steps. They sum to the score.
    variances : numpy.ndarray
        (deaths, p, p) covariance of the covariates in the risk set; they sum to the information.
    times : numpy.ndarray
        (deaths,).
    """

    loglik: float
    residuals: np.ndarray
    variances: np.ndarray
    times: np.ndarray

    @classmethod
    def at(
        cls, beta: np.ndarray, x: np.ndarray, time: np.ndarray, died: np.ndarray, strata: np.ndarray
    ) -> "Efron":
        """Evaluate at coefficients ``beta`` (p,) for covariates ``x`` (n, p)."""
        parts = [
            _of_stratum(beta, x[inside], time[inside], died[inside])
            for inside in (strata == stratum for stratum in np.unique(strata))
        ]
        return cls(
            float(sum(part[0] for part in parts)),
            *(np.concatenate([part[i] for part in parts]) for i in (1, 2, 3)),
        )

    @property
    def score(self) -> np.ndarray:
        """Gradient, (p,)."""
        return self.residuals.sum(axis=0)

    @property
    def information(self) -> np.ndarray:
        """Negative second derivative, (p, p)."""
        return self.variances.sum(axis=0)


def _of_stratum(
    beta: np.ndarray, x: np.ndarray, time: np.ndarray, died: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    order = np.lexsort((~died, -time))  # latest first: a risk set is everybody up to here
    x, time, died = x[order], time[order], died[order]
    eta = x @ beta
    relative = np.exp(eta - eta.max())
    outer = x[:, :, None] * x[:, None, :]
    risk = [relative, relative[:, None] * x, relative[:, None, None] * outer]
    all_sums = [np.cumsum(part, axis=0) for part in risk]
    deaths = np.flatnonzero(died)
    times, size = np.unique(time[deaths], return_counts=True)
    place = np.searchsorted(times, time[deaths])
    last = len(time) - 1 - np.searchsorted(time[::-1], time[deaths], side="left")
    # Efron: the k-th of m deaths at one time sees the tied ones with weight 1 - k/m.
    rank = np.arange(len(deaths)) - np.searchsorted(-time[deaths], -time[deaths], side="left")
    fraction = rank / size[place]
    sums = []
    for part, whole in zip(risk, all_sums, strict=True):
        shape = (len(deaths),) + (1,) * (part.ndim - 1)
        tied = np.zeros((len(times), *part.shape[1:]))
        np.add.at(tied, place, part[deaths])
        sums.append(whole[last] - fraction.reshape(shape) * tied[place])
    mean = sums[1] / sums[0][:, None]
    spread = sums[2] / sums[0][:, None, None] - mean[:, :, None] * mean[:, None, :]
    loglik = (eta[deaths] - eta.max() - np.log(sums[0])).sum()
    averaged, shared = np.zeros((len(times), x.shape[1])), np.zeros((len(times), *spread.shape[1:]))
    np.add.at(averaged, place, mean)
    np.add.at(shared, place, spread)
    mean = averaged[place] / size[place][:, None]
    return loglik, x[deaths] - mean, shared[place] / size[place][:, None, None], time[deaths]


def proportional_hazards(
    x: np.ndarray,
    beta: np.ndarray,
    time: np.ndarray,
    died: np.ndarray,
    strata: np.ndarray | None = None,
) -> list[Estimate]:
    """Score test of each coefficient against a trend along the survival curve, and of all at once.

    Parameters
    ----------
    x : numpy.ndarray
        (n, p) covariates.
    beta : numpy.ndarray
        (p,) coefficients of the fitted model.
    time, died, strata : numpy.ndarray
        (n,) months, whether the event was seen, strata of the model.

    Returns
    -------
    list of Estimate
        Chi-squared with one degree of freedom per covariate, and last with p of them together.

    Notes
    -----
    The covariate times 1 - S(t-), S the Kaplan-Meier curve of all patients, is put into the model
    and its coefficient tested at 0 (Grambsch and Therneau 1994 in the form of R's survival 3).
    """
    strata = np.zeros(len(time)) if strata is None else strata
    fit = Efron.at(beta, x, time, died, strata)
    along = 1 - Curves(time, died).before(fit.times)[0]
    along = along - along.mean()
    score = (along[:, None] * fit.residuals).sum(axis=0)
    cross = (along[:, None, None] * fit.variances).sum(axis=0)
    square = (along[:, None, None] ** 2 * fit.variances).sum(axis=0)
    inverse = np.linalg.pinv(fit.information)
    left = square - cross @ inverse @ cross
    own = np.diag(square) - np.einsum("ij,jk,ik->i", cross, inverse, cross)
    statistics = [s**2 / v if v > 1e-12 else np.nan for s, v in zip(score, own, strict=True)]
    statistics.append(score @ np.linalg.pinv(left) @ score)
    degrees = [1] * len(score) + [len(score)]
    return [chi_squared(float(value), k) for value, k in zip(statistics, degrees, strict=True)]


def firth(
    x: np.ndarray, time: np.ndarray, died: np.ndarray, strata: np.ndarray | None = None
) -> list[Estimate]:
    """Cox regression with Firth's penalty: log hazard ratios that exist under separation.

    Parameters
    ----------
    x, time, died, strata
        As for `proportional_hazards`.

    Returns
    -------
    list of Estimate
        Coefficients (logarithms of hazard ratios) with profile intervals and the p of the
        penalised likelihood-ratio test.

    Notes
    -----
    Half the log determinant of the information is added to the log partial likelihood (Heinze and
    Schemper 2001). Wald's intervals are of no use where a group has no events; the profile of the
    penalised likelihood is.
    """
    strata = np.zeros(len(time)) if strata is None else strata
    scale = x.std(axis=0)
    z = (x - x.mean(axis=0)) / scale

    def loss(free: np.ndarray, held: int | None = None, value: float = 0.0) -> float:
        beta = free if held is None else np.insert(free, held, value)
        fit = Efron.at(np.clip(beta, -50, 50), z, time, died, strata)
        sign, logdet = np.linalg.slogdet(fit.information)
        return -fit.loglik - 0.5 * logdet if sign > 0 else 1e10

    def best(held: int | None = None, value: float = 0.0) -> tuple[np.ndarray, float]:
        free = x.shape[1] - (held is not None)
        if not free:
            return np.empty(0), loss(np.empty(0), held, value)
        found = minimize(loss, np.zeros(free), (held, value), method="BFGS", options={"gtol": 1e-7})
        return found.x, float(found.fun)

    beta, least = best()
    half = chi2.ppf(0.95, 1) / 2
    found = []
    for i, own in enumerate(beta):

        def beyond(value: float, i: int = i) -> float:
            return best(i, value)[1] - least - half

        ends = [_root(beyond, own, side) for side in (-1.0, 1.0)]
        statistic = max(2 * (best(i, 0.0)[1] - least), 0.0)
        scaled = (float(value / scale[i]) for value in (own, *ends))
        found.append(Estimate(*scaled, p=float(chi2.sf(statistic, 1))))
    return found


def _root(beyond: Callable[[float], float], start: float, side: float) -> float:
    """Where a profile that is below its limit at ``start`` reaches it."""
    step = side
    while beyond(start + step) < 0 and abs(step) < 30:
        step *= 2
    return brentq(beyond, start, start + step) if abs(step) < 30 else side * np.inf
