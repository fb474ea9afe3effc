import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file
from tests.features.encoding import torchvisions_vgg16

from histosurv.cohort.drawing import Stain, draw_spot
from histosurv.errors import InputError
from histosurv.features import extract as extraction
from histosurv.features.encoders import Encoder
from histosurv.features.states import PREPROCESSING
from histosurv.features.store import read_features, read_recipe
from histosurv.features.weights import prepare_weights, read_header
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.tile_table import tabulate

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "vgg16.safetensors"
    prepare_weights("vgg16", "random", path, seed=7)
    return path


@pytest.fixture(scope="module")
def encoder(weights):
    torch.set_num_threads(2)
    return Encoder(weights, CPU, precision="fp32")


@pytest.fixture(scope="module")
def tiles():
    return torch.from_numpy(
        np.random.default_rng(0).integers(0, 256, (5, 224, 224, 3), dtype=np.uint8)
    )


def test_features_are_torchvisions_vgg16_after_the_second_rectified_layer(encoder, weights, tiles):
    model = torchvisions_vgg16(weights)
    light = tiles.permute(0, 3, 1, 2).float() / 255
    light = torchvision.transforms.functional.normalize(light, **PREPROCESSING["torchvision"])
    with torch.inference_mode():
        hidden = model.avgpool(model.features(light)).flatten(1)
        fc1 = torch.relu(model.classifier[0](hidden))
        expected = torch.relu(model.classifier[3](fc1))
    features = encoder.encode([tiles])
    assert features.shape == (5, 4096)
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)
    assert (features >= 0).all()
    assert features.std(dim=0).max() > 0


def test_two_passes_are_equal_so_dropout_is_off(encoder, tiles):
    assert torch.equal(encoder.encode([tiles]), encoder.encode([tiles]))


def test_swapped_colours_give_other_features(encoder, tiles):
    assert not torch.allclose(encoder.encode([tiles]), encoder.encode([tiles.flip(-1)]), rtol=1e-2)


def test_random_weights_follow_the_seed_and_say_so(weights, tmp_path):
    again, other = tmp_path / "again", tmp_path / "other"
    header = prepare_weights("vgg16", "random", again, seed=7)
    prepare_weights("vgg16", "random", other, seed=8)
    assert again.read_bytes() == weights.read_bytes()
    assert other.read_bytes() != weights.read_bytes()
    assert header["source"] == read_header(again)["source"] == "random, seed 7"


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_with_convolutions_only_is_completed(weights, tmp_path, suffix):
    state = {k: v + 1 for k, v in load_file(weights).items() if k.startswith("features.")}
    source = tmp_path / f"conv{suffix}"
    torch.save(state, source) if suffix == ".pth" else save_file(state, source)
    header = prepare_weights("vgg16", str(source), tmp_path / "out", seed=7)
    made = load_file(tmp_path / "out")
    assert torch.equal(made["features.0.weight"], state["features.0.weight"])
    assert torch.equal(made["classifier.3.weight"], load_file(weights)["classifier.3.weight"])
    assert header["fully_connected"] == "random, seed 7"
    assert source.name in header["source"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"other": torch.zeros(1)}, "'other' is no tensor of torchvision's VGG-16"),
        ({"features.0.bias": torch.zeros(3)}, r"features.0.bias has shape \(3,\), VGG-16 needs"),
        ({"features.0.bias": torch.zeros(64)}, r"features.0.weight is missing"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, state, message):
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=message):
        prepare_weights("vgg16", str(tmp_path / "w.safetensors"), tmp_path / "out", seed=1)
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_weights_are_refused(tmp_path):
    for name, content in (
        ("a.pth", b"no weights"),
        ("a.safetensors", b"no weights"),
        ("b.pth", b"junk"),
        ("c.pth", b""),
        ("d.pth", b"patient_id,time_months\n"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match="no state dictionary"):
            prepare_weights("vgg16", str(path), tmp_path / "out", seed=1)
        with pytest.raises(InputError, match="no weights file"):
            read_header(path)
    with pytest.raises(InputError, match="no weights file there"):
        prepare_weights("vgg16", str(tmp_path / "missing.pth"), tmp_path / "out", seed=1)


def draw_tissue(rng):
    """A picture that passes for tissue."""
    pixels = rng.normal((190, 120, 170), 25, (224, 300, 3)).clip(0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def extract_all(spots, encoder, store, settings=None):
    """Index and tile table of some spots."""
    settings = settings or SpotSettings()
    done = tabulate(spots, settings)
    index, _ = extraction.extract(done.spots, done.tiles, encoder, store, settings)
    return index, done.tiles


def test_a_batch_is_computed_once_and_a_replaced_image_alone_again(encoder, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    rows = []
    for name in ("a", "b"):
        path = tmp_path / f"{name}.png"
        draw_tissue(rng).save(path)
        rows.append({"spot_id": name, "patient_id": name, "image": str(path)})
    spots = pd.DataFrame(rows)
    calls = []
    encode = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda tiles: calls.append(1) or encode(tiles))

    def run():
        calls.clear()
        index, _ = extract_all(spots, encoder, tmp_path / "store")
        return index, len(calls)

    first, n_first = run()
    second, n_second = run()
    assert (n_first, n_second) == (2, 0)
    assert first.equals(second)
    draw_tissue(rng).save(tmp_path / "b.png")
    third, n_third = run()
    assert n_third == 1
    assert (third["sha256"] == first["sha256"]).tolist() == [True, False]


@pytest.mark.soak  # as tests/real does of a real one
def test_a_spot_of_3500_px_gives_256_vectors_of_4096_numbers(encoder, tmp_path):
    stain = Stain.of_block(np.random.default_rng(0))
    pixels = draw_spot(np.random.default_rng(1), 0.0, stain, spot_px=3500, mpp=0.22)
    path = tmp_path / "spot.jpg"
    Image.fromarray(pixels).save(path, quality=90)
    spots = pd.DataFrame({"spot_id": ["s"], "patient_id": ["p"], "image": [str(path)]})
    index, tiles = extract_all(spots, encoder, tmp_path / "store")
    assert len(tiles) == 256
    assert tiles["keep"].iloc[[0, 15, 240, 255]].sum() == 0  # the corners of a disc's square
    assert index.loc[0, ["n_tiles", "n_features"]].tolist() == [256, 4096]
    features = read_features(tmp_path / "store" / "s.h5")
    assert features.shape == (256, 4096)
    assert len(np.unique(features[tiles["keep"] == 1].round(6), axis=0)) == tiles["keep"].sum()


def test_glass_may_be_left_out_and_another_cut_is_another_recipe(encoder, tmp_path):
    rng = np.random.default_rng(3)
    page = np.full((448, 448, 3), 243, np.uint8)
    page[:224] = np.asarray(draw_tissue(rng))[:224, :224].repeat(2, axis=1)[:, :448]
    Image.fromarray(page).save(tmp_path / "a.png")
    spots = pd.DataFrame(
        {"spot_id": ["a"], "patient_id": ["p"], "image": [str(tmp_path / "a.png")], "mpp": [0.5]}
    )
    store = tmp_path / "store"
    shapes, recipes, first = {}, {}, {}
    for name, given in {
        "kept": {},
        "dropped": {"background": "drop"},
        "snake": {"order": "snake"},
        "coarse": {"mpp": 1.0},
        "macenko": {"stain": "macenko"},
    }.items():
        index, tiles = extract_all(spots, encoder, store, SpotSettings.of(given))
        features = read_features(store / "a.h5")
        shapes[name], first[name] = len(features), features
        recipes[name] = read_recipe(store / "a.h5")
        assert index.loc[0, "n_tiles"] == len(features)
        assert len(tiles) >= len(features)
    assert shapes == {"kept": 4, "dropped": 2, "snake": 4, "coarse": 1, "macenko": 4}
    assert len({str(recipe) for recipe in recipes.values()}) == 5
    assert np.allclose(first["kept"][[0, 1, 3, 2]], first["snake"], atol=1e-5)
    assert np.allclose(first["kept"][:2], first["dropped"], atol=1e-5)
    assert not np.allclose(first["kept"][0], first["macenko"][0], atol=1e-3)
