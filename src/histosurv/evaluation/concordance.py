"""Concordance: of two patients, does the one with the higher score die first."""

import numpy as np

from histosurv.evaluation.censoring import Censoring


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


def concordance_terms(
    score: np.ndarray,
    time: np.ndarray,
    died: np.ndarray,
    counts: np.ndarray | None = None,
    tau: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Concordant and comparable weight of a cohort, whose ratio is the concordance.

    Parameters
    ----------
    score, time, died : numpy.ndarray
        As for `Pairs`.
    counts : numpy.ndarray, optional
        (b, n) resamples; the cohort itself by default.
    tau : float, optional
        Without it, Harrell's C: all deaths, each pair once. With it, Uno's C: deaths until
        ``tau``, each with the weight 1/G(T-)^2 (Uno, Cai, Pencina, D'Agostino and Wei 2011),
        G estimated anew in every resample.

    Returns
    -------
    concordant, comparable : numpy.ndarray
        (b,). Kept apart, so that they can be added up over folds.
    """
    counts = np.ones((1, len(score))) if counts is None else counts
    pairs = Pairs(score, time, died)
    lower, partners = pairs.counts(counts)
    weight = counts[:, pairs.deaths].astype(float)
    if tau is not None:
        at = time[pairs.deaths]
        reached = np.maximum(Censoring(time, died, counts).before(at), 1e-12)
        weight = np.where(weight > 0, weight * (at <= tau) / reached**2, 0.0)
    return (weight * lower).sum(axis=1), (weight * partners).sum(axis=1)
