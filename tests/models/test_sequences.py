"""Features are read from their files when they are used, however many there are."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from histosurv.errors import InputError
from histosurv.features import store
from histosurv.features.store import FeatureFiles, read_features, write_features

OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.h5" for number in range(6)]
    for path, kind in zip(paths, [np.float32, np.float16] * 3, strict=True):
        values = rng.standard_normal((4, 3)).astype(kind)
        write_features(path, values, np.zeros((4, 2)), recipe={}, image_sha256="")
    return paths


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="only Linux lists a process's open files")
def test_features_of_many_files_leave_no_file_open(paths, monkeypatch):
    monkeypatch.setattr(store, "KEPT_BYTES", 0)
    before = len(list(OPEN_FILES.iterdir()))
    files = FeatureFiles(paths)
    for path, spot in zip(paths, files, strict=True):
        assert isinstance(spot, np.memmap)
        np.testing.assert_array_equal(spot.astype(np.float32), read_features(path))
    del spot
    assert len(list(OPEN_FILES.iterdir())) == before


def test_the_first_files_stay_in_memory_and_nobody_can_change_them(paths, monkeypatch):
    monkeypatch.setattr(store, "KEPT_BYTES", 4 * 3 * 4 + 4 * 3 * 2)
    files = FeatureFiles(paths)
    spots = list(files)
    assert [isinstance(spot, np.memmap) for spot in spots] == [False] * 2 + [True] * 4
    assert files[1] is spots[1]
    for path, spot in zip(paths, spots, strict=True):
        np.testing.assert_array_equal(spot.astype(np.float32), read_features(path))
        with pytest.raises(ValueError, match="read-only"):
            spot[0] = 1


def test_features_that_lie_in_pieces_are_read_too(paths, monkeypatch):
    values = np.arange(12.0).reshape(4, 3)
    with h5py.File(paths[0], "w") as file:
        file.create_dataset("features", data=values, chunks=(2, 3), compression="gzip")
    monkeypatch.setattr(store, "damage", lambda path: "")  # it has no seal
    np.testing.assert_array_equal(FeatureFiles(paths)[0], values)


def test_a_damaged_file_among_them_is_told(paths):
    paths[3].write_bytes(paths[3].read_bytes()[:-5])
    with pytest.raises(InputError, match=r"3.h5: no readable feature file"):
        FeatureFiles(paths)
