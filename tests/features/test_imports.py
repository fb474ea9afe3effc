import h5py
import numpy as np
import pandas as pd
import pytest

from histosurv.errors import InputError
from histosurv.features.imports import import_features
from histosurv.features.store import read_features

FEATURES = np.random.default_rng(0).random((5, 8), dtype=np.float32)
COORDS = np.arange(10).reshape(5, 2) * 224


def write_h5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("a.h5", {"features": FEATURES, "coords": COORDS}),  # CLAM, TRIDENT
        ("a.h5", {"features": FEATURES[None], "coords": COORDS[None]}),  # a batch of one
        ("a.h5", {"feats": FEATURES.astype(np.float16), "coords": COORDS / 4}),  # STAMP: um
        ("a.h5", {"features": FEATURES}),
        ("a.npz", {"features": FEATURES, "coords": COORDS}),
        ("a.npz", {"feats": FEATURES}),
        ("a.npz", {"arr_0": FEATURES}),
    ],
)
def test_what_others_write_is_read(tmp_path, name, arrays):
    path = tmp_path / name
    write_h5(path, **arrays) if path.suffix == ".h5" else np.savez(path, **arrays)
    index = import_features(pd.DataFrame({"spot_id": ["a"]}), tmp_path, tmp_path / "store")
    assert index.loc[0, ["n_tiles", "n_features"]].tolist() == [5, 8]
    assert np.allclose(read_features(tmp_path / "store/a.h5"), FEATURES, atol=1e-3)
    with h5py.File(tmp_path / "store/a.h5") as file:
        known = "coords" in arrays
        assert (file["coords"][0] >= 0).all() == known


@pytest.mark.parametrize(
    ("name", "arrays", "message"),
    [
        ("a.h5", {"slide": FEATURES}, "no array named features or feats"),
        ("a.h5", {"features": FEATURES[0]}, r"shape \(8,\), not \(tiles, features\)"),
        (
            "a.h5",
            {"features": FEATURES, "coords": COORDS[:3]},
            r"but coords \(3, 2\)",
        ),
        ("a.h5", {"features": FEATURES, "coords": 3}, r"but coords \(\)"),
        ("a.h5", {"features": FEATURES, "coords": [b"a"] * 5}, "no readable feature file"),
        ("a.h5", {"features": FEATURES * np.nan}, r"a\.h5: features or coords are not finite"),
        ("a.h5", {"features": FEATURES, "coords": COORDS * np.nan}, "not finite"),
        ("a.npz", {"a": FEATURES, "b": FEATURES}, "no array named features or feats"),
        ("a.npz", {"features": np.array([{}], dtype=object)}, "no readable feature file"),
        ("a.npz", {"features": np.array([["a", "b"]])}, "no readable feature file"),
        ("a.h5", {"features/inner": FEATURES}, "no array named features or feats"),
        ("a.h5", {"features": FEATURES[:0]}, r"shape \(0, 8\)"),
    ],
)
def test_what_is_no_tile_features_file_is_named(tmp_path, name, arrays, message):
    path = tmp_path / name
    write_h5(path, **arrays) if path.suffix == ".h5" else np.savez(path, **arrays)
    with pytest.raises(InputError, match=message):
        import_features(pd.DataFrame({"spot_id": ["a"]}), tmp_path, tmp_path / "store")
    assert not list((tmp_path / "store").glob("*.h5"))


def test_damaged_and_doubled_files_and_other_widths_are_named(tmp_path):
    spots = pd.DataFrame({"spot_id": ["a", "b"]})
    write_h5(tmp_path / "a.h5", features=FEATURES)
    write_h5(tmp_path / "b.h5", features=FEATURES[:, :6])
    with pytest.raises(InputError, match=r"b\.h5: 6 features a tile, 8 in the files before"):
        import_features(spots, tmp_path, tmp_path / "store")
    np.savez(tmp_path / "b.npz", features=FEATURES)
    with pytest.raises(InputError, match=r"b\.h5 and b\.npz are both there"):
        import_features(spots, tmp_path, tmp_path / "store")
    (tmp_path / "b.h5").unlink()
    (tmp_path / "b.npz").write_bytes(b"PK nonsense")
    with pytest.raises(InputError, match="no readable feature file"):
        import_features(spots, tmp_path, tmp_path / "store")
    (tmp_path / "b.npz").write_text("0.1 0.2")
    with pytest.raises(InputError, match=r"\(no ZIP archive, which .npz files are\); bring it"):
        import_features(spots, tmp_path, tmp_path / "store")
    (tmp_path / "b.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"b\.npz: is empty \(0 bytes\)"):
        import_features(spots, tmp_path, tmp_path / "store")
