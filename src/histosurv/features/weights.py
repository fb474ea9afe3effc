"""The weights of a study: one complete safetensors file with its origin in the header.

The ``weights`` step turns whatever the study names (published weights, a file, a folder, seeded
random numbers) into that file, and binds to it how pixels must be prepared. Every later step reads
it by its SHA-256; none needs a network or a guess.
"""

import hashlib
import json
from pathlib import Path
from urllib.error import URLError

import torch
import torchvision
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from histosurv.errors import InputError
from histosurv.features.networks import (
    SHORTCUTS,
    Shortcut,
    classifier,
    torchvision_names,
    unknown,
)
from histosurv.features.states import (
    PREPROCESSING,
    State,
    is_keras,
    read_red_first,
    read_state,
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
        The header, all text: ``encoder``, ``arguments``, ``pooling``, ``tile_px``, ``source``,
        ``fully_connected``, ``preprocessing`` (``mean`` and ``std`` of red, green, blue in 0..1).

    Raises
    ------
    InputError
        No network, no such file or encoder, or weights of another network.
    """
    if encoder == "vgg16":
        state, header = _vgg16(source, convention, seed)
    elif encoder.startswith("torchvision/"):
        state, header = _torchvision(encoder, source, seed)
    elif encoder.startswith(("timm/", "hub/")) or encoder in SHORTCUTS:
        state, header = _timm(encoder, source, seed)
    else:
        raise unknown(encoder, ["vgg16", *SHORTCUTS, *torchvision_names()])
    header = {"encoder": encoder, "arguments": {}, "pooling": "", "tile_px": 0} | header
    with published(path) as temporary:
        # One entry: safetensors writes several in an order that changes from run to run.
        save_file(state, temporary, metadata={"header": json.dumps(header)})
    return header


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


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _vgg16(source: str, convention: str, seed: int) -> tuple[State, dict]:
    drawn = f"random, seed {seed}"
    header = {"source": drawn, "fully_connected": drawn}
    if source == "random":
        return _drawn(lambda: torchvision.models.vgg16(weights=None), seed), header | {
            "preprocessing": _preprocessing("torchvision")
        }
    if source == "imagenet":
        state = _fetched(torchvision.models.VGG16_Weights.IMAGENET1K_V1)
        header["source"], convention = "imagenet, torchvision IMAGENET1K_V1", "torchvision"
    else:
        file = _existing(source)
        state = _renumbered(read_state(file))
        header["source"] = f"{file.name}, SHA-256 {file_sha256(file)}"
        if convention == "auto":
            convention = "caffe" if is_keras(file) else "torchvision"
            say(f"{file}: taken as {convention}'s convention; features: convention: overrides")
    missing = _refuse_other_network(state, source)
    if convention == "caffe":
        state = read_red_first(state)
    if missing:
        state = _drawn(lambda: torchvision.models.vgg16(weights=None), seed) | state
    else:
        header["fully_connected"] = "as the source"
    return state, header | {"preprocessing": _preprocessing(convention)}


def _torchvision(encoder: str, source: str, seed: int) -> tuple[State, dict]:
    name = encoder.removeprefix("torchvision/")
    model = classifier("torchvision", name, {})
    published = torchvision.models.get_model_weights(name).DEFAULT
    like = published.transforms()
    preprocessing = {"name": "torchvision", "mean": like.mean, "std": like.std}
    if source == "imagenet":
        state, text = _fetched(published), f"imagenet, torchvision {published.name}"
    elif source == "random":
        state = _drawn(lambda: classifier("torchvision", name, {}), seed)
        text = f"random, seed {seed}"
    else:
        file = _existing(source)
        state, text = read_state(file), f"{file.name}, SHA-256 {file_sha256(file)}"
    _fit(model, state, source)
    fixed = getattr(model, "image_size", 0)  # of a vision transformer
    header = {"source": text, "preprocessing": preprocessing, "tile_px": fixed}
    return state, header


def _timm(encoder: str, source: str, seed: int) -> tuple[State, dict]:
    try:
        import timm  # noqa: F401
    except ImportError:
        raise InputError(
            f"features: encoder: {encoder} needs the library timm: pip install 'histosurv[timm]'"
        ) from None
    known = SHORTCUTS.get(encoder) or Shortcut(encoder.removeprefix("hub/"))
    name, arguments, pretrained = encoder.removeprefix("timm/"), dict(known.arguments), {}
    folder = None
    if source == "imagenet" and encoder.startswith("timm/"):
        folder = _hub_folder(f"timm/{_tagged(name)}")
    elif source == "hub" and not encoder.startswith("timm/"):
        folder = _hub_folder(known.hub)
    elif source in ("imagenet", "hub") or (source == "random" and not encoder.startswith("timm/")):
        right = "imagenet" if encoder.startswith("timm/") else "hub"
        raise InputError(
            f"features: weights: {encoder} has no {source!r} weights; set {right!r} (fetched once; "
            "some need the authors' leave), or the folder that they were brought to"
        )
    elif source != "random":
        folder = _existing(source, folder=True)
    if folder is not None and folder.is_dir() and (folder / "config.json").is_file():
        stated = json.loads((folder / "config.json").read_text("utf-8"))
        arguments = stated.get("model_args", {}) | arguments
        pretrained = stated.get("pretrained_cfg", {})
        if not encoder.startswith("timm/"):
            name = stated["architecture"]
    elif not encoder.startswith("timm/"):
        raise InputError(
            f"{folder or encoder}: config.json is missing, which names the architecture; bring the "
            "whole folder of the hub"
        )
    model = classifier("timm", name, arguments)
    if folder is None:
        state = _drawn(lambda: classifier("timm", name, arguments), seed)
        text = f"random, seed {seed}"
    else:
        file = _weights_in(folder)
        state, text = read_state(file), f"{file.name}, SHA-256 {file_sha256(file)}"
        state = {key: value for key, value in state.items() if key in model.state_dict()}
    _fit(model, state, source)
    stated = {**model.pretrained_cfg, **pretrained}
    fixed = hasattr(model, "patch_embed") and not arguments.get("dynamic_img_size")
    return state, {
        "source": text,
        "architecture": name,
        "arguments": arguments,
        "pooling": known.pooling,
        "tile_px": stated["input_size"][-1] if fixed else 0,
        "preprocessing": {
            "name": "timm",
            "mean": list(stated["mean"]),
            "std": list(stated["std"]),
        },
    }


def _preprocessing(convention: str) -> dict:
    return {"name": convention, **PREPROCESSING[convention]}


def _drawn(build, seed: int) -> State:
    """Weights of a library's own initialisation."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build().state_dict()


def _fetched(weights: torchvision.models.WeightsEnum) -> State:
    name = weights.url.rsplit("/", 1)[-1]
    try:
        return torch.hub.load_state_dict_from_url(weights.url, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        raise InputError(
            f"the weights {name} could not be fetched ({error}); fetch them where there is a "
            "network and name the file in the config (features: weights:)"
        ) from None


def _hub_folder(repository: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    patterns = ["config.json", "*.safetensors", "pytorch_model.bin"]
    try:
        return Path(snapshot_download(repository, allow_patterns=patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        what = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{repository} could not be fetched from the hub ({what}); ask its authors for leave "
            "and log in, or bring its folder and name it in the config (features: weights:)"
        ) from None


def _existing(source: str, *, folder: bool = False) -> Path:
    path = Path(source)
    if path.is_file() or (folder and path.is_dir()):
        return path
    raise InputError(f"{path}: no weights file there; correct features: weights: in the config")


def _weights_in(folder: Path) -> Path:
    """The one weights file of a folder."""
    if folder.is_file():
        return folder
    for name in ("model.safetensors", "pytorch_model.bin"):
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{folder}: holds neither model.safetensors nor pytorch_model.bin; bring one")


def _tagged(name: str) -> str:
    """Name of a timm model with the tag of its weights."""
    import timm

    if "." in name:
        return name
    tag = timm.get_pretrained_cfg(name)
    return f"{name}.{tag.tag}" if tag and tag.tag else name


def _renumbered(state: State) -> State:
    """A state whose fully connected layers count from 1, as conversions from Caffe have it."""
    old = {"classifier.1.": "classifier.0.", "classifier.4.": "classifier.3."}
    if not any(name.startswith("classifier.1.") for name in state):
        return state
    old["classifier.7."] = "classifier.6."
    return {old.get(name[:13], name[:13]) + name[13:]: value for name, value in state.items()}


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


def _fit(model: torch.nn.Module, state: State, source: str) -> None:
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        what = " ".join(str(error).split()).split(": ", 1)[-1]
        raise InputError(f"{source}: weights of another network ({what[:200]})") from None
