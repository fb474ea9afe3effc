"""Tissue against glass, and how sharp a tile is."""

import numpy as np
from skimage.filters import laplace

TISSUE_ABSORBANCE = 0.06  # mean optical density above the spot's own glass that counts as tissue
MIN_TISSUE_FRACTION = 0.05  # a tile with less is background


def glass_white(pixels: np.ndarray) -> np.ndarray:
    """Colour of the empty glass of one spot.

    Parameters
    ----------
    pixels : numpy.ndarray
        (height, width, 3) uint8.

    Returns
    -------
    numpy.ndarray
        (3,) float, the 99th percentile of each channel: scanners differ in white, and within one
        spot the brightest is glass. At least 150, lest a spot without any glass, or a black
        picture, call its own tissue white.
    """
    sample = pixels[::4, ::4].reshape(-1, 3)
    return np.maximum(np.percentile(sample, 99, axis=0), 150.0)


def tissue_fraction(tiles: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Share of each tile's pixels that absorb light.

    Parameters
    ----------
    tiles : numpy.ndarray
        (n_tiles, side, side, 3) uint8.
    white : numpy.ndarray
        (3,), as from `glass_white`.

    Returns
    -------
    numpy.ndarray
        (n_tiles,) float between 0 and 1.
    """
    fractions = np.empty(len(tiles))
    for i, tile in enumerate(tiles):
        density = np.log10(white / np.maximum(tile[::2, ::2], 1.0)).mean(axis=-1)
        fractions[i] = (density > TISSUE_ABSORBANCE).mean()
    return fractions


def sharpness(tiles: np.ndarray) -> np.ndarray:
    """Variance of the Laplacian of each tile's grey values (0 to 255), higher = sharper.

    Returns
    -------
    numpy.ndarray
        (n_tiles,) float.
    """
    weights = np.array([0.299, 0.587, 0.114])
    return np.array([laplace(tile @ weights).var() for tile in tiles])
