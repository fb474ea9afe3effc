"""The tiles that raise the risk of their patients most, and those that lower it most, as pixels."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from histosurv.errors import InputError
from histosurv.files import batch_name
from histosurv.progress import say, track
from histosurv.publish import write_archive, write_table
from histosurv.spots.preparation import SpotSettings, encoded_tiles, in_sequence
from histosurv.spots.reader import PictureShelf
from histosurv.spots.thumbnails import to_jpeg
from histosurv.spots.tile_table import read_quality, read_tiles

N_TILES = 12  # in each direction
PER_PATIENT = 2  # lest one odd spot fills the page
SIDE_PX = 112
SIGNS = {"raises": 1, "lowers": -1}
IDS = ["patient_id", "spot_id"]
PLACE = ["x", "y", "size_px"]
COLUMNS = ["rank", "direction", *IDS, "tile", *PLACE, "contribution", "member"]


@dataclass(frozen=True)
class _Spot:
    """One spot as it was cut: its row, and the corners of all of its tiles."""

    row: dict
    tiles: pd.DataFrame
    used: np.ndarray  # positions of those that were encoded, in sequence order


def write_gallery(
    attribution: list[Path],
    spots: Path,
    settings: SpotSettings,
    out: Path,
    *,
    n_batches: int = 1,
) -> None:
    """Write ``tiles.csv`` and ``tiles.zip``.

    Parameters
    ----------
    attribution : list of pathlib.Path
        Tables of `histosurv.models.attribution.attribute`, in which each patient appears once.
    spots : pathlib.Path
        The room's results: ``{batch}.csv`` and ``quality/{batch}.csv``.
    settings : SpotSettings
        How the spots were cut.
    out : pathlib.Path
        The folder. The table has `COLUMNS`: ``rank`` from 1 in each ``direction`` (raises, lowers),
        ``tile`` from 1 among those that were encoded, ``x, y, size_px`` in pixels of the image's
        full resolution, and ``member``, the tile's JPEG in the ZIP, as it was encoded but smaller;
        empty where the image cannot be read any more.
    n_batches : int
        Number of batches.

    Raises
    ------
    InputError
        The tables are not those of one run.
    """
    chosen = choose_tiles(pd.concat([_read(path) for path in attribution], ignore_index=True))
    cut = _find(set(chosen["spot_id"]), spots, n_batches, settings)
    table = _placed(chosen, cut, spots)
    pictures = _pictures(table, cut, settings)
    names = [name if name in pictures else "" for name in table["member"]]
    write_archive({name: pictures[name] for name in names if name}, out / "tiles.zip")
    write_table(table.assign(member=names)[COLUMNS], out / "tiles.csv")


def read_gallery(folder: Path) -> tuple[pd.DataFrame, dict[str, bytes]]:
    """Read what `write_gallery` wrote: the table, and the JPEG of each member."""
    text = dict.fromkeys(("direction", *IDS, "member"), str)
    table = pd.read_csv(folder / "tiles.csv", dtype=text, keep_default_na=False)
    with zipfile.ZipFile(folder / "tiles.zip") as archive:
        return table, {name: archive.read(name) for name in archive.namelist()}


def choose_tiles(attribution: pd.DataFrame) -> pd.DataFrame:
    """Choose the tiles with the largest contributions above zero, and below.

    Parameters
    ----------
    attribution : pandas.DataFrame
        ``patient_id, spot_id, tile, contribution``; a missing contribution is not chosen.

    Returns
    -------
    pandas.DataFrame
        The same columns, and ``rank`` and ``direction``: at most `N_TILES` in each direction and
        `PER_PATIENT` of a patient. Of equal ones those that come first by their ids.
    """
    chosen = []
    for direction, sign in SIGNS.items():
        strength = sign * attribution["contribution"]
        ordered = attribution.assign(strength=strength)[strength > 0].sort_values(
            ["strength", *IDS, "tile"], ascending=[False, True, True, True]
        )
        best = ordered.groupby("patient_id", sort=False).head(PER_PATIENT).head(N_TILES)
        chosen.append(best.assign(rank=range(1, len(best) + 1), direction=direction))
    return pd.concat(chosen, ignore_index=True).drop(columns="strength")


def _read(path: Path) -> pd.DataFrame:
    columns = [*IDS, "tile", "contribution"]
    try:
        return pd.read_csv(
            path,
            usecols=columns,
            dtype=dict.fromkeys(IDS, str),
            keep_default_na=False,
            na_values={"contribution": [""]},
        )[columns]
    except ValueError as error:  # of pandas: no such columns, no table at all
        raise InputError(
            f"{path}: is no table of contributions ({error}); give one of `histosurv attribute`"
        ) from None


def _find(
    wanted: set[str], folder: Path, n_batches: int, settings: SpotSettings
) -> dict[str, _Spot]:
    """The spots that are wanted; tile tables of other batches, which may be large, stay closed."""
    found = {}
    for batch in map(batch_name, range(n_batches)):
        quality = read_quality(folder / "quality" / f"{batch}.csv")
        rows = quality[quality["spot_id"].isin(wanted)].to_dict("records")
        tables = dict(iter(read_tiles(folder / f"{batch}.csv").groupby("spot_id"))) if rows else {}
        for row in rows:
            tiles = tables.get(row["spot_id"], pd.DataFrame(columns=[*PLACE, "keep"]))
            used = np.flatnonzero(in_sequence(tiles, settings.background))
            found[row["spot_id"]] = _Spot(row, tiles, used)
    return found


def _placed(chosen: pd.DataFrame, cut: dict[str, _Spot], folder: Path) -> pd.DataFrame:
    """The chosen tiles with their places, and the names that their pictures would have."""
    places, positions = [], []
    for spot_id, tile in zip(chosen["spot_id"], chosen["tile"], strict=True):
        spot = cut.get(spot_id)
        if spot is None or not 1 <= tile <= len(spot.used):
            raise InputError(
                f"{folder}: has no tile {tile} of spot {spot_id!r}; give the tables, the number of "
                "batches and the settings of one run"
            )
        positions.append(spot.used[tile - 1])
        places.append(spot.tiles[PLACE].iloc[positions[-1]].to_numpy(float))
    numbers = pd.DataFrame(np.reshape(places, (-1, len(PLACE))), chosen.index, PLACE)
    # Whole numbers where all are whole: of their batch others may be none, which is no matter here.
    numbers = numbers.apply(pd.to_numeric, downcast="integer")
    names = [
        f"{direction}_{rank:02d}.jpg"
        for direction, rank in zip(chosen["direction"], chosen["rank"], strict=True)
    ]
    return chosen.join(numbers).assign(position=positions, member=names)


def _pictures(
    table: pd.DataFrame, cut: dict[str, _Spot], settings: SpotSettings
) -> dict[str, bytes]:
    """JPEG of each tile by its member's name, of the images that can be read."""
    shelf, pictures = PictureShelf(), {}
    # By image, lest a slide with several of the spots is opened again and again.
    by_spot = sorted(table.groupby("spot_id"), key=lambda of: (cut[of[0]].row["image"], of[0]))
    for spot_id, rows in track(by_spot, "gallery", "spot"):
        spot = cut[spot_id]
        corners, positions = spot.tiles[["x", "y"]].to_numpy(float), rows["position"].to_numpy()
        try:
            tiles = encoded_tiles(spot.row, corners, positions, shelf, settings)
        except InputError as error:
            say(f"no picture of the tiles of spot {spot_id!r}: {error}")
            continue
        for name, tile in zip(rows["member"], tiles, strict=True):
            picture = Image.fromarray(tile)
            picture.thumbnail((SIDE_PX, SIDE_PX))
            pictures[name] = to_jpeg(picture, quality=85)
    shelf.close()
    return pictures
