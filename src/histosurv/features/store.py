"""One HDF5 file per spot, whole or absent, with its recipe inside.

Layout as CLAM and TRIDENT read it: ``features`` (n_tiles, n_features) float32 or float16, and
``coords`` (n_tiles, 2) int64, upper left corners in pixels of the full resolution. Behind the end
of the HDF5 data, where its readers do not look, stands the SHA-256 of all bytes before it: a file
is opened only if it is what was written, for a damaged one may crash the HDF5 library itself.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import h5py
import numpy as np

from histosurv.errors import InputError
from histosurv.publish import published

IMPORTED_ENDINGS = (".h5", ".npz")
KEPT_BYTES = 2**28
SEAL = b"\nhistosurv-sha256:"


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
        There is no such file, or there are two.
    """
    plain = folder / f"{spot_id}.h5"
    names = dict.fromkeys(
        path.with_suffix(ending) if path.suffix == ".h5" else path
        for ending in IMPORTED_ENDINGS
        for path in (plain, spot_file(folder, spot_id))
    )
    found = [path for path in names if path.parent == folder and path.is_file()]
    if not found:
        raise InputError(
            f"{plain}: no features for spot {spot_id!r} (nor {spot_id}.npz); bring the file or "
            "take the spot out of the spot table"
        )
    if len(found) > 1:
        raise InputError(f"{found[0]} and {found[1].name} are both there; take one away")
    return found[0]


def write_features(
    path: Path,
    features: np.ndarray,
    coords: np.ndarray,
    *,
    recipe: dict,
    image_sha256: str,
    place: str = "",
    tile_px: tuple[int, float] | None = None,
) -> None:
    """Publish the features of one spot.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    features : numpy.ndarray
        (n_tiles, n_features); kept in the type that it has.
    coords : numpy.ndarray
        (n_tiles, 2), pixels of the full resolution.
    recipe : dict
        What decided the numbers, apart from the pixels.
    image_sha256 : str
        Of the image file.
    place : str
        Where on the image the spot lies.
    tile_px : tuple, optional
        Side of a tile as encoded, and in pixels of the full resolution.

    Raises
    ------
    InputError
        A feature is not finite: such a file would poison every later step. Or the disk is full.
    """
    if not np.isfinite(features).all():
        raise InputError(
            f"{path.stem}: features are not finite; check the encoder's weights"
            + (", or set features: dtype: float32" if features.dtype == np.float16 else "")
        )
    coords = coords.astype(np.int64, copy=False)
    # Made in memory: HDF5 itself reports a full disk late, and not always as an error of its own.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        file.create_dataset("features", data=features)
        corners = file.create_dataset("coords", data=coords)
        if tile_px is not None:
            corners.attrs["patch_size"], corners.attrs["patch_size_level0"] = tile_px
        file.attrs["recipe"] = json.dumps(recipe, sort_keys=True)
        file.attrs["image_sha256"] = image_sha256
        file.attrs["place"] = place
        file.attrs["complete"] = True
        file.flush()
        content = file.id.get_file_image()
    with published(path) as temporary:
        temporary.write_bytes(content + SEAL + hashlib.sha256(content).hexdigest().encode())


class FeatureFiles(Sequence):
    """Features of many spots, each opened when it is used and closed after it.

    An open file per spot would pass the limit of most systems at a thousand spots. The first
    `KEPT_BYTES` stay in memory: opening takes longer than reading where features are small.

    Parameters
    ----------
    paths : list of pathlib.Path
        Feature files; item i is (n_tiles, n_features), as kept in file i.

    Raises
    ------
    InputError
        A file is missing or damaged.
    """

    def __init__(self, paths: list[Path]) -> None:
        for path in paths:
            _refuse_damaged(path)
        self._paths = paths
        self._kept: dict[int, np.ndarray] = {}
        self._room = KEPT_BYTES

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> np.ndarray:
        if number in self._kept:
            return self._kept[number]
        array = self._opened(self._paths[number])
        if array.nbytes <= self._room:
            self._room -= array.nbytes
            array = np.array(array)
            array.flags.writeable = False
            self._kept[number] = array
        return array

    @staticmethod
    def _opened(path: Path) -> np.ndarray:
        with h5py.File(path) as file:
            stored = file["features"]
            offset = stored.id.get_offset()
            if offset is None:  # in pieces, or empty
                return np.asarray(stored)
            return np.memmap(path, stored.dtype, "r", offset, stored.shape)


def read_features(path: Path) -> np.ndarray:
    """Features of one spot, (n_tiles, n_features) float32.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    _refuse_damaged(path)
    with h5py.File(path) as file:
        return np.asarray(file["features"], dtype=np.float32)


def _refuse_damaged(path: Path) -> None:
    found = damage(path)
    if found:
        raise InputError(
            f"{path}: no readable feature file ({found}); mend it with: snakemake --forcerun "
            "features (import_features, where they are imported)"
        )


def read_recipe(path: Path) -> dict[str, str]:
    """Recipe of one spot's features, as the file states it."""
    with h5py.File(path) as file:
        return json.loads(file.attrs["recipe"])


def is_current(
    path: Path, coords: np.ndarray, *, recipe: dict, image_sha256: str, place: str = ""
) -> bool:
    """Whether a spot's file is undamaged and stems from this recipe, these pixels, these tiles."""
    if damage(path):
        return False
    with h5py.File(path) as file:
        return bool(
            file.attrs["recipe"] == json.dumps(recipe, sort_keys=True)
            and file.attrs["image_sha256"] == image_sha256
            and file.attrs["place"] == place
            and np.array_equal(file["coords"], coords)
        )


def damage(path: Path) -> str:
    """What is wrong with a feature file: an empty text where nothing is."""
    try:
        content, seal, sha256 = path.read_bytes().rpartition(SEAL)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return error.strerror
    if not seal:
        return "truncated, or no feature file of histosurv"
    is_whole = hashlib.sha256(content).hexdigest().encode() == sha256
    return "" if is_whole else "changed since it was written"


def shape_of(path: Path) -> tuple[int, int]:
    """Tiles and numbers per tile of a feature file."""
    with h5py.File(path) as file:
        return file["features"].shape
