"""VGG-16 up to its penultimate layer, with weights whose origin is written in the file.

The ``weights`` step turns whatever the study names (torchvision's ImageNet weights, a file, seeded
random numbers) into one complete safetensors file with its origin in the header. Every later step
reads that file and its SHA-256; none needs a network or a guess.
"""

import hashlib
import json
import struct
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

import torch
import torchvision
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from histosurv.errors import InputError
from histosurv.publish import published

N_FEATURES = 4096

# Raise it when reading, tiling or encoding changes so that the same files would give other numbers.
RECIPE_VERSION = "1"

# RGB in 0..1; what torchvision's VGG-16 was trained with, and what the file format stands for.
PREPROCESSING = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def prepare_weights(source: str, path: Path, *, seed: int) -> dict:
    """Write the complete weights of VGG-16.

    Parameters
    ----------
    source : str
        ``imagenet`` (torchvision's, fetched once and checked against its hash), ``random``
        (torchvision's own initialisation, seeded) or the path of a ``.pth`` or ``.safetensors``
        state dictionary with torchvision's names. A file with the convolutions only is completed
        with seeded random fully connected layers.
    path : pathlib.Path
        Where to write the safetensors file.
    seed : int
        Seed of whatever is random.

    Returns
    -------
    dict
        The header: ``source``, ``fully_connected``, ``preprocessing``.

    Raises
    ------
    InputError
        No network, no such file, or weights of another network.
    """
    drawn = f"random, seed {seed}"
    header = {"source": drawn, "fully_connected": drawn}
    state, missing = {}, [""]
    if source != "random":
        state = _download() if source == "imagenet" else _read_state(Path(source))
        missing = _refuse_other_network(state, source)
        header["source"] = source
        if source != "imagenet":
            header["source"] = f"{Path(source).name}, SHA-256 {_sha256(Path(source))}"
        if not missing:
            header["fully_connected"] = "as the source"
    if missing:
        state = _draw(seed) | state
    header["preprocessing"] = PREPROCESSING
    with published(path) as temporary:
        # One entry: safetensors writes several in an order that changes from run to run.
        save_file(state, temporary, metadata={"header": json.dumps(header)})
    return header


def read_header(path: Path) -> dict:
    """Origin of a weights file, as `prepare_weights` wrote it."""
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads(file.metadata()["header"])
    except (OSError, SafetensorError, KeyError, TypeError):
        raise InputError(f"{path}: no weights file of `histosurv weights`; make it again") from None


# What the two readers raise on files that are not theirs.
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


class Encoder:
    """VGG-16 cut after the rectified second fully connected layer.

    Parameters
    ----------
    path : pathlib.Path
        Weights as written by `prepare_weights`.
    device : torch.device
        Where to compute.

    Attributes
    ----------
    recipe : dict of str
        What decides the numbers, apart from the pixels; kept in every feature file.

    Raises
    ------
    InputError
        The weights file is not one of `prepare_weights`.
    """

    # The same tiles always travel together, whatever the machine's size: convolutions of another
    # batch size differ in the last digits.
    BATCH_TILES = 32

    def __init__(self, path: Path, device: torch.device) -> None:
        header = read_header(path)
        self.recipe = {
            "version": RECIPE_VERSION,
            "encoder": "vgg16",
            "layer": "fc2 after ReLU",
            "precision": "fp32",
            "batch_tiles": str(self.BATCH_TILES),
            "weights": header["source"],
            "fully_connected": header["fully_connected"],
            "weights_sha256": _sha256(path),
            "device": device.type,
        }
        self.device = device
        with torch.device("meta"):
            model = torchvision.models.vgg16(weights=None)
        model.load_state_dict(load_file(path), assign=True)
        model.classifier = model.classifier[:5]  # fc1, ReLU, dropout, fc2, ReLU
        self.model = model.eval().to(device, memory_format=torch.channels_last)
        self.mean = torch.tensor(PREPROCESSING["mean"], device=device).view(3, 1, 1)
        self.std = torch.tensor(PREPROCESSING["std"], device=device).view(3, 1, 1)

    @torch.inference_mode()
    def encode(self, tiles: torch.Tensor) -> torch.Tensor:
        """Features of the tiles of one spot.

        Parameters
        ----------
        tiles : torch.Tensor
            (n_tiles, 224, 224, 3) uint8, RGB.

        Returns
        -------
        torch.Tensor
            (n_tiles, 4096) float32 on the CPU, all >= 0.
        """
        parts = []
        for batch in tiles.split(self.BATCH_TILES):
            light = batch.to(self.device).permute(0, 3, 1, 2).float().div_(255)
            light = light.sub_(self.mean).div_(self.std)
            parts.append(self.model(light.contiguous(memory_format=torch.channels_last)).cpu())
        return torch.cat(parts)


def _draw(seed: int) -> dict[str, torch.Tensor]:
    """Weights of torchvision's own initialisation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torchvision.models.vgg16(weights=None).state_dict()


def _download() -> dict[str, torch.Tensor]:
    url = torchvision.models.VGG16_Weights.IMAGENET1K_V1.url
    try:
        return torch.hub.load_state_dict_from_url(url, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        raise InputError(
            f"ImageNet weights of VGG-16 could not be fetched ({error}); fetch "
            f"{url.rsplit('/', 1)[-1]} where there is a network and name the file in the config "
            "(features: weights:)"
        ) from None


def _read_state(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise InputError(f"{path}: no weights file there; correct features: weights: in the config")
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: tensor.float() for name, tensor in state.items()}
    except _UNREADABLE:
        raise InputError(
            f"{path}: no state dictionary of tensors; save one with torch.save or as safetensors"
        ) from None


def _refuse_other_network(state: dict, source: str) -> list[str]:
    """Names that the source lacks: none, or those of the fully connected layers."""
    with torch.device("meta"):
        expected = torchvision.models.vgg16(weights=None).state_dict()
    for name, tensor in state.items():
        if name not in expected:
            raise InputError(f"{source}: {name!r} is no tensor of torchvision's VGG-16")
        if tensor.shape != expected[name].shape:
            raise InputError(
                f"{source}: {name} has shape {tuple(tensor.shape)}, VGG-16 needs "
                f"{tuple(expected[name].shape)}"
            )
    missing = [name for name in expected if name not in state]
    fully_connected = [name for name in expected if name.startswith("classifier.")]
    if missing and missing != fully_connected:
        raise InputError(
            f"{source}: {missing[0]} is missing; bring all of VGG-16, or its convolutions alone"
        )
    return missing


def _sha256(path: Path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
