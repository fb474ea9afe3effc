"""Weights of timm models, by name, from the Hugging Face hub, or from a folder of it."""

import json
from importlib.util import find_spec
from pathlib import Path

from histosurv.errors import InputError
from histosurv.features.networks import SHORTCUTS, Shortcut, classifier
from histosurv.features.states import (
    State,
    described,
    drawn,
    existing,
    read_state,
    refuse_misfit,
)


def timm_weights(encoder: str, source: str, seed: int) -> tuple[State, dict]:
    """Weights and header of a timm model, as `histosurv.features.weights.prepare_weights`.

    Raises
    ------
    InputError
        timm is not installed, the model cannot be fetched or is not in the folder, or the weights
        are another network's.
    """
    if find_spec("timm") is None:
        raise InputError(
            f"features: encoder: {encoder} needs the library timm: pip install 'histosurv[timm]'"
        )
    by_name = encoder.startswith("timm/")
    known = SHORTCUTS.get(encoder) or Shortcut(encoder.partition("/")[2])
    place = _place(encoder, source, f"timm/{_tagged(known.hub)}" if by_name else known.hub)
    stated = _stated(place)
    if not by_name and "architecture" not in stated:
        raise InputError(
            f"{place}: config.json is missing, which names the architecture; bring the whole "
            "folder of the hub"
        )
    name = known.hub if by_name else stated["architecture"]
    try:
        arguments = (stated.get("model_args") or {}) | known.arguments
        trained = dict(stated.get("pretrained_cfg") or {})
        model = classifier("timm", str(name), arguments, trained, empty=True)
        how = model.pretrained_cfg | trained
        mean, std = ([float(value) for value in how[key]] for key in ("mean", "std"))
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f"mean {mean}, std {std}")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{place}: config.json does not suit timm ({error}); mend it") from None
    if place is None:
        state = drawn(lambda: classifier("timm", name, arguments, trained), seed)
        text = f"random, seed {seed}"
    else:
        file = _weights_in(place)
        own = model.state_dict()
        state = {key: tensor for key, tensor in read_state(file).items() if key in own}
        text = described(file)
    refuse_misfit(model, state, source)
    return state, {
        "source": text,
        "architecture": name,
        "arguments": arguments,
        "pretrained_cfg": trained,
        "pooling": known.pooling,
        "preprocessing": {"name": "timm", "mean": mean, "std": std},
    }


def _place(encoder: str, source: str, repository: str) -> Path | None:
    """File or folder of the weights; none where they are drawn."""
    published, *others = ("imagenet", "random") if encoder.startswith("timm/") else ("hub",)
    if source == published:
        return _hub_folder(repository)
    if source in others:
        return None
    if source in ("imagenet", "hub", "random"):
        raise InputError(
            f"features: weights: {encoder} has no {source!r} weights; set {published!r} (fetched "
            "once; some need the authors' leave), or the folder that they were brought to"
        )
    return existing(source, folder=True)


def _stated(place: Path | None) -> dict:
    """What the hub's ``config.json`` says of a model; nothing where there is none."""
    file = place / "config.json" if place is not None and place.is_dir() else None
    if file is None or not file.is_file():
        return {}
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except (TypeError, ValueError):
        raise InputError(f"{file}: cannot be read as JSON; bring it again") from None


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
