"""Features that were computed elsewhere, taken over as they are.

Read are HDF5 files as CLAM and TRIDENT (``features``, ``coords``) and STAMP (``feats``) write them,
and ``.npz`` files with an array of one of these names, or with one array only.
"""

import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from histosurv.errors import InputError
from histosurv.features.index import index_of
from histosurv.features.store import imported_file, is_current, spot_file, write_features
from histosurv.files import file_sha256
from histosurv.progress import track

_FEATURES = ("features", "feats")


def read_foreign(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features and places of one file from elsewhere.

    Returns
    -------
    features : numpy.ndarray
        (n_tiles, n_features) float32.
    coords : numpy.ndarray
        (n_tiles, 2), in the file's own unit (STAMP's are micrometres), to the nearest whole
        number when kept; -1 where it has none: not known, not invented.

    Raises
    ------
    InputError
        The file is damaged, or holds no such arrays.
    """
    try:
        arrays = _arrays(path)
        found = [name for name in _FEATURES if name in arrays]
        if not found and len(arrays) == 1 and path.suffix == ".npz":
            found = list(arrays)
        features = np.asarray(arrays[found[0]], dtype=np.float32) if found else None
        coords = arrays.get("coords")
        if coords is not None:
            coords = np.asarray(coords, dtype=np.float64)
    except Exception as error:  # noqa: BLE001 - damaged files make the readers raise anything
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{path}: is empty (0 bytes); bring it again") from None
        raise InputError(
            f"{path}: no readable feature file ({' '.join(str(error).split())}); bring it again"
        ) from None
    if features is None:
        raise InputError(f"{path}: no array named features or feats; that is no tile features file")
    if features.ndim == 3 and len(features) == 1:  # a batch of one slide
        features = features[0]
    if features.ndim != 2 or not features.size:
        raise InputError(f"{path}: features have shape {features.shape}, not (tiles, features)")
    if not np.isfinite(features).all() or (coords is not None and not np.isfinite(coords).all()):
        raise InputError(f"{path}: features or coords are not finite; bring it again")
    if coords is None:
        return features, np.full((len(features), 2), -1)
    if coords.ndim == 3 and len(coords) == 1:
        coords = coords[0]
    if coords.ndim != 2 or len(coords) != len(features) or coords.shape[1] < 2:
        raise InputError(
            f"{path}: features have shape {features.shape}, but coords {coords.shape}; bring one "
            "place for each tile, or none"
        )
    return features, coords[:, :2]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".npz":
        if path.stat().st_size and not zipfile.is_zipfile(path):
            raise ValueError("no ZIP archive, which .npz files are")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    with h5py.File(path) as file:
        names = [
            name for name in (*_FEATURES, "coords") if isinstance(file.get(name), h5py.Dataset)
        ]
        return {name: file[name][()] for name in names}


def import_features(spots: pd.DataFrame, source: Path, store: Path) -> pd.DataFrame:
    """Take a batch's features from a folder.

    Returns
    -------
    pandas.DataFrame
        The index, as from `histosurv.features.extract.extract`.

    Raises
    ------
    InputError
        A spot without a file, a file without two-dimensional, finite features, or of another
        width than the others.
    """
    if source.resolve() == store.resolve():
        raise InputError(
            f"{source}: is where the features are kept; name the folder they came from"
        )
    width = 0
    for spot_id in track(spots["spot_id"], "importing", "spot"):
        path = imported_file(source, spot_id)
        features, coords = read_foreign(path)
        if width not in (0, features.shape[1]):
            raise InputError(
                f"{path}: {features.shape[1]} features a tile, {width} in the files before it; "
                "bring files of one encoder"
            )
        width = features.shape[1]
        known = {"recipe": {"imported": path.name}, "image_sha256": file_sha256(path)}
        target = spot_file(store, spot_id)
        coords = coords.round().astype(np.int64)
        if not is_current(target, coords, **known):
            write_features(target, features, coords, **known)
    return index_of(spots, store)
