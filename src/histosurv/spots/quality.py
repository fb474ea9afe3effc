"""Is a spot fit for use? One row per spot: what was measured, the verdict, and the reasons."""

from dataclasses import dataclass

import numpy as np

from histosurv.spots.preparation import LARGEST_TISSUE, SMALLEST_VIEW, Scale
from histosurv.spots.stain import fit_stain
from histosurv.spots.tissue import DARK_GLASS, REDUCE, Masks, tile_shares

LEAST_TISSUE = 0.02  # share of the spot: with less there is nothing to look at
LITTLE_TISSUE = 0.15
MUCH_INK = 0.05  # of what is not glass
MUCH_FOLDED = 0.10  # of the tissue
BLURRED = 0.02  # relative sharpness; in focus it is 0.2 and more, out by two pixels 0.01
MIN_TISSUE_FRACTION = 0.05  # a tile with less is background

# Reasons that take a spot out, and remarks that do not.
UNUSABLE = {
    "unreadable": "the image cannot be decoded",
    "wrong_region": "the region leaves the image",
    "does_not_fit": "the spot does not fit the tiles",
    "mpp_unknown": "micrometres per pixel are not known, but asked for",
    "wrong_scale": "micrometres per pixel contradict the core's diameter",
    "dark": "no bright background: fluorescence, a black or an inverted picture",
    "no_tissue": "no tissue",
    "core_missing": "the core is missing on the slide",
    "core_unsure": "whose core this is cannot be told",
}
REMARKS = {
    "little_tissue": "little tissue",
    "blurred": "out of focus",
    "ink": "marker ink",
    "folded": "folded tissue",
    "odd_mpp": "the file states an impossible number of micrometres per pixel, which is not used",
}


@dataclass(frozen=True)
class Measured:
    """Tissue and sharpness of a spot and its tiles.

    Attributes
    ----------
    tissue, pen, fold : numpy.ndarray
        (n_tiles,) shares of each tile.
    sharpness : numpy.ndarray
        (n_tiles,) variance of the Laplacian of the green channel, 0 to 255: higher = sharper, but
        dependent on what is in the tile.
    relative_sharpness : float
        Median over the tiles that are mostly tissue of that variance, divided by the variance of
        the channel itself: the share of fine detail, which focus decides. Missing without such.
    """

    tissue: np.ndarray
    pen: np.ndarray
    fold: np.ndarray
    sharpness: np.ndarray
    relative_sharpness: float


def measure(pixels: np.ndarray, masks: Masks, corners: np.ndarray, tile_px: int) -> Measured:
    """Measure the tiles of a spot."""
    shares = [tile_shares(m, corners, tile_px) for m in (masks.tissue, masks.pen, masks.fold)]
    green = pixels[..., 1].astype(np.int16)
    detail = np.zeros_like(green)
    detail[1:-1, 1:-1] = 4 * green[1:-1, 1:-1]
    for shifted in (green[:-2, 1:-1], green[2:, 1:-1], green[1:-1, :-2], green[1:-1, 2:]):
        detail[1:-1, 1:-1] -= shifted
    sharpness, relative = np.empty(len(corners)), []
    for i, (x, y) in enumerate(corners):
        tile = np.s_[y : y + tile_px, x : x + tile_px]
        sharpness[i] = _variance(detail[tile])
        if shares[0][i] > 0.5:
            relative.append(sharpness[i] / max(_variance(green[tile]), 1.0))
    return Measured(*shares, sharpness, float(np.median(relative)) if relative else np.nan)


def judge(masks: Masks, measured: Measured, scale: Scale) -> dict[str, object]:
    """Row of the quality table that is learnt from the pixels.

    Parameters
    ----------
    masks : Masks
        Of the spot at its working resolution.
    measured : Measured
        Of its tiles.
    scale : Scale
        Of the image.

    Returns
    -------
    dict
        Shares, sharpness, colour of the glass, stain vectors, ``usable`` (1, 0) and ``reasons``:
        codes of `UNUSABLE` and `REMARKS`, separated by spaces.
    """
    covered = masks.tissue.mean() + masks.pen.mean()
    reasons = []
    if masks.white.max() < DARK_GLASS:
        reasons.append("dark")
    elif masks.tissue.mean() < LEAST_TISSUE:
        reasons.append("no_tissue")
    elif masks.tissue.mean() < LITTLE_TISSUE:
        reasons.append("little_tissue")
    if scale.is_odd:
        reasons.append("odd_mpp")
    if measured.relative_sharpness < BLURRED:
        reasons.append("blurred")
    if covered and masks.pen.mean() > MUCH_INK * covered:
        reasons.append("ink")
    if masks.fold.sum() > MUCH_FOLDED * max(masks.tissue.sum(), 1):
        reasons.append("folded")
    stain = fit_stain(masks) if "dark" not in reasons else None
    vectors = np.full((2, 3), np.nan) if stain is None else stain.vectors
    names = [f"{dye}_{channel}" for dye in ("haematoxylin", "eosin") for channel in "rgb"]
    return {
        "tissue_fraction": round(float(masks.tissue.mean()), 4),
        "pen_fraction": round(float(masks.pen.mean()), 4),
        "fold_fraction": round(float(masks.fold.mean()), 4),
        "sharpness": round(float(np.median(measured.sharpness)), 2),
        "relative_sharpness": round(measured.relative_sharpness, 4),
        **dict(zip(("glass_r", "glass_g", "glass_b"), masks.white.round(1), strict=True)),
        **dict(zip(names, vectors.ravel().round(4), strict=True)),
        **verdict(reasons),
    }


def verdict(reasons: list[str]) -> dict[str, object]:
    """``usable`` and ``reasons`` of a spot."""
    return {"usable": int(not set(reasons) & set(UNUSABLE)), "reasons": " ".join(reasons)}


def contradicts_core(
    width_px: int, height_px: int, masks: Masks, downsample: float, mpp: float, diameter_um: float
) -> str:
    """Why a scale cannot be true for a core of known diameter; empty where it can.

    A picture much narrower than a core, or tissue much broader than one, has its micrometres per
    pixel wrong, most often by a factor of two or ten.
    """
    view_um = min(width_px, height_px) * mpp
    if view_um < SMALLEST_VIEW * diameter_um:
        return (
            f"{mpp:g} um/px make the picture {view_um:.0f} um wide, but a core measures "
            f"{diameter_um:g} um"
        )
    extents = [np.flatnonzero(masks.tissue.mean(axis=axis) > 0.02) for axis in (0, 1)]
    if all(len(extent) for extent in extents):
        broad_um = min(np.ptp(extent) + 1 for extent in extents) * REDUCE * downsample * mpp
        if broad_um > LARGEST_TISSUE * diameter_um:
            return (
                f"{mpp:g} um/px make the tissue {broad_um:.0f} um broad, but a core measures "
                f"{diameter_um:g} um"
            )
    return ""


def _variance(values: np.ndarray) -> float:
    flat = values.ravel().astype(np.float64)
    return float(np.dot(flat, flat) / flat.size - flat.mean() ** 2)
