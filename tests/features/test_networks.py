import pytest
import torch
import torchvision
from safetensors.torch import load_file
from tests.features.encoding import encoder_of, normalised, torchvisions_vgg16

from histosurv.errors import InputError
from histosurv.features.encoders import Encoder
from histosurv.features.networks import classifier, filled, read_grey_levels
from histosurv.features.weights import prepare_weights, read_header

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def vgg16(tmp_path_factory):
    """File with drawn weights."""
    path = tmp_path_factory.mktemp("vgg16") / "encoder.safetensors"
    prepare_weights("vgg16", "random", path, seed=1)
    return path


@pytest.mark.parametrize(
    ("name", "width"),
    [("resnet18", 512), ("mobilenet_v3_small", 1024), ("vit_b_32", 768), ("convnext_tiny", 768)],
)
def test_any_classifier_of_torchvision_is_cut_before_its_last_layer(tiles, tmp_path, name, width):
    encoder = encoder_of(f"torchvision/{name}", "random", tmp_path)
    features = encoder.encode([tiles])
    assert features.shape == (3, width)
    whole = torchvision.models.get_model(name, weights=None)
    whole.load_state_dict(load_file(tmp_path / "encoder.safetensors"))
    last = [module for module in whole.modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.inference_mode():
        calls = whole.eval()(normalised(tiles, read_header(tmp_path / "encoder.safetensors")))
        assert torch.allclose(last(features), calls, atol=1e-3)


def test_a_file_of_such_a_classifier_is_read(tiles, tmp_path):
    state = torchvision.models.resnet18(weights=None).state_dict()
    torch.save({"state_dict": {f"module.{key}": state[key] for key in state}}, tmp_path / "r.pth")
    encoder = encoder_of("torchvision/resnet18", tmp_path / "r.pth", tmp_path)
    assert encoder.encode([tiles]).shape == (3, 512)
    assert "r.pth, SHA-256" in encoder.recipe["weights"]
    with pytest.raises(InputError, match="weights of another network"):
        encoder_of("torchvision/resnet50", tmp_path / "r.pth", tmp_path)


def test_a_vision_transformer_says_which_tiles_it_takes(tmp_path):
    with pytest.raises(InputError, match="256 px; torchvision/vit_b_32 takes tiles of 224 px only"):
        encoder_of("torchvision/vit_b_32", "random", tmp_path, tile_px=256)
    encoder_of("torchvision/resnet18", "random", tmp_path, tile_px=256)
    with pytest.raises(InputError, match="tile_px: torchvision/alexnet does not take tiles of 32"):
        encoder_of("torchvision/alexnet", "random", tmp_path, tile_px=32)


@pytest.mark.parametrize(
    ("layer", "relu"), [("fc1", "before"), ("fc1", "after"), ("fc2", "before")]
)
def test_layers_of_vgg16(vgg16, tiles, layer, relu):
    encoder = Encoder(vgg16, CPU, precision="fp32", layer=layer, relu=relu)
    features = encoder.encode([tiles])
    assert features.shape == (3, 4096)
    assert (features.min() < 0) == (relu == "before")
    assert encoder.recipe["layer"] == f"{layer} {relu} ReLU"
    model = torchvisions_vgg16(vgg16)
    n = {("fc1", "before"): 1, ("fc1", "after"): 2, ("fc2", "before"): 4}[layer, relu]
    with torch.inference_mode():
        light = normalised(tiles, read_header(vgg16))
        expected = model.classifier[:n](model.features(light).flatten(1))
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg_16", "did you mean 'vgg16'"),
        ("torchvision/resnet81", "did you mean 'torchvision/resnet18'"),
        ("timm/resnet18x", "did you mean 'timm/resnet18'"),
        ("uni3", "did you mean 'uni'"),
        ("zzzzzz", r"'zzzzzz' is not known\. It is vgg16"),
    ],
)
def test_an_unknown_encoder_is_answered_by_the_nearest(tmp_path, name, message):
    pytest.importorskip("timm")
    with pytest.raises(InputError, match=message):
        prepare_weights(name, "random", tmp_path / "w", seed=1)


def test_without_a_network_the_mend_is_named(tmp_path, monkeypatch):
    pytest.importorskip("timm")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name, source in (("uni", "hub"), ("timm/resnet18.a1_in1k", "imagenet")):
        with pytest.raises(InputError, match="could not be fetched from the hub"):
            prepare_weights(name, source, tmp_path / "w")

    def no_network(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", no_network)
    for name in ("vgg16", "torchvision/resnet18"):
        with pytest.raises(InputError, match=r"could not be fetched \(no route to host\)"):
            prepare_weights(name, "imagenet", tmp_path / "w")


def test_reading_whole_grey_levels_is_the_same_network(vgg16, tiles):
    encoder = Encoder(vgg16, CPU, precision="fp32")
    expected = encoder.encode([tiles])
    mean, std = encoder._mean.flatten(), encoder._std.flatten()
    mean, std = read_grey_levels(encoder._network, mean, std)
    assert torch.equal(mean, mean.round())
    encoder._mean, encoder._std = mean.view(3, 1, 1), std.view(3, 1, 1)
    error = (encoder.encode([tiles]) - expected).norm() / expected.norm()
    assert error < 1e-3  # what is left comes from the zeros around a tile


def test_networks_trained_on_other_units_convert_the_pixels(tmp_path):
    model = torchvision.models.googlenet(weights=None, transform_input=True, init_weights=False)
    torch.save(model.state_dict(), tmp_path / "g.pth")
    prepare_weights("torchvision/googlenet", str(tmp_path / "g.pth"), tmp_path / "w")
    assert read_header(tmp_path / "w")["arguments"]["transform_input"] is True


@pytest.mark.parametrize("name", ["swin_tiny_patch4_window7_224", "resnet18"])
def test_a_network_is_filled_with_its_weights_and_with_what_they_do_not_hold(name):
    real = classifier("timm", name, {}).eval()  # swin's tables of places are not in its weights
    light = torch.rand(1, 3, 224, 224)
    with torch.inference_mode():
        again = filled("timm", name, {}, None, real.state_dict()).eval()
        assert torch.equal(again(light), real(light))


@pytest.mark.parametrize(
    ("encoder", "convention", "message"),
    [
        ("torchvision/resnet18", "caffe", "convention: is of a VGG-16 file"),
        ("vgg16", "caffe", "convention: is of a VGG-16 file, not of vgg16 with random"),
        ("torchvision/squeezenet1_1", "auto", "no fully connected layer"),
    ],
)
def test_what_does_not_suit_an_encoder_is_named_at_once(tmp_path, encoder, convention, message):
    with pytest.raises(InputError, match=message):
        prepare_weights(encoder, "random", tmp_path / "w", convention=convention)
