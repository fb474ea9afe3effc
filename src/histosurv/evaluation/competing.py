"""Deaths of the cancer among other deaths: cumulative incidence, Gray's test, Fine-Gray models.

Every function takes ``time`` (n,) months and ``event`` (n,): 0 lost, 1 death of the cancer, 2 other
death.
"""

from dataclasses import dataclass

import numpy as np

from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH, OTHER_DEATH
from histosurv.evaluation.curves import Curves
from histosurv.evaluation.estimate import REACH, Estimate
from histosurv.evaluation.hazard import endless_terms
from histosurv.evaluation.survival import compare_groups


@dataclass(frozen=True)
class Incidence:
    """Cumulative incidence of one cause: steps at ``times`` with standard errors.

    ``is_whole`` where everybody has died by the last time, so that nothing is left open.
    """

    times: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    is_whole: bool

    def at(self, months: float) -> Estimate:
        """Incidence at a time, with the log-log interval; no p."""
        place = np.searchsorted(self.times, months, side="right") - 1
        value, error = 0.0, 0.0
        if place >= 0:
            value, error = float(self.values[place]), float(self.errors[place])
        last, seen = self.times[-1], ""
        if months > last and not self.is_whole:
            seen = f"nobody was followed beyond {last:g} months"
        if not 0 < value < 1 or error == 0:
            what = "no interval: no such death" if value == 0 else "no interval: no spread"
            return Estimate(value, note="; ".join(filter(None, (what, seen))))
        reach = REACH * error / (value * np.log(value))
        with np.errstate(over="ignore"):  # an incidence near one may have any interval
            ends = value ** np.exp(-reach), value ** np.exp(reach)
        return Estimate(value, *map(float, ends), note=seen)


def incidence(time: np.ndarray, event: np.ndarray, cause: int = CANCER_DEATH) -> Incidence:
    """Aalen-Johansen estimate of the share who died of a cause.

    Notes
    -----
    Standard errors by the infinitesimal jackknife, as in R's survival 3; without censoring they are
    those of a binomial share.
    """
    n = len(time)
    times, place = np.unique(time, return_inverse=True)
    own, any_death = event == cause, event > ALIVE
    tallies = [np.bincount(place[kind], minlength=len(times)) for kind in (own, any_death)]
    at_risk = n - np.concatenate([[0], np.cumsum(np.bincount(place, minlength=len(times)))[:-1]])
    of_cause, deaths = tallies[0] / at_risk, tallies[1] / at_risk
    alive = np.concatenate([[1.0], np.cumprod(1 - deaths)[:-1]])  # just before each time
    values = np.cumsum(alive * of_cause)
    # What a patient adds to the error at a step with value v is a + b v for those whose time has
    # passed, and one and the same for all others, so that sums over patients are running sums.
    left = np.maximum(at_risk - tallies[1], 1)
    direct, shared = alive / at_risk, np.cumsum(alive * of_cause / at_risk)
    rates = np.cumsum(deaths / left), np.cumsum(deaths / left * values)
    a = own * direct[place] - shared[place] - rates[1][place]
    a += any_death * (values / left)[place]
    b = rates[0][place] - any_death / left[place]
    passed = [_running(of, place, len(times)) for of in (a * a, a * b, b * b)]
    later = n - _running(np.ones(n), place, len(times))
    others = values * rates[0] - rates[1] - shared
    variance = passed[0] + 2 * values * passed[1] + values**2 * passed[2] + later * others**2
    errors = np.sqrt(np.maximum(variance, 0.0))
    is_whole = bool(deaths[-1] == 1)
    return Incidence(times, values, _hold(errors, tallies[0] > 0), is_whole)


def _running(of: np.ndarray, place: np.ndarray, n_times: int) -> np.ndarray:
    """Sum of something over the patients whose time has come, at every time."""
    return np.cumsum(np.bincount(place, weights=of, minlength=n_times))


def _hold(values: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """Each value kept until the next fresh one."""
    last = np.maximum.accumulate(np.where(fresh, np.arange(len(values)), -1))
    return np.where(last >= 0, values[last], 0.0)


def gray_test(
    time: np.ndarray, event: np.ndarray, group: np.ndarray, strata: np.ndarray | None = None
) -> Estimate:
    """Gray's test of equal cumulative incidence of death of the cancer: chi-squared and p.

    Notes
    -----
    Gray (1988), without a weight for early times. With C_ik the compensated weight of group k in
    the score of i, each death of the cancer and each other death adds the square of what it moves
    now and of what it will have moved by the end.
    """
    if not (event == CANCER_DEATH).any():
        return Estimate.missing("nobody died of the cancer")
    return compare_groups(
        lambda own, member, k: _gray_terms(time[own], event[own], member, k), group, strata
    )


def _gray_terms(
    time: np.ndarray, event: np.ndarray, member: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    times, place = np.unique(time, return_inverse=True)
    shape = (len(times), k)
    tally = [np.zeros(shape) for _ in range(3)]
    for kind in (ALIVE, CANCER_DEATH, OTHER_DEATH):
        chosen = event == kind
        np.add.at(tally[kind], (place[chosen], member[chosen]), 1)
    at_risk = sum(tally)[::-1].cumsum(axis=0)[::-1]
    safe = np.maximum(at_risk, 1)
    after = np.cumprod(1 - (tally[1] + tally[2]) / safe, axis=0)  # of any cause, by group
    before = np.concatenate([np.ones((1, k)), after[:-1]])
    rose = before * tally[1] / safe
    own_before = np.cumsum(rose, axis=0) - rose
    present = at_risk > 0
    weight = np.where(present, at_risk / np.where(before > 0, before, 1), 0.0)
    total, cancer = weight.sum(axis=1), tally[1].sum(axis=1)
    pooled = np.cumsum(np.divide(cancer, total, out=np.zeros_like(total), where=total > 0))
    pooled_before = np.concatenate([[0.0], pooled[:-1]])
    adjusted = weight * (1 - own_before)
    sums = adjusted.sum(axis=1)
    share = np.divide(adjusted, sums[:, None], out=np.zeros(shape), where=sums[:, None] > 0)
    score = (tally[1] - cancer[:, None] * share).sum(axis=0)

    whole = np.where(total > 0, total, 1)
    spread = weight[:, :, None] * (np.eye(k) - (weight / whole[:, None])[:, None, :])
    rate = cancer / (whole * np.where(pooled_before < 1, 1 - pooled_before, 1))
    built = np.cumsum(spread * rate[:, None, None], axis=0)
    to_come = built[-1] - built
    left = np.where(after > 0, (1 - pooled)[:, None] / np.where(after > 0, after, 1), 0.0)
    # Corrections for deaths at one time, as in a draw without putting back.
    tied = 1 - np.maximum(cancer - 1, 0)[:, None] / np.maximum(total[:, None] * before - 1, 1e-12)
    other = tally[2]
    tied_other = 1 - np.maximum(other - 1, 0) / np.maximum(at_risk - 1, 1)
    first = np.where(present, tied * before * cancer[:, None] / (whole[:, None] * safe), 0.0)
    second = np.where(after > 0, tied_other * before**2 * other / safe**2, 0.0)
    now = spread + (1 - left)[:, None, :] * to_come
    then = left[:, None, :] * to_come
    covariance = np.einsum("tik,tjk,tk->ij", now, now, first)
    return score, covariance + np.einsum("tik,tjk,tk->ij", then, then, second)


@dataclass(frozen=True)
class FineGray:
    """Subdistribution hazards: coefficients (p,) and their robust covariance (p, p)."""

    beta: np.ndarray
    covariance: np.ndarray

    def ratio(self, i: int) -> Estimate:
        """Subdistribution hazard ratio of a covariate, Wald interval and p."""
        return Estimate.exponential(self.beta[i], self.covariance[i, i] ** 0.5)


def fine_gray(time: np.ndarray, event: np.ndarray, x: np.ndarray) -> FineGray:
    """Regression on the cumulative incidence of death of the cancer (Fine and Gray 1999).

    Parameters
    ----------
    x : numpy.ndarray
        (n, p) covariates.

    Raises
    ------
    ArithmeticError
        The likelihood has no maximum.

    Notes
    -----
    Who died of something else stays at risk with the weight G(t-)/G(T-), the probability of not
    having been lost since; ties as Breslow's; the covariance allows for the estimation of G.
    """
    model = _Subdistribution(time, event, (x - x.mean(axis=0)) / x.std(axis=0))
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        score, information = model.derivatives(beta)
        step = np.linalg.solve(information, score)
        beta = beta + step * min(1.0, 2.0 / np.abs(step).max(initial=1e-12))
        if np.abs(step).max() < 1e-10:
            break
    else:
        raise ArithmeticError("the Fine-Gray regression does not converge")
    bread = np.linalg.inv(model.derivatives(beta)[1])
    if endless_terms(np.sqrt(np.diag(bread)), model.x).any():
        raise ArithmeticError("the likelihood rises for ever")
    influence = model.influence(beta)
    covariance = bread @ (influence.T @ influence) @ bread
    scale = x.std(axis=0)
    return FineGray(beta / scale, covariance / np.outer(scale, scale))


class _Subdistribution:
    """Sums over risk sets at the deaths of the cancer, all of them cumulative."""

    def __init__(self, time: np.ndarray, event: np.ndarray, x: np.ndarray) -> None:
        order = np.argsort(time, kind="stable")
        self.time, self.event, self.x = time[order], event[order], x[order]
        self.censoring = Curves(self.time, self.event == ALIVE)
        died = self.event == CANCER_DEATH
        self.times, self.deaths = np.unique(self.time[died], return_counts=True)
        self.reached = self.censoring.before(self.times)[0]
        own = np.maximum(self.censoring.before(self.time)[0], 1e-12)
        self.kept = np.where(self.event == OTHER_DEATH, 1 / own, 0.0)
        self.first_at_risk = np.searchsorted(self.time, self.times)
        self.died = died

    def _sums(self, beta: np.ndarray) -> list[np.ndarray]:
        relative = np.exp(self.x @ beta)
        powers = [relative, relative[:, None] * self.x]
        powers.append(powers[1][:, :, None] * self.x[:, None, :])
        found = []
        for power in powers:
            shape = (-1,) + (1,) * (power.ndim - 1)
            zero = np.zeros((1, *power.shape[1:]))
            whole = np.concatenate([zero, np.cumsum(power, axis=0)])
            gone = np.concatenate([zero, np.cumsum(power * self.kept.reshape(shape), axis=0)])
            at = whole[-1] - whole[self.first_at_risk]
            found.append(at + self.reached.reshape(shape) * gone[self.first_at_risk])
        return found

    def derivatives(self, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score and information."""
        s0, s1, s2 = self._sums(beta)
        mean = s1 / s0[:, None]
        score = self.x[self.died].sum(axis=0) - (self.deaths[:, None] * mean).sum(axis=0)
        spread = s2 / s0[:, None, None] - mean[:, :, None] * mean[:, None, :]
        return score, (self.deaths[:, None, None] * spread).sum(axis=0)

    def influence(self, beta: np.ndarray) -> np.ndarray:
        """Terms of the score per patient, (n, p), with what the estimate of G adds."""
        s0, s1, _ = self._sums(beta)
        mean, rate = s1 / s0[:, None], self.deaths / s0
        relative = np.exp(self.x @ beta)[:, None]
        pieces = np.column_stack([rate, rate[:, None] * mean])
        until = _before(np.cumsum(pieces, axis=0), np.searchsorted(self.times, self.time, "right"))
        held = np.cumsum(pieces * self.reached[:, None], axis=0)
        after = held[-1] - _before(held, np.searchsorted(self.times, self.time, "right"))
        at_death = np.searchsorted(self.times, self.time).clip(max=len(self.times) - 1)
        terms = np.where(self.died[:, None], self.x - mean[at_death], 0.0)
        terms -= relative * (self.x * until[:, :1] - until[:, 1:])
        kept = self.kept[:, None] * relative
        terms -= kept * (self.x * after[:, :1] - after[:, 1:])
        return terms + self._of_weights(kept, held)

    def _of_weights(self, kept: np.ndarray, held: np.ndarray) -> np.ndarray:
        """What a patient does to the score through the estimate of G."""
        censoring, n = self.censoring, len(self.time)
        upto = np.searchsorted(self.time, censoring.times, side="right")
        gone = _before(np.cumsum(np.column_stack([kept, kept * self.x]), axis=0), upto)
        later = held[-1] - _before(held, np.searchsorted(self.times, censoring.times, "right"))
        q = (gone[:, 1:] * later[:, :1] - gone[:, :1] * later[:, 1:]) / n
        share = censoring.at_risk[0] / n
        jump = q / share[:, None]
        compensator = np.cumsum(jump * censoring.hazard[0][:, None], axis=0)
        place = np.searchsorted(censoring.times, self.time)
        return np.where((self.event == ALIVE)[:, None], jump[place], 0.0) - compensator[place]


def _before(sums: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Cumulative sums of the first ``count`` rows."""
    return np.concatenate([np.zeros((1, sums.shape[1])), sums])[count]
