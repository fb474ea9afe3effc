import errno
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from histosurv.errors import InputError
from histosurv.features.imports import import_features
from histosurv.features.store import damage, is_current, read_features, spot_file, write_features
from histosurv.features.verification import verify
from histosurv.files import file_sha256
from histosurv.publish import write_table

RECIPE = {"encoder": "vgg16", "layer": "fc2"}


@pytest.fixture
def written(tmp_path):
    features = np.random.default_rng(0).random((4, 8), dtype=np.float32)
    coords = np.array([[0, 0], [218, 0], [0, 218], [218, 218]])
    path = tmp_path / "spot.h5"
    write_features(path, features, coords, recipe=RECIPE, image_sha256="abc")
    return path, features, coords


def test_another_place_on_the_same_image_is_another_spot(tmp_path):
    path, coords = tmp_path / "a.h5", np.zeros((1, 2), int)
    known = {"recipe": {"a": "b"}, "image_sha256": "1"}
    write_features(path, np.ones((1, 3)), coords, **known, place="[0, 0, 300, 300, null]")
    assert is_current(path, coords, **known, place="[0, 0, 300, 300, null]")
    assert not is_current(path, coords, **known, place="[0, 0, 800, 800, null]")


def test_features_come_back_and_the_layout_is_clams(written):
    path, features, coords = written
    assert (read_features(path) == features).all()
    with h5py.File(path) as file:
        assert file["features"].shape == (4, 8)
        assert (file["coords"][:] == coords).all()


def test_same_features_same_bytes_and_nothing_left_beside(written, tmp_path):
    path, features, coords = written
    again = tmp_path / "again.h5"
    write_features(again, features, coords, recipe=RECIPE, image_sha256="abc")
    assert again.read_bytes() == path.read_bytes()
    assert {file.name for file in tmp_path.iterdir()} == {"spot.h5", "again.h5"}


def test_only_the_same_recipe_image_and_tiles_are_taken_over(written):
    path, _, coords = written
    assert is_current(path, coords, recipe=RECIPE, image_sha256="abc")
    assert not is_current(path, coords, recipe={**RECIPE, "layer": "fc1"}, image_sha256="abc")
    assert not is_current(path, coords, recipe=RECIPE, image_sha256="abd")
    assert not is_current(path, coords + 1, recipe=RECIPE, image_sha256="abc")
    assert not is_current(path.with_name("no.h5"), coords, recipe=RECIPE, image_sha256="abc")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_never_taken_for_done(written, share):
    path, _, coords = written
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert not is_current(path, coords, recipe=RECIPE, image_sha256="abc")
    with pytest.raises(InputError, match="no readable feature file"):
        read_features(path)


def test_features_that_are_not_finite_are_refused(tmp_path):
    with pytest.raises(InputError, match="not finite"):
        write_features(
            tmp_path / "a.h5",
            np.array([[np.nan]]),
            np.zeros((1, 2)),
            recipe=RECIPE,
            image_sha256="",
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spot_id", ["../../etc/passwd", "a/b", "$(rm -rf)", "癌", ".", "x" * 300])
def test_any_id_gives_a_file_inside_the_store(tmp_path, spot_id):
    path = spot_file(tmp_path, spot_id)
    path.write_bytes(b"")
    assert path.resolve().parent == tmp_path.resolve()
    assert spot_file(tmp_path, spot_id + "!") != path


def test_imported_features_are_copied_and_missing_ones_named(written, tmp_path):
    _, features, _ = written
    spots = pd.DataFrame({"spot_id": ["spot"]})
    index = import_features(spots, tmp_path, tmp_path / "store")
    assert index.loc[0, ["n_tiles", "n_features"]].tolist() == [4, 8]
    assert (read_features(tmp_path / "store" / "spot.h5") == features).all()
    with pytest.raises(InputError, match="no features for spot 'other'"):
        import_features(pd.DataFrame({"spot_id": ["other"]}), tmp_path, tmp_path / "store")


def test_a_flipped_bit_is_noticed_before_the_file_is_parsed(written):
    # Some of these would crash the HDF5 library, or give other numbers without a word.
    path, _, coords = written
    content = path.read_bytes()
    for place in range(0, len(content), 7):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        assert damage(path)
        assert not is_current(path, coords, recipe=RECIPE, image_sha256="abc")
    path.write_bytes(content)
    assert damage(path) == ""


def test_what_clam_and_trident_look_for_is_there(tmp_path):
    write_features(
        tmp_path / "a.h5",
        np.ones((1, 3), np.float16),
        np.zeros((1, 2)),
        recipe=RECIPE,
        image_sha256="",
        tile_px=(224, 448.0),
    )
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["features"].dtype == np.float16
        assert dict(file["coords"].attrs) == {"patch_size": 224, "patch_size_level0": 448}


def test_a_full_disk_is_one_message_and_leaves_nothing(written, tmp_path, monkeypatch):
    path, features, coords = written
    before = path.read_bytes()

    def full(self, content):
        with self.open("wb") as file:
            file.write(content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match=r"spot\.h5: cannot be written \(No space left on device"):
        write_features(path, features, coords, recipe={}, image_sha256="")
    monkeypatch.undo()
    assert path.read_bytes() == before

    def full_on_closing(*args, **kwargs):  # as pandas has it: without a file name
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full_on_closing)
    with pytest.raises(InputError, match=r"a\.csv: cannot be written"):
        write_table(pd.DataFrame(), tmp_path / "a.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["spot.h5"]


def test_verifying_names_what_is_not_as_it_was_written(written, tmp_path):
    _, features, coords = written
    names = ("good", "bad", "gone", "short", "other")
    for name in names:
        copy = tmp_path / f"{name}.h5"
        write_features(copy, features, coords, recipe=RECIPE, image_sha256=name)
    index = pd.DataFrame({"spot_id": names, "status": "done"})
    index["file"] = index["spot_id"] + ".h5"
    index["sha256"] = [file_sha256(tmp_path / name) for name in index["file"]]
    write_table(index, tmp_path / "batches/0000.csv")
    assert (verify(tmp_path)["problem"] == "").all()
    content = (tmp_path / "bad.h5").read_bytes()
    (tmp_path / "bad.h5").write_bytes(content[:3000] + b"!" + content[3001:])
    (tmp_path / "gone.h5").unlink()
    (tmp_path / "short.h5").write_bytes((tmp_path / "short.h5").read_bytes()[:500])
    write_features(tmp_path / "other.h5", features, coords, recipe={}, image_sha256="")
    found = verify(tmp_path).set_index("spot_id")["problem"]
    assert found["good"] == ""
    assert found["bad"] == "changed since it was written"
    assert found["gone"] == "missing"
    assert found["short"].startswith("truncated")
    assert found["other"] == "another file than the index names"
    with pytest.raises(InputError, match="no indexes of feature files"):
        verify(tmp_path / "batches")
    for content in (b"", b"\xff\xfe\x00", b"a,b\n1,2\n"):
        (tmp_path / "batches/0001.csv").write_bytes(content)
        with pytest.raises(InputError, match=r"0001\.csv: no index of feature files"):
            verify(tmp_path)
