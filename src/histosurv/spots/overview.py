"""Where tissue lies on the overview of a whole slide, at a scale that suits the cores."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, label
from scipy.signal import fftconvolve

WORK_PX = 20  # diameter of a core in the pixels that the search works on
SMALLEST_PX = 6  # the smallest core that is looked for where no scale is known
SEEN_SMALLER = 0.93  # the disc that fits best is this share of a core: edges are ragged
FAINTEST = 0.012  # absorbance of the palest immunostain that is still looked for
BLACK = 0.35  # share of the glass's light below which a frame of the scan is black


def shrink(picture: np.ndarray, core_px: float) -> tuple[np.ndarray, float]:
    """Reduce a picture so that a core measures `WORK_PX`; returns it with the factor taken."""
    factor = max(1.0, core_px / WORK_PX)
    size = tuple(max(1, round(length / factor)) for length in picture.shape[1::-1])
    if factor == 1.0:
        return picture, 1.0
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(small), picture.shape[1] / size[0]


def tissue_evidence(picture: np.ndarray) -> np.ndarray:
    """How surely each pixel of a brightfield overview shows tissue.

    Parameters
    ----------
    picture : numpy.ndarray
        (height, width, 3) uint8, as `shrink` gives it.

    Returns
    -------
    numpy.ndarray
        (height, width) float32 between 0 (glass, or the scan's black frame) and 1. A faint
        immunostain and a dark one count alike: what is asked is where tissue is, not how much.
    """
    frame = _black_frame(picture)
    if frame.all():
        return np.zeros(frame.shape, np.float32)
    white = np.maximum(_local_glass(picture, frame), 1.0)
    density = np.log10(white / np.maximum(picture, 1.0)).mean(axis=-1)
    density[frame] = 0
    glass = density[density <= np.median(density[~frame])]
    noise = 1.4826 * np.median(np.abs(glass - np.median(glass)))
    threshold = max(FAINTEST, 6 * noise)
    return np.clip(density / threshold - 0.5, 0, 1).astype(np.float32)


def core_response(evidence: np.ndarray, core_px: float) -> np.ndarray:
    """How well a disc of a core's size, with glass round it, fits at each pixel.

    Returns
    -------
    numpy.ndarray
        (height, width) float32: share of tissue within the disc, less half the share in the ring
        round it, so that one of two touching cores has its own peak and a long streak has none.
    """
    distance = _distance(core_px)
    radius = core_px / 2
    disc = np.clip(radius + 0.5 - distance, 0, 1)
    ring = np.clip(1.4 * radius + 0.5 - distance, 0, 1) - np.clip(
        1.1 * radius + 0.5 - distance, 0, 1
    )
    return _convolve(evidence, disc / disc.sum() - 0.5 * ring / ring.sum())


def coverage(evidence: np.ndarray, core_px: float) -> np.ndarray:
    """Share of tissue within a core's disc round each pixel, (height, width) float32."""
    disc = np.clip(core_px / 2 + 0.5 - _distance(core_px), 0, 1)
    return _convolve(evidence, disc / disc.sum())


def _distance(core_px: float) -> np.ndarray:
    """Distance from the middle of a square that holds a core with its ring."""
    reach = int(np.ceil(0.75 * core_px))
    return np.hypot(*np.mgrid[-reach : reach + 1, -reach : reach + 1])


def _convolve(evidence: np.ndarray, template: np.ndarray) -> np.ndarray:
    padded = np.pad(evidence, len(template) // 2)
    return fftconvolve(padded, template.astype(np.float32), mode="valid")


def estimate_core_px(picture: np.ndarray, n_cores: int) -> float:
    """Diameter of the cores in pixels, where no scale is known.

    Parameters
    ----------
    picture : numpy.ndarray
        (height, width, 3) uint8 overview.
    n_cores : int
        Number of places of the array: the size is the one at which the best of so many discs fit
        best.
    """
    # Cores never lie so far apart that one takes less than a thirtieth of its share of the slide.
    smallest = 0.18 * np.sqrt(picture.shape[0] * picture.shape[1] / n_cores)
    small, factor = shrink(picture, smallest * WORK_PX / SMALLEST_PX)
    evidence = tissue_evidence(small)
    best = (-1.0, 0.0)
    for size in np.geomspace(smallest, 6.5 * smallest, 20) / factor:
        if size > min(evidence.shape):
            break
        response = core_response(evidence, size)
        spacing = max(1, int(size / 2))
        height, width = (length // spacing * spacing for length in response.shape)
        blocks = response[:height, :width].reshape(height // spacing, spacing, -1, spacing)
        peaks = np.sort(blocks.max(axis=(1, 3)).ravel())[::-1][: max(4, int(0.6 * n_cores))]
        best = max(best, (float(peaks.mean()), size))
    return best[1] * factor / SEEN_SMALLER


def _black_frame(picture: np.ndarray) -> np.ndarray:
    """Dark areas that touch the edge of the picture: what the scanner did not scan."""
    light = picture.max(axis=-1)
    areas, _ = label(light < BLACK * np.percentile(light, 95))
    edge = np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]])
    frame = np.isin(areas, np.unique(edge[edge > 0]))
    # One pixel more, where frame and glass are mixed.
    grown = frame.copy()
    grown[1:] |= frame[:-1]
    grown[:-1] |= frame[1:]
    grown[:, 1:] |= grown[:, :-1]
    grown[:, :-1] |= grown[:, 1:]
    return grown


def _local_glass(picture: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Colour of the glass near each pixel, for lamps do not light a slide evenly."""
    block = 3 * WORK_PX
    rows, columns = (-(-length // block) for length in frame.shape)
    known = np.where(frame[..., None], np.nan, picture.astype(np.float32))
    overall = np.nanpercentile(known.reshape(-1, 3), 95, axis=0)
    coarse = np.empty((rows, columns, 3), np.float32)
    for i, j in np.ndindex(rows, columns):
        part = known[i * block : (i + 1) * block, j * block : (j + 1) * block].reshape(-1, 3)
        part = part[~np.isnan(part[:, 0])]
        bright = np.percentile(part, 90, axis=0) if len(part) > block else overall
        # A block without glass says nothing; its neighbours and the slide do.
        coarse[i, j] = np.where(bright > 0.9 * overall, bright, overall)
    smooth = gaussian_filter(coarse, (0.7, 0.7, 0), mode="nearest")
    height, width = frame.shape
    grown = [
        np.asarray(
            Image.fromarray(smooth[..., channel]).resize(
                (columns * block, rows * block), Image.Resampling.BILINEAR
            )
        )[:height, :width]
        for channel in range(3)
    ]
    return np.stack(grown, axis=-1)
