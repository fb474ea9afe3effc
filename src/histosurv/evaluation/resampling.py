"""Patients drawn again and again: the same resamples for every score and figure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from histosurv.evaluation.curves import Curves
from histosurv.evaluation.estimate import LEVEL, Estimate

CHUNK = 2_000_000  # cells of a table of resamples and patients that are worked on at once
ROUNDING = 1e-12  # figures nearer to a null value than this are that value


@dataclass(frozen=True)
class Resamples:
    """How often each patient occurs in each of some resamples, and the weights that follow.

    Attributes
    ----------
    counts : numpy.ndarray
        (b, n); one row of ones is the sample itself.
    time, died : numpy.ndarray
        (n,) months and whether the event was seen.
    horizon : float
        Months.
    """

    counts: np.ndarray
    time: np.ndarray
    died: np.ndarray
    horizon: float

    def of(self, rows: np.ndarray) -> "Resamples":
        """Those of some patients only."""
        return Resamples(self.counts[:, rows], self.time[rows], self.died[rows], self.horizon)

    @cached_property
    def _censoring(self) -> Curves:
        return Curves(self.time, ~self.died, self.counts)

    @cached_property
    def inverse(self) -> np.ndarray:
        """(b, n) number of patients for whom each of the dead stands: count / G(T-)."""
        reached = self._censoring.before(self.time)
        drawn = self.died & (self.counts > 0)
        return np.where(drawn, self.counts / np.where(drawn, reached, 1.0), 0.0)

    @cached_property
    def cases(self) -> np.ndarray:
        """(b, n) weight as a case: dead by the horizon."""
        return self.inverse * (self.time <= self.horizon)

    @cached_property
    def controls(self) -> np.ndarray:
        """(b, n) weight as a control: alive beyond the horizon, each standing for himself."""
        return self.counts * (self.time > self.horizon)

    @cached_property
    def squared(self) -> np.ndarray:
        """(b, n) Uno's weight of each death by the horizon: count / G(T-)^2."""
        return np.where(self.cases > 0, self.cases**2 / np.maximum(self.counts, 1), 0.0)

    @cached_property
    def beyond(self) -> np.ndarray:
        """(b, n) weight of those alive beyond the horizon, who stand for the lost: count / G(t)."""
        reached = self._censoring.at(self.horizon)
        return np.where(self.controls > 0, self.controls / np.maximum(reached, 1e-12), 0.0)


def bootstrap(
    time: np.ndarray,
    died: np.ndarray,
    horizon: float,
    *,
    n_resamples: int,
    seed: int,
    strata: np.ndarray | None = None,
) -> Iterator[Resamples]:
    """Bootstrap samples of patients, in portions that fit into memory.

    Parameters
    ----------
    time, died, horizon
        As in `Resamples`.
    n_resamples, seed : int
        Number of samples; the same seed gives the same samples.
    strata : numpy.ndarray, optional
        (n,) every stratum (fold) keeps its size.
    """
    n = len(time)
    strata = np.zeros(n, int) if strata is None else strata
    rng = np.random.default_rng(seed)
    portion = max(1, CHUNK // max(n, 1))
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    for start in range(0, n_resamples, portion):
        size = min(portion, n_resamples - start)
        counts = np.zeros((size, n))
        for rows in members:
            drawn = rng.integers(0, len(rows), (size, len(rows)))
            place = drawn + len(rows) * np.arange(size)[:, None]
            own = np.bincount(place.ravel(), minlength=size * len(rows))
            counts[:, rows] = own.reshape(size, len(rows))
        yield Resamples(counts, time, died, horizon)


def percentiles(value: float, drawn: np.ndarray, null: float = np.nan) -> Estimate:
    """Estimate with the percentile interval of a bootstrap, and its p against a null value.

    Parameters
    ----------
    value : float
        The figure of the sample itself.
    drawn : numpy.ndarray
        (b,) the figure in the resamples; NaN where it could not be evaluated, which is counted in
        the note.
    null : float
        The p is twice the smaller share of resamples on either side of it, never below 2/(b+1).
    """
    if np.isnan(value):
        return Estimate.missing("not estimable")
    good = drawn[np.isfinite(drawn)]
    note = f"{len(drawn) - len(good)} resamples without a figure" if len(good) < len(drawn) else ""
    if len(good) < 2:
        return Estimate(value, note="no resample gives the figure")
    tail = 100 * (1 - LEVEL) / 2
    lower, upper = np.percentile(good, [tail, 100 - tail])
    p = np.nan
    if not np.isnan(null):
        beyond = good - null
        sides = ((beyond <= ROUNDING).sum() + 1, (beyond >= -ROUNDING).sum() + 1)
        p = min(1.0, 2 * min(sides) / (len(good) + 1))
    return Estimate(value, float(lower), float(upper), p, note)
