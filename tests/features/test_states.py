import h5py
import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import load_file

from histosurv.errors import InputError
from histosurv.features.encoders import Encoder
from histosurv.features.weights import prepare_weights

BLOCKS = [f"block{b}_conv{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]
COUNTED = ["conv2d", *(f"conv2d_{i}" for i in range(1, 13))]


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(5)
    model = torchvision.models.vgg16(weights=None)
    for name, tensor in model.state_dict().items():
        if name.endswith("bias"):
            tensor.normal_(0, 0.1)
    return model.state_dict()


def write_keras(path, state, *, counted=False, dense=True):
    """The file that Keras's VGG16 gives: kernels (height, width, in, out), BGR in 0..255."""
    convolutions = [f"features.{i}" for i in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)]
    names = dict(zip(COUNTED if counted else BLOCKS, convolutions, strict=True))
    ours = ("classifier.0", "classifier.3", "classifier.6")
    if dense:
        theirs = ("dense", "dense_1", "dense_2") if counted else ("fc1", "fc2", "predictions")
        names |= dict(zip(theirs, ours, strict=True))
    with h5py.File(path, "w") as file:
        for name, layer in names.items():
            weight, bias = state[f"{layer}.weight"], state[f"{layer}.bias"]
            if layer == "features.0":
                spread = 255 * torch.tensor([0.229, 0.224, 0.225])
                weight = (weight / spread[:, None, None]).flip(1)
            if weight.ndim == 4:
                weight = weight.permute(2, 3, 1, 0)
            elif layer == "classifier.0":
                weight = weight.reshape(-1, 512, 7, 7).permute(2, 3, 1, 0).reshape(-1, len(weight))
            else:
                weight = weight.T
            keys = ("vars/0", "vars/1") if counted else (f"{name}_W_1:0", f"{name}_b_1:0")
            folder = f"layers/{name}" if counted else name
            file[f"{folder}/{keys[0]}"], file[f"{folder}/{keys[1]}"] = weight, bias


def encoded(weights):
    """Features of two tiles."""
    drawn = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    encoder = Encoder(weights, torch.device("cpu"), precision="fp32")
    return encoder.encode([torch.from_numpy(drawn)])


@pytest.fixture(scope="module")
def torchs(state, tmp_path_factory):
    """Features by the same weights in torchvision's file."""
    folder = tmp_path_factory.mktemp("torch")
    torch.save(state, folder / "torch.pth")
    header = prepare_weights("vgg16", str(folder / "torch.pth"), folder / "t")
    assert header["preprocessing"]["name"] == "torchvision"
    return encoded(folder / "t")


@pytest.mark.parametrize("counted", [False, True])
def test_a_keras_file_is_the_same_network(state, torchs, tmp_path, counted):
    write_keras(tmp_path / "keras.h5", state, counted=counted)
    header = prepare_weights("vgg16", str(tmp_path / "keras.h5"), tmp_path / "k")
    assert header["preprocessing"]["name"] == "caffe"
    keras = encoded(tmp_path / "k")
    # The two means differ by up to half a grey level.
    assert (keras - torchs).abs().max() < 0.02 * torchs.abs().max()
    assert not torch.equal(keras, torchs)


def test_keras_convolutions_alone_are_completed(state, tmp_path):
    write_keras(tmp_path / "notop.h5", state, dense=False)
    header = prepare_weights("vgg16", str(tmp_path / "notop.h5"), tmp_path / "k", seed=4)
    assert header["fully_connected"] == "random, seed 4"
    made = load_file(tmp_path / "k")
    assert torch.equal(made["features.28.weight"], state["features.28.weight"])


def test_fully_connected_layers_counted_from_one_are_known(state, tmp_path):
    old = {"classifier.0": "classifier.1", "classifier.3": "classifier.4"}
    renamed = {}
    for name, tensor in state.items():
        layer, _, kind = name.rpartition(".")
        if layer != "classifier.6":
            renamed[f"{old.get(layer, layer)}.{kind}"] = tensor
    torch.save(renamed, tmp_path / "old.pth")
    with pytest.raises(InputError, match=r"classifier\.6"):
        prepare_weights("vgg16", str(tmp_path / "old.pth"), tmp_path / "k")
    renamed |= {
        f"classifier.7.{kind}": state[f"classifier.6.{kind}"] for kind in ("weight", "bias")
    }
    torch.save(renamed, tmp_path / "old.pth")
    prepare_weights("vgg16", str(tmp_path / "old.pth"), tmp_path / "k")
    made = load_file(tmp_path / "k")
    assert all(torch.equal(made[name], state[name]) for name in state)


def test_other_hdf5_files_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"] = np.zeros((3, 4))
    with pytest.raises(InputError, match="no state dictionary"):
        prepare_weights("vgg16", str(tmp_path / "a.h5"), tmp_path / "k")


def test_keras_files_of_another_network_are_refused(state, tmp_path):
    write_keras(tmp_path / "vgg19.h5", state)
    with h5py.File(tmp_path / "vgg19.h5", "r+") as file:
        file["block3_conv4/block3_conv4_W_1:0"] = np.zeros((3, 3, 256, 256))
    with pytest.raises(InputError, match="block3_conv4 is no layer of VGG-16"):
        prepare_weights("vgg16", str(tmp_path / "vgg19.h5"), tmp_path / "k")
    with pytest.raises(InputError, match="read for the encoder vgg16 only"):
        prepare_weights("torchvision/vgg16", str(tmp_path / "vgg19.h5"), tmp_path / "k")
