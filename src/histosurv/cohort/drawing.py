"""Draw a tissue spot that looks like haematoxylin and eosin, and worse the higher the risk.

Absorbance is drawn, not colour: nuclei and cytoplasm add optical density of haematoxylin and
eosin, and the light that passes makes the picture (Beer-Lambert), as in a microscope.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

# Absorbance of red, green and blue per unit of stain (Ruifrok and Johnston 2001), rows normalised.
HAEMATOXYLIN_EOSIN = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])

GLANDS_PER_MM2 = 95
STROMA_CELLS_PER_MM2 = 1800
MOST_PIXELS = 200_000  # that are painted at a time


@dataclass(frozen=True)
class Stain:
    """How one block took the stain: absorbance vectors (2, 3), strengths (2,), light (3,)."""

    vectors: np.ndarray
    strengths: np.ndarray
    light: np.ndarray

    @classmethod
    def of_block(cls, rng: np.random.Generator) -> "Stain":
        """Draw the stain of one block: hue, strength and lamp differ from block to block."""
        vectors = HAEMATOXYLIN_EOSIN + rng.normal(0, 0.02, (2, 3))
        vectors = np.clip(vectors, 0.02, None)
        return cls(
            vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
            strengths=rng.normal(1.0, 0.06, 2),
            light=rng.normal([243, 241, 244], 1.5),
        )


def draw_spot(
    rng: np.random.Generator, risk: float, stain: Stain, *, spot_px: int, mpp: float
) -> np.ndarray:
    """Draw one spot.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of everything that is not the risk.
    risk : float
        Latent risk in standard deviations, higher = worse: glands lose their lumen and their
        order, nuclei grow, darken and crowd, lymphocytes retreat, stroma spreads.
    stain : Stain
        Stain of the spot's block.
    spot_px : int
        Side of the square picture.
    mpp : float
        Micrometres per pixel.

    Returns
    -------
    numpy.ndarray
        (spot_px, spot_px, 3), uint8, RGB.
    """
    density = np.zeros((2, spot_px, spot_px), dtype=np.float32)  # haematoxylin, eosin
    tissue = _disc(rng, spot_px)
    fibres = _noise(rng, spot_px, mpp, grain_um=(5, 26))
    density[1] += tissue * (0.30 + 0.10 * fibres)
    density[0] += tissue * (0.05 + 0.02 * _noise(rng, spot_px, mpp, grain_um=(60, 60)))
    side_um = spot_px * mpp
    worse = 1 / (1 + np.exp(-risk))  # 0 = well, 1 = poorly differentiated
    _draw_stroma_cells(rng, density, worse, side_um, mpp)
    _draw_glands(rng, density, worse, side_um, mpp)
    density *= tissue
    density += rng.normal(0, 0.012, (spot_px, spot_px)).astype(np.float32)
    absorbance = np.tensordot(density, stain.vectors * stain.strengths[:, None], axes=(0, 0))
    light = stain.light * 10.0 ** -np.clip(absorbance, 0, None)
    return np.clip(light.round(), 0, 255).astype(np.uint8)


def _draw_glands(
    rng: np.random.Generator, density: np.ndarray, worse: float, side_um: float, mpp: float
) -> None:
    """Rings of epithelium round a lumen; with rising risk the ring closes and frays."""
    share = 1.15 - 0.45 * worse  # stroma takes what the glands leave
    for _ in range(rng.poisson(GLANDS_PER_MM2 * share * (side_um / 1000) ** 2)):
        centre = rng.uniform(0.05, 0.95, 2) * side_um
        radius = rng.uniform(34, 58)
        lumen = radius * np.clip(rng.normal(0.62 - 0.50 * worse, 0.06), 0.04, 0.8)
        ragged = 0.06 + 0.20 * worse
        phase, lobes = rng.uniform(0, 2 * np.pi), rng.integers(2, 5)
        stretch, turn = rng.uniform(0.75, 1.0), rng.uniform(0, np.pi)

        def shape(angle, ragged=ragged, phase=phase, lobes=lobes):
            return 1 + ragged * np.sin(lobes * angle + phase)

        _paint_ring(density, centre / mpp, radius / mpp, lumen / mpp, shape, stretch, turn)
        nucleus_um = 2.9 + 1.5 * worse
        around = 2 * np.pi * (radius + lumen) / 2
        layers = 1 + (radius - lumen) / (4.2 * nucleus_um)
        n_nuclei = int(around / (2.5 * nucleus_um) * layers * (0.75 + 0.45 * worse))
        angle = rng.uniform(0, 2 * np.pi, n_nuclei)
        # Ordered nuclei stand at the base of the cells; disordered ones anywhere in the wall.
        basal = radius - 1.6 * nucleus_um
        free = rng.uniform(lumen + nucleus_um, radius, n_nuclei)
        distance = np.where(rng.random(n_nuclei) < 0.25 + 0.7 * worse, free, basal)
        distance = distance * shape(angle)
        offset = np.stack([distance * np.sin(angle) * stretch, distance * np.cos(angle)])
        spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        places = centre[:, None] + spin @ offset
        size = nucleus_um * rng.lognormal(0, 0.08 + 0.17 * worse, n_nuclei)
        dark = rng.normal(0.62 + 0.30 * worse, 0.06 + 0.06 * worse, n_nuclei)
        _paint_nuclei(density, places / mpp, size / mpp, 1.35 * size / mpp, -angle + turn, dark)


def _draw_stroma_cells(
    rng: np.random.Generator, density: np.ndarray, worse: float, side_um: float, mpp: float
) -> None:
    """Spindle nuclei of fibroblasts, and lymphocytes: small, round, dark, fewer when it is bad."""
    n_cells = rng.poisson(STROMA_CELLS_PER_MM2 * (side_um / 1000) ** 2)
    places = rng.uniform(0, side_um, (2, n_cells))
    is_lymphocyte = rng.random(n_cells) < 0.62 - 0.50 * worse
    short = np.where(is_lymphocyte, rng.normal(2.6, 0.2, n_cells), rng.normal(1.5, 0.2, n_cells))
    long = np.where(is_lymphocyte, short, rng.normal(6.0, 0.8, n_cells))
    dark = np.where(is_lymphocyte, 1.0, 0.55)
    turn = rng.uniform(0, np.pi, n_cells)
    _paint_nuclei(density, places / mpp, short / mpp, long / mpp, turn, dark)


def _paint_ring(density, centre, radius, lumen, shape, stretch, turn) -> None:
    """Lay the epithelium of one gland over what is there and open its lumen (all in pixels)."""
    window, dy, dx = _window(density, centre, radius * 1.3 + 2)
    if window is None:
        return
    along = dy * np.cos(turn) - dx * np.sin(turn)
    across = dy * np.sin(turn) + dx * np.cos(turn)
    along = along / stretch
    reach = np.hypot(along, across) / shape(np.arctan2(along, across))
    wall = np.clip(radius - reach + 0.5, 0, 1)
    hole = np.clip(lumen - reach + 0.5, 0, 1)
    for stain, level in ((0, 0.16), (1, 0.26)):
        layer = density[stain][window]
        layer += wall * (level - layer)
        layer -= 0.96 * hole * layer


def _paint_nuclei(density, places, short, long, turn, dark) -> None:
    """Add elliptical nuclei of haematoxylin with soft edges (all in pixels).

    Of several at one place the darkest counts, whatever their order: so they are painted many at a
    time, those of like size together, each in a square of pixels round its centre.
    """
    size_px = np.array(density.shape[1:])[:, None]
    first = np.maximum(np.floor(places - (long + 1.5)), 0).astype(int)
    end = np.minimum(np.ceil(places + (long + 1.5)).astype(int) + 1, size_px)
    side = (end - first).max(axis=0)
    order = np.argsort(side, kind="stable")
    order = order[((end - first).min(axis=0) > 0)[order]]
    haematoxylin = density[0].reshape(-1)
    while len(order):
        # As many as fit, were they all as large as the last of them.
        fits = np.arange(1, len(order) + 1) * side[order] ** 2 <= MOST_PIXELS
        some, order = np.split(order, [max(1, fits.sum())])
        step = np.arange(side[some].max())
        row, column = (first[axis, some, None] + step for axis in (0, 1))
        dy, dx = (
            at.astype(np.float32) - places[axis, some, None].astype(np.float32)
            for axis, at in ((0, row), (1, column))
        )
        dy, dx = dy[:, :, None], dx[:, None, :]
        cos, sin = np.cos(turn[some])[:, None, None], np.sin(turn[some])[:, None, None]
        wide, high = short[some, None, None], long[some, None, None]
        reach = np.hypot((dx * cos + dy * sin) / wide, (dy * cos - dx * sin) / high)
        inside = np.clip((1 - reach) * wide + 0.5, 0, 1)
        inside *= dark[some, None, None]
        is_own = (row < end[0, some, None])[:, :, None] & (column < end[1, some, None])[:, None, :]
        pixel = row[:, :, None] * density.shape[2] + column[:, None, :]
        np.maximum.at(haematoxylin, pixel[is_own], inside[is_own].astype(np.float32))


def _window(density, centre, reach):
    """Slices of the square round a centre and the distances of its pixels, or None outside."""
    height, width = density.shape[1:]
    top, left = np.maximum(np.floor(centre - reach), 0).astype(int)
    bottom, right = np.ceil(centre + reach).astype(int) + 1
    bottom, right = min(bottom, height), min(right, width)
    if top >= bottom or left >= right:
        return None, None, None
    dy = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(centre[0])
    dx = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(centre[1])
    return (slice(top, bottom), slice(left, right)), dy, dx


def _disc(rng: np.random.Generator, spot_px: int) -> np.ndarray:
    """Share of tissue in each pixel: a disc with an uneven rim."""
    half = spot_px / 2
    y, x = np.ogrid[:spot_px, :spot_px]
    dy, dx = y - half + 0.5, x - half + 0.5
    angle = np.arctan2(dy, dx).astype(np.float32)
    rim = np.full_like(angle, 0.965 * half)
    for lobes in range(2, 9):
        swing = rng.normal(0, 0.012 / lobes**0.5) * half
        rim += swing * np.sin(lobes * angle + rng.uniform(0, 2 * np.pi))
    return np.clip(rim - np.hypot(dy, dx) + 0.5, 0, 1).astype(np.float32)


def _noise(
    rng: np.random.Generator, spot_px: int, mpp: float, *, grain_um: tuple[float, float]
) -> np.ndarray:
    """Smooth noise of unit variance with grains of the given height and width."""
    coarse = [max(4, int(np.ceil(spot_px * mpp / grain / 0.5))) for grain in grain_um]
    field = gaussian_filter(rng.standard_normal(coarse), 1.0, mode="reflect")
    field = zoom(
        field, [spot_px / side for side in coarse], order=1, grid_mode=True, mode="reflect"
    )
    field = field[:spot_px, :spot_px]
    return ((field - field.mean()) / field.std()).astype(np.float32)
