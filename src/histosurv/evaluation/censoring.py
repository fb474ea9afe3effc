"""How likely a patient was still followed: Kaplan-Meier curve of the time of censoring.

Every function takes patients ``time`` (n,) and ``died`` (n,), true where the event of interest was
seen; anything else ends the observation. ``counts`` (b, n) says how often each patient occurs in
each of b resamples; one row of ones is the sample itself.
"""

import numpy as np


class Censoring:
    """G, the probability of not being censored, in one sample or in many resamples at once.

    At tied times deaths stay in the risk set of the censorings, as in R's
    ``survfit(Surv(time, 1 - event) ~ 1)``.

    Parameters
    ----------
    time, died : numpy.ndarray
        (n,) months and whether the event was seen.
    counts : numpy.ndarray, optional
        (b, n) resamples.
    """

    def __init__(
        self, time: np.ndarray, died: np.ndarray, counts: np.ndarray | None = None
    ) -> None:
        counts = np.ones((1, len(time))) if counts is None else counts
        order = np.argsort(time, kind="stable")
        self.times, starts = np.unique(time[order], return_index=True)
        sorted_counts = counts[:, order].astype(float)
        self.lost = np.add.reduceat(sorted_counts * ~died[order], starts, axis=1)
        everybody = np.add.reduceat(sorted_counts, starts, axis=1)
        self.at_risk = everybody[:, ::-1].cumsum(axis=1)[:, ::-1]
        self.hazard = self.lost / np.maximum(self.at_risk, 1)
        curve = np.cumprod(1 - self.hazard, axis=1)
        self._curve = np.concatenate([np.ones((len(counts), 1)), curve], axis=1)

    def at(self, times: np.ndarray) -> np.ndarray:
        """G(t), (b, len(times))."""
        return self._curve[:, np.searchsorted(self.times, times, side="right")]

    def before(self, times: np.ndarray) -> np.ndarray:
        """G(t-), just before the times, (b, len(times))."""
        return self._curve[:, np.searchsorted(self.times, times, side="left")]

    def influence(
        self, time: np.ndarray, died: np.ndarray, mass: np.ndarray, until: np.ndarray
    ) -> np.ndarray:
        """How the estimate of G moves a figure that is a mean of ``mass``, per patient.

        Parameters
        ----------
        time, died : numpy.ndarray
            (n,) the patients; for the sample itself, not for resamples.
        mass : numpy.ndarray
            (n,) what each patient adds, its weight 1/G included.
        until : numpy.ndarray
            (n,) month just before which that weight was taken.

        Returns
        -------
        numpy.ndarray
            (n,) integral over the patient's martingale of censoring of the mean mass whose weight
            was taken later, divided by the share still at risk (Blanche, Dartigues and
            Jacqmin-Gadda 2013).
        """
        place = np.searchsorted(self.times, time)
        first_after = np.searchsorted(self.times, until)  # distinct times before `until`
        per_time = np.bincount(first_after, weights=mass, minlength=len(self.times) + 1)
        later = per_time[::-1].cumsum()[::-1][1:] / len(time)
        share = self.at_risk[0] / len(time) * np.maximum(1 - self.hazard[0], 1e-12)
        jump = later / share
        compensator = np.cumsum(jump * self.hazard[0])
        return np.where(died, 0.0, jump[place]) - compensator[place]
