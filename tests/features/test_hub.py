import json
import shutil

import pytest
import torch
from safetensors.torch import save_file
from tests.features.encoding import encoder_of, normalised

from histosurv.errors import InputError
from histosurv.features.weights import prepare_weights, read_header


@pytest.fixture(scope="module")
def hub_folder(tmp_path_factory):
    """A folder as a timm model of the hub has it."""
    timm = pytest.importorskip("timm")
    folder = tmp_path_factory.mktemp("hub")
    model = timm.create_model("vit_tiny_patch16_224", num_classes=0, init_values=1e-5)
    save_file(model.state_dict(), folder / "model.safetensors")
    stated = {
        "architecture": "vit_tiny_patch16_224",
        "num_classes": 0,
        "model_args": {"init_values": 1e-5, "num_classes": 0},
        "pretrained_cfg": {"mean": [0.7, 0.6, 0.7], "std": [0.2, 0.2, 0.2]},
    }
    (folder / "config.json").write_text(json.dumps(stated))
    return folder, model.eval()


def test_a_folder_of_the_hub_is_an_encoder(hub_folder, tiles, tmp_path):
    folder, model = hub_folder
    encoder = encoder_of("hub/somebody/tiny", folder, tmp_path)
    header = read_header(tmp_path / "encoder.safetensors")
    assert header["preprocessing"]["mean"] == [0.7, 0.6, 0.7]
    with torch.inference_mode():
        expected = model(normalised(tiles, header))
    torch.testing.assert_close(encoder.encode([tiles]), expected, rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match=r"holds neither model.safetensors"):
        prepare_weights("timm/resnet18", str(tmp_path), tmp_path / "w")
    with pytest.raises(InputError, match=r"config.json is missing"):
        prepare_weights("virchow2", str(tmp_path), tmp_path / "w")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{", "cannot be read as JSON"),
        ("3", "cannot be read as JSON"),
        ("{}", "which names the architecture"),
        ('{"architecture": "no_such_vit"}', "is not known"),
        ('{"architecture": 3}', "is not known"),
        ('{"architecture": "vit_tiny_patch16_224", "model_args": [1]}', "does not suit timm"),
        (
            '{"architecture": "vit_tiny_patch16_224", "pretrained_cfg": {"std": [1, 1, 0]}}',
            "does not suit timm",
        ),
        (
            '{"architecture": "vit_tiny_patch16_224", "model_args": {"depth_": 3}}',
            "cannot be built with",
        ),
        ('{"architecture": "vit_small_patch16_224"}', "weights of another network"),
    ],
)
def test_a_damaged_folder_of_the_hub_is_named(hub_folder, tmp_path, config, message):
    shutil.copy(hub_folder[0] / "model.safetensors", tmp_path)
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(InputError, match=message):
        prepare_weights("hub/somebody/tiny", str(tmp_path), tmp_path / "w")


def test_a_model_that_gives_tokens_says_what_is_missing(hub_folder, tmp_path):
    shutil.copy(hub_folder[0] / "model.safetensors", tmp_path)
    stated = json.loads((hub_folder[0] / "config.json").read_text())
    stated["model_args"]["global_pool"] = ""
    (tmp_path / "config.json").write_text(json.dumps(stated))
    with pytest.raises(InputError, match=r"gives \(197, 192\) numbers a tile, not one vector"):
        encoder_of("hub/somebody/tiny", tmp_path, tmp_path)


def test_tiles_that_do_not_suit_a_model_are_named(hub_folder, tmp_path):
    with pytest.raises(InputError, match="tile_px: hub/somebody/tiny does not take tiles of 200"):
        encoder_of("hub/somebody/tiny", hub_folder[0], tmp_path, tile_px=200)


def test_the_size_of_the_input_may_stand_with_the_weights(tiles, tmp_path):
    timm = pytest.importorskip("timm")
    # Its own default is 518 px; the published weights are for 224, and only this says so.
    trained = {"input_size": [3, 224, 224], "fixed_input_size": True}
    trained |= {"mean": [0.7, 0.6, 0.7], "std": [0.2, 0.2, 0.2]}
    name = "vit_small_patch14_reg4_dinov2"
    model = timm.create_model(name, num_classes=0, pretrained_cfg_overlay=trained)
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    stated = {"architecture": name, "pretrained_cfg": trained}
    (tmp_path / "config.json").write_text(json.dumps(stated))
    encoder = encoder_of("hub/somebody/small", tmp_path, tmp_path)
    assert encoder.encode([tiles]).shape == (3, 384)


def test_class_token_beside_the_mean_of_the_patches(hub_folder, tiles, tmp_path, monkeypatch):
    from histosurv.features import weights
    from histosurv.features.networks import Shortcut

    folder, model = hub_folder
    monkeypatch.setitem(weights.SHORTCUTS, "twofold", Shortcut("a/b", {}, "token+mean"))
    features = encoder_of("twofold", folder, tmp_path).encode([tiles])
    assert features.shape == (3, 2 * 192)
    with torch.inference_mode():
        light = normalised(tiles, read_header(tmp_path / "encoder.safetensors"))
        tokens = model.forward_features(light)
    torch.testing.assert_close(features[:, :192], tokens[:, 0], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(features[:, 192:], tokens[:, 1:].mean(1), rtol=1e-3, atol=1e-4)


def test_timm_models_by_name(tiles, tmp_path):
    pytest.importorskip("timm")
    encoder = encoder_of("timm/resnet18", "random", tmp_path)
    assert encoder.encode([tiles]).shape == (3, 512)
    with pytest.raises(InputError, match="has no 'hub' weights; set 'imagenet'"):
        prepare_weights("timm/resnet18", "hub", tmp_path / "w")
    for source in ("imagenet", "random"):
        with pytest.raises(InputError, match=f"uni has no {source!r} weights; set 'hub'"):
            prepare_weights("uni", source, tmp_path / "w")
