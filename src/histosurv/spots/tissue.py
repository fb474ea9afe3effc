"""Tissue against glass on one spot, and what lies on it that is no tissue: ink and folds.

All masks are made at a quarter of the working resolution, where single grains of noise are gone
and nuclei are not.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import uniform_filter
from skimage.color import rgb2hsv
from skimage.morphology import remove_small_objects

REDUCE = 4  # linear reduction of the masks
SMOOTH_PX = 5  # of the masks: pale stroma between its nuclei is tissue, too
LEAST_DENSITY = 0.02  # optical density above glass of the palest tissue that is told from it
MOST_DENSITY = 0.05  # ... and of what is tissue on the noisiest glass
SPECK_PX = 40  # of a mask: anything smaller is dust
UNSEEN_GLASS = 225.0  # of each channel, where no glass is seen
DARK_GLASS = 100.0  # a brightest tone below it is no bright field


@dataclass(frozen=True)
class Masks:
    """What lies where on a spot, each (height, width) bool at a quarter of the resolution.

    Attributes
    ----------
    tissue, pen, fold : numpy.ndarray
        Tissue without ink; ink of a marker; tissue lying double.
    white : numpy.ndarray
        (3,) colour of the glass.
    small : numpy.ndarray
        (height, width, 3) uint8: the spot at that resolution.
    """

    tissue: np.ndarray
    pen: np.ndarray
    fold: np.ndarray
    white: np.ndarray
    small: np.ndarray


def reduced(pixels: np.ndarray) -> np.ndarray:
    """A quarter of the resolution, by averages: what the masks are made on."""
    return np.asarray(Image.fromarray(pixels).reduce(REDUCE))


def glass_white(small: np.ndarray) -> np.ndarray:
    """Colour of the empty glass of one spot.

    Parameters
    ----------
    small : numpy.ndarray
        (height, width, 3) uint8, as `reduced` gives it.

    Returns
    -------
    numpy.ndarray
        (3,) float: median colour of the brightest tone that a good part of the smooth pixels
        share. Pure white beside another bright tone is filling, not glass. Where tissue covers
        the whole spot the 99.5th percentile of each channel stands in, and at least what glass
        usually is.
    """
    light = small.mean(axis=-1)
    down, across = np.abs(np.diff(light, axis=0)), np.abs(np.diff(light, axis=1))
    smooth = np.zeros(light.shape, bool)
    smooth[:-1, :-1] = (down[:, :-1] < 4) & (across[:-1] < 4)
    red, green, blue = np.moveaxis(small.astype(np.int16), -1, 0)
    # Glass may be grey or yellow, not pink: that is tissue without a gap.
    colourless = (np.ptp(small, axis=-1) < 70) & (np.minimum(red, blue) - green < 14)
    counts = np.bincount(light[smooth & colourless].astype(int), minlength=256).astype(float)
    share = uniform_filter(counts, 7) * 7 / light.size
    bright = np.percentile(light, 99.5)
    tones = np.flatnonzero((share > 0.015) & (np.arange(256) > 0.6 * bright))
    if len(tones) and (share[:250] > 0.05)[tones[tones < 250]].any():
        tones = tones[tones < 250]
    if not len(tones):
        brightest = np.percentile(small.reshape(-1, 3), 99.5, axis=0)
        return np.maximum(brightest, UNSEEN_GLASS if bright > DARK_GLASS else 0.0)
    top = tones[-1]
    mode = max(range(max(0, top - 6), top + 1), key=lambda tone: share[tone])
    return np.median(small[smooth & (np.abs(light - mode) <= 4)], axis=0)


def find_masks(pixels: np.ndarray) -> Masks:
    """Tell tissue, ink and folds from glass.

    Parameters
    ----------
    pixels : numpy.ndarray
        (height, width, 3) uint8, RGB.
    """
    small = reduced(pixels)
    white = glass_white(small)
    mean = mean_density(small, white)
    smooth = uniform_filter(mean, SMOOTH_PX)
    # Pixels brighter than the glass show its noise; darker ones may be pale tissue.
    brighter = -smooth[smooth < 0]
    noise = 1.4826 * np.median(brighter) if brighter.size else 0.0
    threshold = np.clip(LEAST_DENSITY + 3 * noise, LEAST_DENSITY, MOST_DENSITY)
    covered = remove_small_objects(smooth > threshold, max_size=SPECK_PX)
    pen = _pen(small, covered)
    tissue = covered & ~pen
    return Masks(tissue, pen, _folds(mean, tissue), white, small)


def mean_density(small: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Optical density above the glass, mean over the channels; (height, width) float32."""
    steps = np.maximum(np.arange(256), 1)
    tables = np.log10(np.maximum(white, 1.0) / steps[:, None]).astype(np.float32) / 3
    return sum(tables[:, channel][small[..., channel]] for channel in range(3))


def _pen(small: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Ink of a marker: green, strong plain blue, or black, over more than a stroke's width."""
    pen = np.zeros(covered.shape, bool)
    red, green, blue = np.moveaxis(small, -1, 0)
    # Haematoxylin and eosin leave more red than green; only what does not is looked at closer.
    odd = covered & ((green >= red) | (blue // 2 > red) | (small.max(axis=-1) < 64))
    if not odd.any():
        return pen
    hue, saturation, value = rgb2hsv(small[odd][None])[0].T
    degrees = hue * 360
    greenish = (degrees > 70) & (degrees < 190) & (saturation > 0.12)
    bluish = (degrees >= 190) & (degrees < 245) & (saturation > np.where(degrees < 232, 0.35, 0.6))
    black = (value < 0.25) & (saturation < 0.4)
    pen[odd] = greenish | bluish | black
    return pen & (uniform_filter(pen.astype(np.float32), 9) > 0.5)


def _folds(mean: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Tissue lying double: broad bands more than twice as dense as the spot's own tissue."""
    if not tissue.any():
        return tissue
    broad = uniform_filter(mean, 13)
    usual = np.median(broad[tissue])
    return tissue & (broad > max(2.2 * usual, 0.5))


def tile_shares(mask: np.ndarray, corners: np.ndarray, tile_px: int) -> np.ndarray:
    """Share of each tile that a mask covers.

    Parameters
    ----------
    mask : numpy.ndarray
        (height, width) bool at a quarter of the resolution.
    corners : numpy.ndarray
        (n_tiles, 2) at the full working resolution.
    tile_px : int
        Side of a tile.

    Returns
    -------
    numpy.ndarray
        (n_tiles,) float between 0 and 1.
    """
    total = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    np.cumsum(np.cumsum(mask, axis=0, dtype=np.int64), axis=1, out=total[1:, 1:])
    x, y = np.round(corners / REDUCE).astype(int).T
    right = np.clip(np.round((corners[:, 0] + tile_px) / REDUCE).astype(int), x + 1, mask.shape[1])
    low = np.clip(np.round((corners[:, 1] + tile_px) / REDUCE).astype(int), y + 1, mask.shape[0])
    x, y = np.minimum(x, right - 1), np.minimum(y, low - 1)
    inside = total[low, right] - total[y, right] - total[low, x] + total[y, x]
    return inside / ((right - x) * (low - y))
