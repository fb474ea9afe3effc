"""Weights as others keep them: PyTorch, safetensors and Keras files, in one form.

Whatever comes in, a state dictionary of float32 tensors comes out, of Keras's files with
torchvision's names. `read_red_first` turns a first layer that reads blue, green, red.
"""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError

import h5py
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from histosurv.errors import InputError
from histosurv.files import file_sha256

State = dict[str, torch.Tensor]

# RGB in 0..1. `caffe` weights were trained on blue, green, red in 0..255 with these means taken
# away (Simonyan and Zisserman's own release, and Keras after it).
PREPROCESSING = {
    "torchvision": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    "caffe": {
        "mean": [123.68 / 255, 116.779 / 255, 103.939 / 255],
        "std": [1 / 255, 1 / 255, 1 / 255],
    },
}

_CONVOLUTIONS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)  # of torchvision's `features`
_PER_BLOCK = (2, 2, 3, 3, 3)

# What the readers raise on files that are not theirs.
_UNREADABLE = (
    SafetensorError,
    UnpicklingError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


def read_state(path: Path) -> State:
    """Tensors of a ``.pth``, ``.pt``, ``.bin``, ``.safetensors`` file, or of Keras's ``.h5``.

    Raises
    ------
    InputError
        There is no such file, or it is no state dictionary.
    """
    existing(str(path))
    try:
        if is_keras(path):
            return _read_keras(path)
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
            for wrapper in ("state_dict", "model"):
                state = state.get(wrapper, state)
        return {
            name.removeprefix("module."): tensor.float().contiguous()
            for name, tensor in state.items()
        }
    except _UNREADABLE:
        raise InputError(
            f"{path}: no state dictionary of tensors; save one with torch.save or as safetensors"
        ) from None


def existing(source: str, *, folder: bool = False) -> Path:
    """The file, or folder where one will do, that the config names.

    Raises
    ------
    InputError
        It is not there.
    """
    path = Path(source)
    if path.is_file() or (folder and path.is_dir()):
        return path
    raise InputError(f"{path}: no weights file there; correct features: weights: in the config")


def described(file: Path) -> str:
    """Name and SHA-256 of a weights file, for the recipe."""
    return f"{file.name}, SHA-256 {file_sha256(file)}"


def drawn(build: Callable[[], torch.nn.Module], seed: int) -> State:
    """Weights of a library's own initialisation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().state_dict()


def refuse_misfit(model: torch.nn.Module, state: State, source: str) -> None:
    """Stop where a state is not that of a model.

    Raises
    ------
    InputError
        Names or shapes differ.
    """
    try:
        model.load_state_dict(state, assign=True)  # no copy
    except RuntimeError as error:
        what = " ".join(str(error).split()).split(": ", 1)[-1]
        raise InputError(f"{source}: weights of another network ({what[:200]})") from None


def renumbered(state: State) -> State:
    """A state whose fully connected layers count from 1, as conversions from Caffe have it."""
    if not any(name.startswith("classifier.1.") for name in state):
        return state
    new = {"1": "0", "4": "3", "7": "6"}
    return {
        re.sub(r"^classifier\.([147])\.", lambda m: f"classifier.{new[m[1]]}.", name): tensor
        for name, tensor in state.items()
    }


def is_keras(path: Path) -> bool:
    """Whether a file is HDF5, as Keras keeps weights."""
    return h5py.is_hdf5(path)


def read_red_first(state: State) -> State:
    """Weights of VGG-16 whose first layer read blue, green, red, turned to red, green, blue."""
    first = state["features.0.weight"]
    return state | {"features.0.weight": first.flip(1).contiguous()}


def _read_keras(path: Path) -> State:
    """VGG-16 of Keras: kernels (height, width, in, out), dense layers (in, out)."""
    blocks = [
        f"block{block}_conv{place}"
        for block, n in enumerate(_PER_BLOCK, start=1)
        for place in range(1, n + 1)
    ]
    names = dict(zip(blocks, (f"features.{number}" for number in _CONVOLUTIONS), strict=True))
    names |= {"fc1": "classifier.0", "fc2": "classifier.3", "predictions": "classifier.6"}
    # Since Keras 3 layers are counted: conv2d, conv2d_1, ..., dense, dense_1, dense_2.
    counted = [f"conv2d_{number}" for number in range(13)] + [f"dense_{i}" for i in range(3)]
    names |= {
        name.removesuffix("_0"): layer for name, layer in zip(counted, names.values(), strict=True)
    }
    arrays: dict[str, np.ndarray] = {}

    def collect(path: str, item: object) -> None:
        strange = re.search(r"block\d_conv\d", path)
        if strange and strange[0] not in names:
            raise InputError(f"{file.filename}: {strange[0]} is no layer of VGG-16")
        layer = next((names[part] for part in path.split("/") if part in names), None)
        if layer and isinstance(item, h5py.Dataset):
            arrays[f"{layer}.{'bias' if item.ndim == 1 else 'weight'}"] = item[()]

    with h5py.File(path) as file:
        file.get("model_weights", file).visititems(collect)
    if not arrays:
        raise KeyError
    state = {}
    for name, array in arrays.items():
        tensor = torch.from_numpy(array).float()
        if tensor.ndim == 4:
            tensor = tensor.permute(3, 2, 0, 1)
        elif name == "classifier.0.weight":  # flattened as height, width, channel
            tensor = tensor.reshape(7, 7, 512, -1).permute(3, 2, 0, 1).flatten(1)
        elif tensor.ndim == 2:
            tensor = tensor.T
        state[name] = tensor.contiguous()
    return state
