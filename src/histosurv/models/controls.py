"""Cohorts in which a sound study must find nothing, or nothing of the tissue.

A control is a cohort of its own, written as the rooms before this one write it: so the very same
steps run on it.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.folds import blocks_of
from histosurv.cohort.tables import OUTCOME, read_checked_spots, read_indexes, read_patients
from histosurv.errors import InputError
from histosurv.features.index import index_of
from histosurv.features.store import FeatureFiles, spot_file, write_features
from histosurv.files import batch_name
from histosurv.models.names import Control
from histosurv.publish import write_table


def write_control(
    name: Control,
    cohort: Path,
    features: Path,
    out: Path,
    n_batches: int,
    *,
    spots: Path | None = None,
    seed: int,
) -> None:
    """Write the cohort of a control.

    Parameters
    ----------
    name : {'permuted', 'background', 'block'}
        Outcomes dealt anew among the patients; tiles of bare glass alone; or, in place of tiles,
        the block that a spot lies in.
    cohort, features : pathlib.Path
        Folders of the study.
    out : pathlib.Path
        Folder to write ``cohort/patients.csv``, ``cohort/spots.csv`` and ``features/`` to.
    n_batches : int
        Number of batches, here as there.
    spots : pathlib.Path, optional
        Folder of the tile tables, for the tiles of bare glass.
    seed : int
        Of the dealing.

    Raises
    ------
    InputError
        No tile of bare glass, no folder to look for one, or fewer than two blocks.
    """
    if name == "background" and spots is None:
        raise InputError("--spots: background needs the folder of the tile tables; name it")
    patients = read_patients(cohort / "patients.csv")
    table = read_checked_spots(cohort / "spots.csv")
    if name == "permuted":
        order = np.random.default_rng([seed, 77]).permutation(len(patients))
        patients[OUTCOME] = patients[OUTCOME].iloc[order].set_axis(patients.index)
        _point_to(features, out / "features", n_batches)
    elif name == "background":
        table = _only_glass(table, features, out / "features", n_batches, spots)
    else:
        _only_block(table, out / "features", n_batches)
    patients = patients[patients["patient_id"].isin(table["patient_id"])]
    write_table(table, out / "cohort" / "spots.csv")
    write_table(patients, out / "cohort" / "patients.csv")


def _point_to(features: Path, own: Path, n_batches: int) -> None:
    """Indexes that name the study's own feature files."""
    way = Path(os.path.relpath(features, own))
    for batch in range(n_batches):
        index = _read_index(features, batch)
        is_done = index["status"] == "done"
        index.loc[is_done, "file"] = [str(way / name) for name in index.loc[is_done, "file"]]
        _write_index(index, own, batch)


def _only_glass(
    table: pd.DataFrame, features: Path, own: Path, n_batches: int, spots: Path
) -> pd.DataFrame:
    """Write the features of the tiles of bare glass; the spots that have any."""
    left = []
    for batch in range(n_batches):
        index = _read_index(features, batch)
        index = index[(index["status"] == "done") & index["spot_id"].isin(table["spot_id"])]
        tiles = pd.read_csv(
            spots / f"{batch_name(batch)}.csv", dtype={"spot_id": str}, keep_default_na=False
        )
        arrays = FeatureFiles([features / name for name in index["file"]])
        mine = []
        for spot_id, array in zip(index["spot_id"], arrays, strict=True):
            of_spot = tiles.loc[tiles["spot_id"] == spot_id, ["tissue_fraction", "pen_fraction"]]
            is_glass = (of_spot == 0).all(axis=1).to_numpy()
            if len(is_glass) == len(array) and is_glass.any():
                _write(own, spot_id, array[is_glass], "bare glass")
                mine.append(spot_id)
        _write_index(index_of(table[table["spot_id"].isin(mine)], own), own, batch)
        left += mine
    if not left:
        raise InputError(
            "controls: background: no spot has a tile of bare glass; leave it out "
            "(controls: [permuted, block])"
        )
    return table[table["spot_id"].isin(left)]


def _only_block(table: pd.DataFrame, own: Path, n_batches: int) -> None:
    """Write, for every spot, one tile that says in which block it lies."""
    block = blocks_of(table)
    names = sorted(set(block))
    if len(names) < 2:
        raise InputError(
            "controls: block: all spots lie in one block; leave it out "
            "(controls: [permuted, background])"
        )
    for spot_id, name in zip(table["spot_id"], block, strict=True):
        features = np.array([[name == other for other in names]], np.float32)
        _write(own, spot_id, features, "block")
    for batch, part in enumerate(np.array_split(np.arange(len(table)), n_batches)):
        _write_index(index_of(table.iloc[part], own), own, batch)


def _write(own: Path, spot_id: str, features: np.ndarray, what: str) -> None:
    coords = np.full((len(features), 2), -1)
    path = spot_file(own, spot_id)
    write_features(path, features, coords, recipe={"control": what}, image_sha256="")


def _read_index(features: Path, batch: int) -> pd.DataFrame:
    return read_indexes(features, batch + 1, first=batch)


def _write_index(index: pd.DataFrame, own: Path, batch: int) -> None:
    write_table(index, own / "batches" / f"{batch_name(batch)}.csv")
