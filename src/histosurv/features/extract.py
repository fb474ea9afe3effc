"""From tiles to features, a batch of spots at a time; and the same from elsewhere."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

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
from histosurv.spots.reader import image_sha256, read_spot
from histosurv.spots.tile_table import region_of
from histosurv.spots.tiling import cut


def extract(
    spots: pd.DataFrame, tiles: pd.DataFrame, encoder: Encoder, store: Path
) -> pd.DataFrame:
    """Compute what is missing of a batch's features.

    Parameters
    ----------
    spots : pandas.DataFrame
        Checked rows of the spot table.
    tiles : pandas.DataFrame
        Tile table of the batch.
    encoder : Encoder
        The network.
    store : pathlib.Path
        Folder of the feature files. A file that is complete and of the same recipe, image and
        tiles is taken over; anything else is computed and replaced.

    Returns
    -------
    pandas.DataFrame
        ``spot_id, file, n_tiles, n_features, sha256``: the index of the batch.
    """
    corners_of = {spot: table[["x", "y"]].to_numpy() for spot, table in tiles.groupby("spot_id")}
    n_computed = 0
    with track(None, "features", "tile", total=len(tiles)) as bar:
        for spot in spots.to_dict("records"):
            region = region_of(spot)
            corners = corners_of[spot["spot_id"]]
            path = spot_file(store, spot["spot_id"])
            known = {"recipe": encoder.recipe, "image_sha256": image_sha256(spot["image"])}
            coords = corners + (region[:2] if region else (0, 0))
            if not is_current(path, coords, **known):
                pixels = torch.from_numpy(cut(read_spot(spot["image"], region), corners))
                write_features(path, encoder.encode(pixels).numpy(), coords, **known)
                n_computed += 1
            bar.update(len(corners))
    say(f"features: {n_computed} spots computed, {len(spots) - n_computed} taken over")
    return index_of(spots, store)


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
    """Index of a batch: every spot with its file, its size and its hash."""
    rows = []
    for spot_id in spots["spot_id"]:
        path = spot_file(store, spot_id)
        with h5py.File(path) as file:
            n_tiles, n_features = file["features"].shape
        rows.append((spot_id, path.name, n_tiles, n_features, file_sha256(path)))
    return pd.DataFrame(rows, columns=["spot_id", "file", "n_tiles", "n_features", "sha256"])
