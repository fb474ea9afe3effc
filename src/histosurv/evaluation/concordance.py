"""Concordance: of two patients, does the one with the higher score die first."""

import numpy as np

from histosurv.evaluation.curves import Curves


class Pairs:
    """Comparable pairs of a cohort, to be counted in many resamples at the cost of n log n each.

    A death is compared with everybody who lived longer, and with those censored at the same time;
    two deaths at one time are no pair (Harrell). Scores that tie count one half.

    Parameters
    ----------
    score, time : numpy.ndarray
        (n,) risk, higher = worse; months.
    died : numpy.ndarray
        (n,) whether the event was seen.

    Notes
    -----
    Patients are put in order of time, latest first, so that the partners of a death are the first
    k of them. They are cut into blocks of 1, 2, 4, ... patients, each in order of score; the first
    k are the blocks of k's binary digits, and within a block the weight below a score is a
    difference of cumulative sums. Only these sums change from resample to resample.
    """

    def __init__(self, score: np.ndarray, time: np.ndarray, died: np.ndarray) -> None:
        n = len(score)
        order = np.lexsort((died, -time))
        rank = np.unique(score, return_inverse=True)[1][order]
        self.deaths = np.flatnonzero(died)
        own_rank = np.unique(score, return_inverse=True)[1][self.deaths]
        earlier_or_same = np.sort(time)
        longer = n - np.searchsorted(earlier_or_same, time[self.deaths], side="right")
        lost = np.sort(time[~died])
        tied = np.searchsorted(lost, time[self.deaths], side="right") - np.searchsorted(
            lost, time[self.deaths], side="left"
        )
        self._partners = longer + tied
        self._order, self._levels = order, []
        for level in range(n.bit_length()):
            block = np.arange(n) >> level
            inside = np.lexsort((rank, block))
            key = block * (n + 1) + rank
            in_order = key[inside]
            asks = np.flatnonzero(self._partners >> level & 1)
            first_block = (self._partners[asks] >> (level + 1)) << 1
            wanted = first_block * (n + 1) + own_rank[asks]
            self._levels.append(
                (
                    order[inside],
                    asks,
                    first_block << level,
                    np.searchsorted(in_order, wanted, side="left"),
                    np.searchsorted(in_order, wanted, side="right"),
                )
            )

    def counts(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Partners of each death with a lower score (ties one half), and all of them.

        Parameters
        ----------
        counts : numpy.ndarray
            (b, n) how often each patient occurs.

        Returns
        -------
        lower, partners : numpy.ndarray
            (b, number of deaths).
        """
        counts = counts.astype(float)
        lower = np.zeros((len(counts), len(self.deaths)))
        for inside, asks, start, left, right in self._levels:
            if len(asks):
                sums = _sums(counts[:, inside])
                below = (sums[:, left] + sums[:, right]) / 2
                lower[:, asks] += below - sums[:, start]
        return lower, _sums(counts[:, self._order])[:, self._partners]


def _sums(counts: np.ndarray) -> np.ndarray:
    sums = np.zeros((len(counts), counts.shape[1] + 1))
    np.cumsum(counts, axis=1, out=sums[:, 1:])
    return sums


def concordance(
    score: np.ndarray, time: np.ndarray, died: np.ndarray, tau: float | None = None
) -> float:
    """Harrell's C, or Uno's with a time ``tau`` up to which deaths count; NaN without a pair.

    Notes
    -----
    Harrell, Lee and Mark (1996). Uno's deaths weigh 1/G(T-)^2, G the Kaplan-Meier curve of the time
    of censoring (Uno, Cai, Pencina, D'Agostino and Wei 2011).
    """
    pairs = Pairs(score, time, died)
    lower, partners = (part[0] for part in pairs.counts(np.ones((1, len(score)))))
    weight = np.ones(len(pairs.deaths))
    if tau is not None:
        at = time[pairs.deaths]
        weight = (at <= tau) / Curves(time, ~died).before(at)[0] ** 2
    comparable = (weight * partners).sum()
    return float((weight * lower).sum() / comparable) if comparable else np.nan
