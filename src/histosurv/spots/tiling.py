"""Where the tiles of a spot lie: scale, fit, grid and order."""

import hashlib
from dataclasses import dataclass

import numpy as np

from histosurv.errors import InputError

TILE_PX = 224
MOST_TILES = 20_000  # of one spot
MISFIT, MPP_UNKNOWN = "does_not_fit", "mpp_unknown"  # reason codes


@dataclass(frozen=True)
class Geometry:
    """How spots are cut, as the config says.

    Attributes
    ----------
    tile_px : int
        Side of a tile at the working resolution.
    fit : {'overlap', 'pad', 'resize', 'drop'}
        What to do where tiles do not divide the spot: let neighbours overlap, pad with the colour
        of the spot's glass, stretch the spot a little, or drop the rest at its edges.
    grid : int
        Tiles along each side; 0 = as few as cover the spot (for `drop`, as many as fit).
    mpp : float
        Micrometres per pixel that every spot is resampled to; 0 = as scanned.
    order : {'raster', 'snake', 'spiral', 'random'}
        Sequence of the tiles: row by row; row by row, back and forth; from the middle outwards;
        or shuffled, each spot in its own way.
    order_seed : int
        Seed of `random`.
    """

    tile_px: int = TILE_PX
    fit: str = "overlap"
    grid: int = 0
    mpp: float = 0.0
    order: str = "raster"
    order_seed: int = 2018


@dataclass(frozen=True)
class Frame:
    """A spot at its working resolution, and the tiles in it.

    Attributes
    ----------
    read_px : tuple of int
        Width and height that the spot's region is resampled to.
    canvas_px : tuple of int
        Width and height that the tiles are cut from: larger than `read_px` where padded.
    pad_px : tuple of int
        Left and upper margin of the padding.
    downsample : tuple of float
        Pixels of the full resolution per working pixel, across and down.
    corners : numpy.ndarray
        (n_tiles, 2) int: x and y of the tiles on the canvas, in sequence order.
    tile_px : int
        Side of a tile on the canvas.
    """

    read_px: tuple[int, int]
    canvas_px: tuple[int, int]
    pad_px: tuple[int, int]
    downsample: tuple[float, float]
    corners: np.ndarray
    tile_px: int

    def level0(self, origin: tuple[int, int]) -> np.ndarray:
        """Tile corners in pixels of the image's full resolution, (n_tiles, 2) float."""
        return (self.corners - np.array(self.pad_px)) * np.array(self.downsample) + origin


def offsets(length_px: int, n: int, tile_px: int = TILE_PX) -> np.ndarray:
    """Left (or upper) edges of tiles at equal distances from end to end.

    Parameters
    ----------
    length_px : int
        Side of the picture, at least one tile.
    n : int
        Number of tiles.
    tile_px : int
        Side of a tile.

    Returns
    -------
    numpy.ndarray
        (n,) int; the first is 0, the last ``length_px - tile_px``. 3500 px and 16 tiles give steps
        of 218.4 px, rounded to whole pixels: neighbours overlap by 5 or 6 px and no pixel is
        invented or left out.
    """
    if n == 1:
        return np.array([(length_px - tile_px) // 2])
    return np.round(np.linspace(0, length_px - tile_px, n)).astype(int)


def frame(
    size_px: tuple[int, int], geometry: Geometry, *, mpp: float | None = None, spot_id: str = ""
) -> Frame:
    """Lay the tiles over a spot.

    Parameters
    ----------
    size_px : tuple of int
        Width and height of the spot in pixels of the full resolution.
    geometry : Geometry
        How to cut.
    mpp : float, optional
        Micrometres per pixel of the full resolution; needed where `Geometry.mpp` is set.
    spot_id : str
        The spot's id, which the order `random` depends on.

    Raises
    ------
    InputError
        The scale is not known, or the spot is too small or too large for the grid.
    """
    tile = geometry.tile_px
    scale = 1.0
    if geometry.mpp:
        if mpp is None:
            raise InputError(
                "micrometres per pixel are not known; give mpp in the table, or take mpp out of "
                "the config to cut the spot as it is scanned",
                code=MPP_UNKNOWN,
            )
        scale = mpp / geometry.mpp
    read = [max(1, round(length * scale)) for length in size_px]
    least = 1 if geometry.fit in ("pad", "resize") else tile
    if min(read) < least:
        raise InputError(
            f"{read[0]} x {read[1]} px is smaller than one tile of {tile} px; bring the spot at "
            "full resolution, or set fit: pad",
            code=MISFIT,
        )
    counts = [geometry.grid or _count(length, tile, geometry.fit) for length in read]
    if counts[0] * counts[1] > MOST_TILES:
        raise InputError(
            f"{read[0]} x {read[1]} px give {counts[0] * counts[1]} tiles; that is no single spot: "
            "give its region, or a coarser mpp",
            code=MISFIT,
        )
    canvas, pad = list(read), [0, 0]
    for side, (length, n) in enumerate(zip(read, counts, strict=True)):
        covered = n * tile
        if geometry.fit == "resize":
            canvas[side] = read[side] = covered
        elif geometry.fit == "drop" and covered > length:
            raise InputError(
                f"{n} tiles of {tile} px do not fit into {length} px; lower grid", MISFIT
            )
        elif geometry.fit != "drop" and covered < length:
            raise InputError(
                f"{n} tiles of {tile} px do not cover {length} px; raise grid, set it to 0, or "
                "set fit: resize",
                code=MISFIT,
            )
        elif geometry.fit == "overlap" and length - tile < n - 1:
            raise InputError(f"{length} px are too few for {n} different tiles; lower grid", MISFIT)
        elif geometry.fit == "pad":
            canvas[side], pad[side] = covered, (covered - length) // 2
    edges = [
        offsets(length, n, tile)
        if geometry.fit == "overlap"
        else np.arange(n) * tile + (length - n * tile) // 2
        for length, n in zip(canvas, counts, strict=True)
    ]
    x, y = np.meshgrid(*edges)
    order = _order(geometry, (counts[1], counts[0]), spot_id)
    return Frame(
        read_px=(read[0], read[1]),
        canvas_px=(canvas[0], canvas[1]),
        pad_px=(pad[0], pad[1]),
        downsample=(size_px[0] / read[0], size_px[1] / read[1]),
        corners=np.stack([x.ravel(), y.ravel()], axis=1)[order],
        tile_px=tile,
    )


def cut(pixels: np.ndarray, corners: np.ndarray, tile_px: int = TILE_PX) -> np.ndarray:
    """Cut tiles out of a spot.

    Parameters
    ----------
    pixels : numpy.ndarray
        (height, width, 3) uint8.
    corners : numpy.ndarray
        (n_tiles, 2), as in `Frame`.
    tile_px : int
        Side of a tile.

    Returns
    -------
    numpy.ndarray
        (n_tiles, tile_px, tile_px, 3) uint8, in the order of `corners`.
    """
    tiles = np.empty((len(corners), tile_px, tile_px, 3), dtype=np.uint8)
    for tile, (x, y) in zip(tiles, corners, strict=True):
        tile[:] = pixels[y : y + tile_px, x : x + tile_px]
    return tiles


def _count(length: int, tile: int, fit: str) -> int:
    return length // tile if fit == "drop" else -(-length // tile)


def _order(geometry: Geometry, shape: tuple[int, int], spot_id: str) -> np.ndarray:
    """Positions of the raster in sequence order, (n_tiles,) int."""
    raster = np.arange(shape[0] * shape[1]).reshape(shape)
    if geometry.order == "snake":
        raster[1::2] = raster[1::2, ::-1]
    elif geometry.order == "spiral":
        return _inward(raster)[::-1]
    elif geometry.order == "random":
        own = int.from_bytes(hashlib.sha256(spot_id.encode()).digest()[:8])
        return np.random.default_rng([geometry.order_seed, own]).permutation(raster.size)
    return raster.ravel()


def _inward(raster: np.ndarray) -> np.ndarray:
    """Clockwise from the upper left corner to the middle."""
    path = []
    while raster.size:
        path.append(raster[0])
        raster = np.rot90(raster[1:])
    return np.concatenate(path)
