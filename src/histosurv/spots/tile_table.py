"""One row per tile: where it lies, how much tissue it holds, how sharp it is."""

from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.tables import REGION
from histosurv.errors import InputError
from histosurv.progress import track
from histosurv.spots.reader import read_spot
from histosurv.spots.tiling import TILE_PX, cut, tile_corners
from histosurv.spots.tissue import MIN_TISSUE_FRACTION, glass_white, sharpness, tissue_fraction

COLUMNS = ["spot_id", "index", "x", "y", "size_px", "tissue_fraction", "sharpness", "keep"]


def region_of(spot: dict) -> tuple[int, int, int, int] | None:
    """Region of a row of the spot table, or None where the whole image is the spot."""
    if any(pd.isna(spot.get(name, np.nan)) for name in REGION):
        return None
    return tuple(int(spot[name]) for name in REGION)


def read_tiles(path: Path) -> pd.DataFrame:
    """Read a tile table of `histosurv tiles`."""
    return pd.read_csv(path, dtype={"spot_id": str}, keep_default_na=False)


def tabulate(spots: pd.DataFrame) -> pd.DataFrame:
    """Tile table of a batch.

    Parameters
    ----------
    spots : pandas.DataFrame
        Checked rows of the spot table (``spot_id``, ``image``, perhaps a region), indexed by their
        row in the file.

    Returns
    -------
    pandas.DataFrame
        ``spot_id, index, x, y, size_px, tissue_fraction, sharpness, keep`` in sequence order; x
        and y in pixels of the spot's image. ``keep`` is 0 for a tile of bare glass: a remark, the
        tile keeps its place in the sequence.

    Raises
    ------
    InputError
        An image that cannot be read or is smaller than a tile.
    """
    tables = []
    records = zip(spots.index, spots.to_dict("records"), strict=True)
    for row, spot in track(records, "tiling", "spot", total=len(spots)):
        try:
            pixels, corners = _read_and_place(spot)
        except InputError as error:
            where = f"spot table, row {row}, spot {spot['spot_id']!r}"
            raise InputError(f"{where}: {error}") from None
        tiles = cut(pixels, corners)
        tissue = tissue_fraction(tiles, glass_white(pixels))
        tables.append(
            pd.DataFrame(
                {
                    "spot_id": spot["spot_id"],
                    "index": np.arange(len(corners)),
                    "x": corners[:, 0],
                    "y": corners[:, 1],
                    "size_px": TILE_PX,
                    "tissue_fraction": tissue.round(4),
                    "sharpness": sharpness(tiles).round(2),
                    "keep": (tissue >= MIN_TISSUE_FRACTION).astype(int),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def _read_and_place(spot: dict) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of a spot and the corners of its tiles."""
    pixels = read_spot(spot["image"], region_of(spot))
    try:
        return pixels, tile_corners(pixels.shape[1], pixels.shape[0])
    except InputError as error:
        raise InputError(f"{spot['image']}: {error}") from None
