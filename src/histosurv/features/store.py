"""One HDF5 file per spot, whole or absent, with its recipe inside.

Layout as CLAM and TRIDENT read it: ``features`` (n_tiles, n_features) float32 and ``coords``
(n_tiles, 2) int64, upper left corners in pixels of the full resolution.
"""

import hashlib
import json
from pathlib import Path
from urllib.parse import quote

import h5py
import numpy as np

from histosurv.errors import InputError
from histosurv.publish import published


def spot_file(folder: Path, spot_id: str) -> Path:
    """File of a spot; an id that is no plain file name is encoded, a very long one shortened."""
    name = quote(spot_id, safe=" ()+,=@#")
    if len(name) > 200:
        name = f"{name[:120]}-{hashlib.sha256(spot_id.encode()).hexdigest()[:16]}"
    return folder / f"{name}.h5"


def imported_file(folder: Path, spot_id: str) -> Path:
    """File of a spot in a folder from elsewhere: named as the id is, or encoded as ours are.

    Raises
    ------
    InputError
        There is no such file.
    """
    plain = folder / f"{spot_id}.h5"
    for path in (plain, spot_file(folder, spot_id)):
        if path.parent == folder and path.is_file():
            return path
    raise InputError(
        f"{plain}: no features for spot {spot_id!r}; bring the file or take the spot out of the "
        "spot table"
    )


def write_features(
    path: Path,
    features: np.ndarray,
    coords: np.ndarray,
    *,
    recipe: dict,
    image_sha256: str,
    place: str = "",
) -> None:
    """Publish the features of one spot.

    Raises
    ------
    InputError
        A feature is not finite: such a file would poison every later step.
    """
    if not np.isfinite(features).all():
        raise InputError(f"{path.stem}: features are not finite; check the encoder's weights")
    with published(path) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("features", data=features.astype(np.float32, copy=False))
        file.create_dataset("coords", data=coords.astype(np.int64, copy=False))
        file.attrs["recipe"] = json.dumps(recipe, sort_keys=True)
        file.attrs["image_sha256"] = image_sha256
        file.attrs["place"] = place
        file.attrs["complete"] = True


def read_features(path: Path) -> np.ndarray:
    """Features of one spot, (n_tiles, n_features) float32.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    try:
        with h5py.File(path) as file:
            features = np.asarray(file["features"], dtype=np.float32)
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path}: no readable feature file ({' '.join(str(error).split())}); "
            "delete it and run the workflow again"
        ) from None
    if features.ndim != 2 or not len(features):
        raise InputError(f"{path}: features have shape {features.shape}, not (tiles, features)")
    return features


def read_recipe(path: Path) -> dict[str, str]:
    """Recipe of one spot's features, as the file states it."""
    with h5py.File(path) as file:
        return json.loads(file.attrs["recipe"])


def is_current(
    path: Path, coords: np.ndarray, *, recipe: dict, image_sha256: str, place: str = ""
) -> bool:
    """Whether a spot's file is complete and stems from this recipe, these pixels, these tiles."""
    try:
        with h5py.File(path) as file:
            return bool(
                file.attrs.get("complete", False)
                and file.attrs["recipe"] == json.dumps(recipe, sort_keys=True)
                and file.attrs["image_sha256"] == image_sha256
                and file.attrs["place"] == place
                and np.array_equal(file["coords"], coords)
                and len(file["features"]) == len(coords)
            )
    except (OSError, KeyError):
        return False


def file_sha256(path: Path) -> str:
    """SHA-256 of a finished file, for the index that later rules watch."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
