"""One vector per patient for the models that know no sequence."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from skimage.feature import fisher_vector, learn_gmm
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from histosurv.models.sequences import Sequences

Pooling = Literal["mean", "mean_std", "max", "fisher"]

FISHER_COMPONENTS, FISHER_MODES = 32, 16
MOST_TILES_PER_SPOT = 64  # of those that the components and the mixture are fitted to


@dataclass(frozen=True)
class Pooler:
    """How the tiles of a spot become one vector.

    Attributes
    ----------
    how : {'mean', 'mean_std', 'max', 'fisher'}
        Mean of the tiles, mean beside standard deviation, largest value of each feature, or
        improved Fisher vector.
    components, mixture
        Of the Fisher vector, which alone learns anything.
    """

    how: Pooling
    components: PCA | None = None
    mixture: GaussianMixture | None = None

    def vector(self, tiles: np.ndarray) -> np.ndarray:
        """(width,) float64 of one spot's (n_tiles, n_features)."""
        if self.how == "max":
            return tiles.max(axis=0).astype(np.float64)
        if self.how == "fisher":
            reduced = self.components.transform(tiles.astype(np.float64))
            return fisher_vector(reduced, self.mixture, improved=True)
        mean = tiles.mean(axis=0, dtype=np.float64)
        if self.how == "mean":
            return mean
        return np.concatenate([mean, tiles.std(axis=0, dtype=np.float64)])

    def table(self, sequences: Sequences) -> pd.DataFrame:
        """Mean over the spots of each patient, (n_patients, width), by ``patient_id`` in order."""
        spots = np.stack([self.vector(spot) for spot in sequences.spots])
        return pd.DataFrame(spots).groupby(sequences.patient_of, sort=True).mean()


def fit_pooler(sequences: Sequences, how: Pooling, fit: list[str], *, seed: int) -> Pooler:
    """Prepare the pooling; all but the Fisher vector need nothing.

    Parameters
    ----------
    sequences : Sequences
        The cohort.
    how : {'mean', 'mean_std', 'max', 'fisher'}
        As in `Pooler`.
    fit : list of str
        Patients whose tiles the Fisher vector's components and mixture are fitted to.
    seed : int
        Of that fit.

    Notes
    -----
    The improved Fisher vector (Perronnin, Sanchez and Mensink 2010) of principal components: a
    mixture of Gaussians with diagonal covariances is learnt on tiles of the fit part; a spot is
    described by the gradient of its tiles' likelihood with respect to weights, means and
    variances, with signed square root and unit length.
    """
    if how != "fisher":
        return Pooler(how)
    draw = np.random.default_rng(seed)
    tiles = np.concatenate(
        [
            spot[np.sort(draw.permutation(len(spot))[:MOST_TILES_PER_SPOT])]
            for spot in (sequences.spots[i] for i in sequences.spots_of(fit))
        ]
    ).astype(np.float64)
    most = min(FISHER_COMPONENTS, tiles.shape[1], len(tiles))
    components = PCA(most, whiten=True, svd_solver="randomized", random_state=seed).fit(tiles)
    modes = min(FISHER_MODES, max(1, len(tiles) // 20))
    how_mixed = {"covariance_type": "diag", "random_state": seed}
    mixture = learn_gmm(components.transform(tiles), n_modes=modes, gm_args=how_mixed)
    return Pooler(how, components, mixture)
