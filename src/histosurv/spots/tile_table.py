"""The tables of a batch: one row per tile, and one row per spot with its verdict."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.errors import InputError
from histosurv.parallel import ordered_map
from histosurv.progress import say, track
from histosurv.spots.contact_sheet import Panel, make_panel
from histosurv.spots.preparation import SpotSettings, lay, prepare, region_of, scale_of
from histosurv.spots.quality import (
    MIN_TISSUE_FRACTION,
    UNUSABLE,
    contradicts_core,
    judge,
    measure,
    verdict,
)
from histosurv.spots.reader import PictureShelf
from histosurv.spots.thumbnails import make_thumbnail, peek
from histosurv.spots.tiling import MISFIT, MPP_UNKNOWN

TILE_COLUMNS = [
    "spot_id",
    "index",
    "x",
    "y",
    "size_px",
    "tissue_fraction",
    "pen_fraction",
    "fold_fraction",
    "sharpness",
    "keep",
]
SPOT_COLUMNS = [
    "spot_id",
    "patient_id",
    "block",
    "image",
    "x",
    "y",
    "width",
    "height",
    "mpp",
    "mpp_source",
    "n_tiles",
    "n_kept",
    "tissue_fraction",
    "pen_fraction",
    "fold_fraction",
    "sharpness",
    "relative_sharpness",
    *(f"glass_{channel}" for channel in "rgb"),
    *(f"{dye}_{channel}" for dye in ("haematoxylin", "eosin") for channel in "rgb"),
    "usable",
    "reasons",
    "message",
]


@dataclass(frozen=True)
class Tabulated:
    """What is known of a batch's spots.

    Attributes
    ----------
    tiles : pandas.DataFrame
        `TILE_COLUMNS`, in sequence order; ``x, y, size_px`` in pixels of the image's full
        resolution. ``keep`` is 0 for a tile of bare glass.
    spots : pandas.DataFrame
        `SPOT_COLUMNS`, one row per spot, also of those without tiles.
    panels : list of Panel
        One per spot, for the contact sheet.
    thumbnails : dict of str to bytes
        By spot, as from `histosurv.spots.thumbnails.make_thumbnail`; of those that can be read.
    """

    tiles: pd.DataFrame
    spots: pd.DataFrame
    panels: list[Panel]
    thumbnails: dict[str, bytes]


def read_tiles(path: Path) -> pd.DataFrame:
    """Read a tile table of `histosurv tiles`."""
    return pd.read_csv(path, dtype={"spot_id": str}, keep_default_na=False)


def read_quality(path: Path) -> pd.DataFrame:
    """Read a spot table of `histosurv tiles`; missing numbers are NaN, missing text is empty."""
    text = dict.fromkeys(("spot_id", "patient_id", "block", "image", "reasons", "message"), str)
    empty = {name: [""] for name in SPOT_COLUMNS if name not in text}
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=empty)


def tabulate(spots: pd.DataFrame, settings: SpotSettings, threads: int = 1) -> Tabulated:
    """Tables of a batch.

    Parameters
    ----------
    spots : pandas.DataFrame
        Checked rows of the spot table.
    settings : SpotSettings
        How spots are cut.
    threads : int
        Spots that are worked on at once.

    Returns
    -------
    Tabulated
        A spot that cannot be used has a row that says why, and the batch goes on.
    """
    shelf = PictureShelf()
    records = spots.to_dict("records")
    done = ordered_map(lambda spot: _tabulate_one(spot, settings, shelf), records, threads)
    tiles, rows, panels, thumbnails = [], [], [], {}
    for table, row, panel, thumbnail in track(done, "tiling", "spot", total=len(records)):
        if not row["usable"]:
            codes = [code for code in row["reasons"].split() if code in UNUSABLE]
            row["message"] = row["message"] or f"{row['image']}: {UNUSABLE[codes[0]]}"
            say(f"not used: spot {row['spot_id']!r}: {row['message']}")
        tiles.append(table)
        rows.append(row)
        panels.append(panel)
        if thumbnail is not None:
            thumbnails[row["spot_id"]] = thumbnail
    return Tabulated(
        _joined(tiles),
        pd.DataFrame(rows).reindex(columns=SPOT_COLUMNS),
        panels,
        thumbnails,
    )


def _joined(tiles: list[pd.DataFrame]) -> pd.DataFrame:
    """One table, also where no spot has a tile; empty ones would change the others' types."""
    return pd.concat([table for table in tiles if len(table)] or tiles[:1], ignore_index=True)


def _tabulate_one(
    spot: dict, settings: SpotSettings, shelf: PictureShelf
) -> tuple[pd.DataFrame, dict, Panel, bytes | None]:
    """Tiles, row, panel and thumbnail of one spot."""
    row = {name: spot.get(name) for name in ("spot_id", "patient_id", "block", "image", "mpp")}
    row |= {"n_tiles": 0, "n_kept": 0, "message": ""}
    nothing = pd.DataFrame(columns=TILE_COLUMNS)
    if spot.get("reason"):  # known before a pixel is read: the core is missing, or not told apart
        row |= verdict([spot["reason"]])
        return nothing, row, make_panel(None, None, None, row), None
    try:
        picture = shelf.open(spot["image"], use_profile=settings.colour_profile == "srgb")
        region, scale = region_of(spot, picture), scale_of(spot, picture)
        row |= dict(zip(("x", "y", "width", "height"), region, strict=True))
        row |= {"mpp": scale.mpp, "mpp_source": scale.source}
        pixels, frame = lay(spot, picture, region, scale, settings)
    except InputError as error:
        row |= verdict([error.code]) | {"message": str(error)}
        # What the tiles do not fit on can be looked at all the same.
        thumbnail = peek(picture, region) if error.code in (MISFIT, MPP_UNKNOWN) else None
        return nothing, row, make_panel(None, None, None, row), thumbnail
    thumbnail = make_thumbnail(pixels, region)
    pixels, masks = prepare(pixels, frame)
    measured = measure(pixels, masks, frame.corners, frame.tile_px)
    row |= judge(masks, measured, scale)
    if scale.mpp and settings.core_diameter_um:
        wrong = contradicts_core(
            *region[2:], masks, frame.downsample[0], scale.mpp, settings.core_diameter_um
        )
        if wrong:
            row |= verdict([*row["reasons"].split(), "wrong_scale"])
            row["message"] = f"{spot['image']}: {wrong}; correct mpp in the table"
    corners = frame.level0(region[:2])
    whole = frame.downsample == (1.0, 1.0)
    size = np.array(frame.downsample) * frame.tile_px
    table = pd.DataFrame(
        {
            "spot_id": spot["spot_id"],
            "index": np.arange(len(corners)),
            "x": corners[:, 0].astype(int) if whole else corners[:, 0].round(2),
            "y": corners[:, 1].astype(int) if whole else corners[:, 1].round(2),
            "size_px": frame.tile_px if whole else size.mean().round(2),
            "tissue_fraction": measured.tissue.round(4),
            "pen_fraction": measured.pen.round(4),
            "fold_fraction": measured.fold.round(4),
            "sharpness": measured.sharpness.round(2),
            "keep": (measured.tissue >= MIN_TISSUE_FRACTION).astype(int),
        }
    )
    row |= {"n_tiles": len(table), "n_kept": int(table["keep"].sum())}
    if row["usable"] and settings.background == "drop" and not row["n_kept"]:
        row |= verdict([*row["reasons"].split(), "no_tissue"])
    if not row["usable"]:
        table = nothing
    return table, row, make_panel(pixels, masks, frame, row), thumbnail
