"""Haematoxylin and eosin of one spot: their absorbance vectors, and colours made alike by them."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from histosurv.spots.tissue import Masks

# Absorbance vectors (haematoxylin, eosin; rows of unit length) and strengths in natural logarithms
# that Macenko's method normalises to, as in the authors' own implementation of Macenko et al. 2009.
REFERENCE_VECTORS = np.array([[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]])
REFERENCE_STRENGTHS = np.array([1.9705, 1.0308])
REFERENCE_WHITE = 240.0

# Mean and standard deviation in the l-alpha-beta space of Reinhard et al. 2001 (natural logarithms
# of 0..255) of a well stained H&E slide, the defaults of HistomicsTK.
REFERENCE_MEAN = np.array([8.63234435, -0.11501964, 0.03868433])
REFERENCE_SD = np.array([0.57506023, 0.10403329, 0.01364062])

_LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
_OPPONENT = np.diag([3**-0.5, 6**-0.5, 2**-0.5]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])

LEAST_PIXELS = 500  # of stained tissue at the masks' resolution
MOST_PIXELS = 100_000  # are enough
LEAST_DENSITY = 0.15  # natural logarithm: paler pixels say nothing about hue
TAIL = 1.0  # per cent of pixels beyond each extreme vector


@dataclass(frozen=True)
class Stain:
    """Absorbance of the two stains of a spot.

    Attributes
    ----------
    vectors : numpy.ndarray
        (2, 3), haematoxylin first; absorbance of red, green and blue, rows of unit length.
    strengths : numpy.ndarray
        (2,) 99th percentile of each stain's amount, in natural logarithms.
    """

    vectors: np.ndarray
    strengths: np.ndarray


def fit_stain(masks: Masks) -> Stain | None:
    """Absorbance vectors by Macenko's method.

    Parameters
    ----------
    masks : Masks
        Of the spot.

    Returns
    -------
    Stain or None
        None where too little stained tissue lies there, or only one stain.

    Notes
    -----
    Macenko et al. 2009: the two directions that bound nearly all pixels within the plane of the
    largest variance of optical density.
    """
    beside_ink = uniform_filter(masks.pen.astype(np.float32), 31) > 0
    stained = masks.small[masks.tissue & ~beside_ink]
    stained = stained[:: max(1, len(stained) // MOST_PIXELS)]
    density = np.log(np.maximum(masks.white, 1.0) / np.maximum(stained, 1.0))
    # Neither stain takes much more red than green; the ink of a green or blue marker does.
    inked = density[:, 1] < 0.6 * density[:, 0]
    density = density[(density > LEAST_DENSITY).all(axis=1) & ~inked]
    if len(density) < LEAST_PIXELS:
        return None
    plane = np.linalg.eigh(np.cov(density.T))[1][:, 1:]
    plane *= np.where(plane.sum(axis=0) < 0, -1, 1)
    angle = np.arctan2(*(density @ plane).T)
    extremes = np.percentile(angle, [TAIL, 100 - TAIL])
    vectors = np.stack([np.sin(extremes), np.cos(extremes)], axis=1) @ plane.T
    vectors = np.clip(vectors, 1e-3, None)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if vectors[0, 0] < vectors[1, 0]:  # haematoxylin takes more of the red
        vectors = vectors[::-1]
    if np.linalg.cond(vectors) > 20:
        return None
    amounts = density @ np.linalg.pinv(vectors)
    return Stain(vectors, np.maximum(np.percentile(amounts, 99, axis=0), 1e-3))


def normalise(pixels: np.ndarray, masks: Masks, method: str) -> np.ndarray:
    """Colours of a spot as if it had been stained and scanned like the reference.

    Parameters
    ----------
    pixels : numpy.ndarray
        (height, width, 3) uint8.
    masks : Masks
        Of the same spot.
    method : {'none', 'macenko', 'reinhard'}
        ``none`` gives the pixels back.

    Returns
    -------
    numpy.ndarray
        Same shape, uint8. Unchanged where the spot has too little tissue to learn from.
    """
    if method == "macenko":
        stain = fit_stain(masks)
        return pixels if stain is None else _macenko(pixels, masks.white, stain)
    if method == "reinhard" and masks.tissue.sum() >= LEAST_PIXELS:
        return _reinhard(pixels, masks)
    return pixels


def _macenko(pixels: np.ndarray, white: np.ndarray, stain: Stain) -> np.ndarray:
    """Read the amounts of both stains and lay them down again in the reference's colours."""
    amounts = np.linalg.pinv(stain.vectors)
    change = amounts * (REFERENCE_STRENGTHS / stain.strengths) @ REFERENCE_VECTORS
    tables = _density_tables(white)
    result = np.empty_like(pixels)
    for band in _bands(pixels):
        density = np.stack([tables[c][pixels[band][..., c]] for c in range(3)], axis=-1)
        light = REFERENCE_WHITE * np.exp(-density @ change.astype(np.float32))
        result[band] = np.clip(light, 0, 255).round()
    return result


def _density_tables(white: np.ndarray) -> np.ndarray:
    steps = np.maximum(np.arange(256), 1)
    return np.log(np.maximum(white, 1.0)[:, None] / steps).astype(np.float32)


def _reinhard(pixels: np.ndarray, masks: Masks) -> np.ndarray:
    """Shift and stretch the tissue's colours to the reference's mean and spread."""
    tissue = _opponent(masks.small[masks.tissue])
    scale = REFERENCE_SD / np.maximum(tissue.std(axis=0), 1e-6)
    back = np.linalg.inv(_OPPONENT).T.astype(np.float32)
    to_rgb = np.linalg.inv(_LMS).T.astype(np.float32)
    result = pixels.copy()
    for band in _bands(pixels):
        rows = np.arange(band.start, min(band.stop, len(pixels)))
        of_row = np.minimum(rows * masks.tissue.shape[0] // len(pixels), len(masks.tissue) - 1)
        of_column = np.arange(pixels.shape[1]) * masks.tissue.shape[1] // pixels.shape[1]
        inside = masks.tissue[np.ix_(of_row, of_column)]
        values = (_opponent(pixels[band][inside]) - tissue.mean(axis=0)) * scale + REFERENCE_MEAN
        light = np.exp(values.astype(np.float32) @ back) @ to_rgb
        result[band][inside] = np.clip(light, 0, 255).round()
    return result


def _opponent(colours: np.ndarray) -> np.ndarray:
    light = np.maximum(colours, 1).astype(np.float32) @ _LMS.T.astype(np.float32)
    return np.log(light) @ _OPPONENT.T.astype(np.float32)


def _bands(pixels: np.ndarray, rows: int = 256) -> list[slice]:
    """Strips that keep the working memory small."""
    return [slice(start, start + rows) for start in range(0, len(pixels), rows)]
