"""The weights of a study: one complete safetensors file with its origin in the header.

The ``weights`` step turns whatever the study names (published weights, a file, a folder, seeded
random numbers) into that file, and binds to it how pixels must be prepared. Every later step reads
it by its SHA-256; none needs a network or a guess.
"""

import json
from pathlib import Path
from urllib.error import URLError

import torch
import torchvision
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from histosurv.errors import InputError
from histosurv.features.hub import timm_weights
from histosurv.features.networks import (
    SHORTCUTS,
    classifier,
    torchvision_names,
    unknown,
    without_head,
)
from histosurv.features.states import (
    PREPROCESSING,
    State,
    described,
    drawn,
    existing,
    is_keras,
    read_red_first,
    read_state,
    refuse_misfit,
    renumbered,
)
from histosurv.progress import say
from histosurv.publish import published


def prepare_weights(
    encoder: str, source: str, path: Path, *, convention: str = "auto", seed: int = 2018
) -> dict:
    """Write the complete weights of an encoder.

    Parameters
    ----------
    encoder : str
        As in `histosurv.features.networks`.
    source : str
        ``imagenet`` (the library's own, fetched once and checked), ``hub`` (the same for
        encoders of the hub), ``random`` (the library's initialisation, seeded), or the path of a
        file or folder. A VGG-16 file with the convolutions only is completed with seeded random
        fully connected layers.
    path : pathlib.Path
        Where to write the safetensors file.
    convention : {'auto', 'torchvision', 'caffe'}
        What a VGG-16 file was trained on: red, green, blue in units of their spread, or blue,
        green, red with the mean taken away. ``auto`` takes Keras's files for the second and all
        others for the first.
    seed : int
        Seed of whatever is random.

    Returns
    -------
    dict
        The header: ``encoder``, ``arguments``, ``pooling``, ``tile_px``, ``source``,
        ``fully_connected``, ``preprocessing`` (``mean`` and ``std`` of red, green, blue in 0..1).

    Raises
    ------
    InputError
        No network, no such file or encoder, or weights of another network.
    """
    _refuse_idle_convention(encoder, source, convention)
    if encoder == "vgg16":
        state, header = _vgg16(source, convention, seed)
    elif encoder.startswith("torchvision/"):
        state, header = _torchvision(encoder, source, seed)
    elif encoder.startswith(("timm/", "hub/")) or encoder in SHORTCUTS:
        state, header = timm_weights(encoder, source, seed)
    else:
        raise unknown(encoder, ["vgg16", *SHORTCUTS, *torchvision_names()])
    header = {"encoder": encoder, "arguments": {}, "pooling": "", "tile_px": 0} | header
    state = _apart(state)
    with published(path) as temporary:
        try:
            # One entry: safetensors writes several in an order that changes from run to run.
            save_file(state, temporary, metadata={"header": json.dumps(header)})
        except SafetensorError as error:
            raise InputError(
                f"{path}: cannot be written ({error}); make room and run again"
            ) from None
    return header


def _apart(state: State) -> State:
    """Tensors that share no memory with one another, as safetensors wants them."""
    seen: set[int] = set()
    apart = {}
    for name, tensor in state.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if place in seen else tensor.contiguous()
        seen.add(place)
    return apart


def read_header(path: Path) -> dict:
    """Origin of a weights file, as `prepare_weights` wrote it.

    Raises
    ------
    InputError
        The file is not one of `prepare_weights`.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads(file.metadata()["header"])
    except (OSError, SafetensorError, KeyError, TypeError):
        raise InputError(f"{path}: no weights file of `histosurv weights`; make it again") from None


def _vgg16(source: str, convention: str, seed: int) -> tuple[State, dict]:
    at_random = f"random, seed {seed}"
    header = {"source": at_random, "fully_connected": at_random}
    if source == "random":
        return drawn(lambda: torchvision.models.vgg16(weights=None), seed), header | {
            "preprocessing": _preprocessing("torchvision")
        }
    if source == "imagenet":
        state = _fetched(torchvision.models.VGG16_Weights.IMAGENET1K_V1)
        header["source"], convention = "imagenet, torchvision IMAGENET1K_V1", "torchvision"
    else:
        file = existing(source)
        state = renumbered(read_state(file))
        header["source"] = described(file)
        if convention == "auto":
            convention = "caffe" if is_keras(file) else "torchvision"
            say(f"{file}: taken as {convention}'s convention; features: convention: overrides")
    missing = _refuse_other_network(state, source)
    if convention == "caffe":
        state = read_red_first(state)
    if missing:
        state = drawn(lambda: torchvision.models.vgg16(weights=None), seed) | state
    else:
        header["fully_connected"] = "as the source"
    return state, header | {"preprocessing": _preprocessing(convention)}


def _torchvision(encoder: str, source: str, seed: int) -> tuple[State, dict]:
    name = encoder.removeprefix("torchvision/")
    classifier("torchvision", name, {})  # an unknown name is told with the nearest
    published = torchvision.models.get_model_weights(name).DEFAULT
    like = published.transforms()
    arguments = {}
    if name in ("googlenet", "inception_v3"):  # trained on other units; they convert by themselves
        arguments = {"transform_input": True, "init_weights": True}
    if name.startswith("vit_") and source == "imagenet":
        arguments = {"image_size": like.crop_size[0]}
    model = classifier("torchvision", name, arguments, empty=True)
    if source == "imagenet":
        state, text = _fetched(published), f"imagenet, torchvision {published.name}"
    elif source == "random":
        state = drawn(lambda: classifier("torchvision", name, arguments), seed)
        text = f"random, seed {seed}"
    else:
        file = existing(source)
        state, text = read_state(file), described(file)
    refuse_misfit(model, state, source)
    tile_px = getattr(model, "image_size", 0)  # of a vision transformer
    without_head(model, "torchvision", name)  # refuses what has none
    return state, {
        "source": text,
        "arguments": arguments,
        "preprocessing": {"name": "torchvision", "mean": like.mean, "std": like.std},
        "tile_px": tile_px,
    }


def _refuse_idle_convention(encoder: str, source: str, convention: str) -> None:
    """What is understood of VGG-16's files only, and would be passed over in silence elsewhere."""
    path = Path(source)
    if convention != "auto" and (encoder != "vgg16" or not path.is_file()):
        raise InputError(
            f"features: convention: is of a VGG-16 file, not of {encoder} with {source}; set auto"
        )
    if encoder != "vgg16" and path.is_file() and is_keras(path):
        raise InputError(f"{path}: Keras's files are read for the encoder vgg16 only")


def _preprocessing(convention: str) -> dict:
    return {"name": convention, **PREPROCESSING[convention]}


def _fetched(weights: torchvision.models.WeightsEnum) -> State:
    name = weights.url.rsplit("/", 1)[-1]
    try:
        return torch.hub.load_state_dict_from_url(weights.url, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        raise InputError(
            f"the weights {name} could not be fetched ({error}); fetch them where there is a "
            "network and name the file in the config (features: weights:)"
        ) from None


def _refuse_other_network(state: State, source: str) -> list[str]:
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
