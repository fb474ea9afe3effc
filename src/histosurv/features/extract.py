"""From tiles to features, a batch of spots at a time; and the same from elsewhere."""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

from histosurv.cohort.tables import REGION
from histosurv.features.encoders import Encoder
from histosurv.features.store import (
    file_sha256,
    imported_file,
    is_current,
    read_features,
    spot_file,
    write_features,
)
from histosurv.progress import say, track
from histosurv.spots.preparation import (
    SpotSettings,
    coloured,
    prepare,
    region_of,
    scale_of,
)
from histosurv.spots.quality import MIN_TISSUE_FRACTION
from histosurv.spots.reader import image_sha256
from histosurv.spots.tile_table import PictureShelf
from histosurv.spots.tiling import cut
from histosurv.spots.tissue import tile_shares


def extract(
    spots: pd.DataFrame, tiles: pd.DataFrame, encoder: Encoder, store: Path, settings: SpotSettings
) -> pd.DataFrame:
    """Compute what is missing of a batch's features.

    Parameters
    ----------
    spots, tiles : pandas.DataFrame
        Spot table and tile table of the batch, as from `histosurv.spots.tile_table`.
    encoder : Encoder
        The network.
    store : pathlib.Path
        Folder of the feature files. A file that is complete and of the same recipe, image and
        tiles is taken over; anything else is computed and replaced.
    settings : SpotSettings
        How spots are cut.

    Returns
    -------
    pandas.DataFrame
        ``spot_id, status, reason, file, n_tiles, n_features, sha256``: the index of the batch. A
        spot that cannot be used has the status ``excluded`` and no file.
    """
    if settings.background == "drop":
        tiles = tiles[tiles["keep"] == 1]
    places = {spot: table[["x", "y"]].to_numpy() for spot, table in tiles.groupby("spot_id")}
    recipe = encoder.recipe | settings.recipe()
    shelf = PictureShelf()
    n_computed = 0
    usable = spots[spots["usable"] == 1]
    with track(None, "features", "tile", total=len(tiles)) as bar:
        for spot in usable.to_dict("records"):
            coords = places[spot["spot_id"]].round().astype(np.int64)
            path = spot_file(store, spot["spot_id"])
            place = [spot[name] for name in (*REGION, "mpp")]
            known = {"recipe": recipe, "image_sha256": image_sha256(spot["image"])}
            known["place"] = json.dumps([None if pd.isna(value) else value for value in place])
            if not is_current(path, coords, **known):
                features = encoder.encode(torch.from_numpy(_tiles_of(spot, shelf, settings)))
                write_features(path, features.numpy(), coords, **known)
                n_computed += 1
            bar.update(len(coords))
    shelf.close()
    say(
        f"features: {n_computed} spots computed, {len(usable) - n_computed} taken over, "
        f"{len(spots) - len(usable)} excluded"
    )
    return index_of(spots, store)


def _tiles_of(spot: dict, shelf: PictureShelf, settings: SpotSettings) -> np.ndarray:
    """Tiles of a spot that are encoded, (n_tiles, side, side, 3) uint8."""
    picture = shelf.open(spot["image"], use_profile=settings.colour_profile == "srgb")
    region, scale = region_of(spot, picture), scale_of(spot, picture)
    pixels, frame, masks = prepare(spot, picture, region, scale, settings)
    corners = frame.corners
    if settings.background == "drop":
        tissue = tile_shares(masks.tissue, corners, frame.tile_px)
        corners = corners[tissue >= MIN_TISSUE_FRACTION]
    return cut(coloured(pixels, masks, settings), corners, frame.tile_px)


def import_features(spots: pd.DataFrame, source: Path, store: Path) -> pd.DataFrame:
    """Take a batch's features from a folder of ``{spot_id}.h5`` files (CLAM's layout).

    Returns
    -------
    pandas.DataFrame
        The index, as from `extract`.

    Raises
    ------
    InputError
        A spot without a file, or a file without two-dimensional, finite features.
    """
    for spot_id in track(spots["spot_id"], "importing", "spot"):
        path = imported_file(source, spot_id)
        features = read_features(path)
        with h5py.File(path) as file:
            # Places that are not known are marked as such, not invented.
            unknown = np.full((len(features), 2), -1)
            coords = np.asarray(file["coords"]) if "coords" in file else unknown
        known = {"recipe": {"imported": path.name}, "image_sha256": file_sha256(path)}
        target = spot_file(store, spot_id)
        if not is_current(target, coords, **known):
            write_features(target, features, coords, **known)
    return index_of(spots, store)


def index_of(spots: pd.DataFrame, store: Path) -> pd.DataFrame:
    """Index of a batch: every spot with its file, its size and its hash, or why it has none."""
    rows = []
    for spot in spots.to_dict("records"):
        if spot.get("usable", 1) != 1:
            rows.append((spot["spot_id"], "excluded", spot["message"], "", 0, 0, ""))
            continue
        path = spot_file(store, spot["spot_id"])
        with h5py.File(path) as file:
            shape = file["features"].shape
        rows.append((spot["spot_id"], "done", "", path.name, *shape, file_sha256(path)))
    columns = ["spot_id", "status", "reason", "file", "n_tiles", "n_features", "sha256"]
    return pd.DataFrame(rows, columns=columns)
