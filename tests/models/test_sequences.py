"""Features are read from their files when they are used, however many there are."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from tests.models.small_cohorts import CPU, cohort

from histosurv.errors import InputError
from histosurv.features import store
from histosurv.features.store import FeatureFiles, read_features, write_features
from histosurv.models.batches import Batches, Intake, pack

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


INTAKE = Intake(np.full(12, 99, np.float32), np.full(12, 0.2, np.float32))


def test_tiles_stay_on_a_gpu_while_half_of_its_memory_is_free(monkeypatch):
    sequences, free = cohort(4), [6, 6, 5, 6]
    batches = Batches(sequences, INTAKE, CPU, join=False)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free.pop(0), 10))
    first = [batches._brought(spot) for spot in range(3)]
    again = [batches._brought(spot) for spot in range(3)]
    assert [a is b for a, b in zip(first, again, strict=True)] == [True, True, False]
    for spot, tiles in zip(sequences.spots, again, strict=False):
        assert torch.equal(tiles, pack([[spot]], INTAKE).data)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("join", [True, False])
def test_a_gpu_gets_the_tiles_that_the_cpu_gets(join):
    sequences = cohort(8)
    patients = list(np.unique(sequences.patient_of))
    here, there = (
        Batches(sequences, INTAKE, torch.device(name), join=join) for name in ("cpu", "cuda")
    )
    for _ in range(2):
        (tiles, owner), (expected, whose) = there.tiles(patients), here.tiles(patients)
        assert torch.equal(owner.cpu(), whose)
        for one, other in zip(
            *map(torch.nn.utils.rnn.unpack_sequence, (tiles, expected)), strict=True
        ):
            assert torch.equal(one.cpu(), other)
