"""One vector per patient for the models that know no sequence."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from skimage.feature import fisher_vector, learn_gmm
from sklearn.decomposition import PCA

from histosurv.models.sequences import Sequences

Pooling = Literal["mean", "mean_std", "max", "fisher"]

FISHER_COMPONENTS, FISHER_MODES = 32, 16
MOST_TILES_PER_SPOT = 64  # of those that the components and the mixture are fitted to


def pool(sequences: Sequences, how: Pooling, fit: list[str], *, seed: int) -> pd.DataFrame:
    """Vector of each spot from its tiles, mean over the spots of each patient.

    Parameters
    ----------
    sequences : Sequences
        The cohort.
    how : {'mean', 'mean_std', 'max', 'fisher'}
        Mean of the tiles, mean beside standard deviation, largest value of each feature, or
        improved Fisher vector.
    fit : list of str
        Patients whose tiles the Fisher vector's components and mixture are fitted to; the other
        three learn nothing.
    seed : int
        Of that fit.

    Returns
    -------
    pandas.DataFrame
        (n_patients, width) float64, indexed by ``patient_id`` in order.
    """
    describe = _fisher(sequences, fit, seed) if how == "fisher" else _DESCRIPTORS[how]
    spots = np.stack([describe(spot) for spot in sequences.spots])
    return pd.DataFrame(spots).groupby(sequences.patient_of, sort=True).mean()


def _mean(tiles: np.ndarray) -> np.ndarray:
    return tiles.mean(axis=0, dtype=np.float64)


def _mean_std(tiles: np.ndarray) -> np.ndarray:
    return np.concatenate([_mean(tiles), tiles.std(axis=0, dtype=np.float64)])


def _max(tiles: np.ndarray) -> np.ndarray:
    return tiles.max(axis=0).astype(np.float64)


_DESCRIPTORS = {"mean": _mean, "mean_std": _mean_std, "max": _max}


def _fisher(sequences: Sequences, fit: list[str], seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Improved Fisher vector (Perronnin, Sanchez and Mensink 2010) of principal components.

    A mixture of Gaussians with diagonal covariances is learnt on tiles of the fit part; a spot is
    described by the gradient of its tiles' likelihood with respect to weights, means and
    variances, with signed square root and unit length.
    """
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
    how = {"covariance_type": "diag", "random_state": seed}
    mixture = learn_gmm(components.transform(tiles), n_modes=modes, gm_args=how)

    def describe(spot: np.ndarray) -> np.ndarray:
        reduced = components.transform(spot.astype(np.float64))
        return fisher_vector(reduced, mixture, improved=True)

    return describe
