"""Kaplan-Meier curves of one sample, or of thousands of resamples, to compute with."""

import numpy as np


class Curves:
    """Probability that something has not happened yet.

    At tied times who is lost stays in the risk set of those to whom it happens. With
    ``happened = ~died`` these are the curves G of not being lost, as R's
    ``survfit(Surv(time, 1 - event) ~ 1)``.

    Parameters
    ----------
    time : numpy.ndarray
        (n,) months.
    happened : numpy.ndarray
        (n,) whether it happened at that time; else the patient was lost to it.
    counts : numpy.ndarray, optional
        (b, n) how often each patient occurs in each of b resamples; by default one row of ones, the
        sample itself.

    Attributes
    ----------
    times : numpy.ndarray
        (m,) distinct times.
    events, at_risk, hazard : numpy.ndarray
        (b, m) to how many it happened, how many were there, and the one over the other.
    """

    def __init__(
        self, time: np.ndarray, happened: np.ndarray, counts: np.ndarray | None = None
    ) -> None:
        counts = np.ones((1, len(time))) if counts is None else counts
        order = np.argsort(time, kind="stable")
        self.times, starts = np.unique(time[order], return_index=True)
        sorted_counts = counts[:, order].astype(float)
        self.events = np.add.reduceat(sorted_counts * happened[order], starts, axis=1)
        everybody = np.add.reduceat(sorted_counts, starts, axis=1)
        self.at_risk = everybody[:, ::-1].cumsum(axis=1)[:, ::-1]
        self.hazard = self.events / np.maximum(self.at_risk, 1)
        curve = np.cumprod(1 - self.hazard, axis=1)
        self._curve = np.concatenate([np.ones((len(counts), 1)), curve], axis=1)

    def at(self, times: np.ndarray | float) -> np.ndarray:
        """Curve at times, (b, len(times))."""
        return self._curve[:, np.searchsorted(self.times, np.atleast_1d(times), side="right")]

    def before(self, times: np.ndarray | float) -> np.ndarray:
        """Curve just before times, (b, len(times))."""
        return self._curve[:, np.searchsorted(self.times, np.atleast_1d(times), side="left")]

    def influence_of_inverse(
        self, time: np.ndarray, happened: np.ndarray, mass: np.ndarray, until: np.ndarray
    ) -> np.ndarray:
        """What each patient does, through the curve, to a mean of ``mass``, which it divides.

        Parameters
        ----------
        time, happened : numpy.ndarray
            (n,) the patients of the sample itself; not for resamples.
        mass : numpy.ndarray
            (n,) what each patient adds, the division by the curve included.
        until : numpy.ndarray
            (n,) month just before which the curve was read.

        Returns
        -------
        numpy.ndarray
            (n,) integral, over the patient's martingale, of the mean mass divided by later points
            of the curve, over the share still at risk (Blanche, Dartigues and Jacqmin-Gadda 2013).
        """
        place = np.searchsorted(self.times, time)
        first_after = np.searchsorted(self.times, until)  # distinct times before `until`
        per_time = np.bincount(first_after, weights=mass, minlength=len(self.times) + 1)
        later = per_time[::-1].cumsum()[::-1][1:] / len(time)
        share = self.at_risk[0] / len(time) * np.maximum(1 - self.hazard[0], 1e-12)
        jump = later / share
        compensator = np.cumsum(jump * self.hazard[0])
        return np.where(happened, jump[place], 0.0) - compensator[place]
