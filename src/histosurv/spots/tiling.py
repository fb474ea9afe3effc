"""Where the tiles of a spot lie: whole coverage by overlap, in raster order."""

import numpy as np

from histosurv.errors import InputError

TILE_PX = 224


def offsets(length_px: int, tile_px: int = TILE_PX) -> np.ndarray:
    """Left (or upper) edges of the fewest tiles that cover a length, at equal distances.

    Parameters
    ----------
    length_px : int
        Side of the image, at least one tile.
    tile_px : int
        Side of a tile.

    Returns
    -------
    numpy.ndarray
        (n,) int, n = ceil(length / tile); the first is 0, the last ``length_px - tile_px``.
        3500 px give 16 offsets 218.4 px apart, rounded to whole pixels: neighbours overlap by 5
        or 6 px and no pixel is invented or left out.
    """
    n = -(-length_px // tile_px)
    return np.round(np.linspace(0, length_px - tile_px, n)).astype(int)


def tile_corners(width_px: int, height_px: int, tile_px: int = TILE_PX) -> np.ndarray:
    """Upper left corners of a spot's tiles in raster order: row by row, left to right.

    Returns
    -------
    numpy.ndarray
        (n_tiles, 2) int, columns x and y in pixels of the spot. 3500 x 3500 px give 256 rows.

    Raises
    ------
    InputError
        The spot is smaller than one tile.
    """
    if min(width_px, height_px) < tile_px:
        raise InputError(
            f"{width_px} x {height_px} px is smaller than one tile of {tile_px} px; "
            "bring the spot at full resolution"
        )
    x, y = np.meshgrid(offsets(width_px, tile_px), offsets(height_px, tile_px))
    return np.stack([x.ravel(), y.ravel()], axis=1)


def cut(pixels: np.ndarray, corners: np.ndarray, tile_px: int = TILE_PX) -> np.ndarray:
    """Cut tiles out of a spot.

    Parameters
    ----------
    pixels : numpy.ndarray
        (height, width, 3) uint8.
    corners : numpy.ndarray
        (n_tiles, 2), as from `tile_corners`.

    Returns
    -------
    numpy.ndarray
        (n_tiles, tile_px, tile_px, 3) uint8, in the order of `corners`.
    """
    tiles = np.empty((len(corners), tile_px, tile_px, 3), dtype=np.uint8)
    for tile, (x, y) in zip(tiles, corners, strict=True):
        tile[:] = pixels[y : y + tile_px, x : x + tile_px]
    return tiles
