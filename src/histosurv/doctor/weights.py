"""Whether the encoder's weights are at hand, looked for without asking any server."""

import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from histosurv.config import WEIGHTS
from histosurv.doctor.findings import Case, Finding, gb, note, ok, stop

READY = Path("results/weights/encoder.safetensors")

# What is downloaded by mistake in place of weights, by its first bytes.
_NO_WEIGHTS = {
    b"version https://git-lfs": "a pointer of Git LFS; git lfs pull",
    b"<": "a web page; fetch the file itself",
    b"Entry not found": "a server's error; fetch the file itself",
}


def weights(case: Case) -> Iterator[Finding]:
    """Where the weights step would take the weights from."""
    if case.settings is None:
        return
    features = case.settings["features"]
    encoder, source = features["encoder"], features["weights"]
    if features["import"]:
        yield ok("weights: none are needed, features are imported")
        return
    if "encoder_error" in case.probed:
        found, _, known = case.probed["encoder_error"].partition(" It is ")
        yield stop(
            f"weights: {found}",
            f"config.yaml: features: encoder: {known or 'name another, or look at its library'}",
        )
        return
    if not encoder.startswith(("vgg16", "torchvision/")) and find_spec("timm") is None:
        yield stop(
            f"weights: the encoder {encoder} needs the library timm, which is not installed",
            "pip install 'histosurv[timm]'",
        )
        return
    if _is_ready(encoder, source):
        yield ok(f"weights: {encoder} ({source}) ready in {READY}")
    elif source == "random":
        yield ok(f"weights: {encoder} with random numbers, nothing is fetched")
    elif source not in WEIGHTS:
        yield from _of_a_file(Path(source))
    elif encoder.startswith(("vgg16", "torchvision/")):
        yield _of_torchvision(encoder, case.probed)
    else:
        yield _of_the_hub(encoder, case.probed)


def _is_ready(encoder: str, source: str) -> bool:
    """Whether the weights step has made its file of these very weights."""
    from safetensors import safe_open

    try:
        with safe_open(READY, framework="numpy") as file:
            header = json.loads(file.metadata()["header"])
        told = header["source"].partition(",")[0]
        if source in ("hub", "imagenet") and told not in WEIGHTS:
            told = source  # timm's are told by the name of the file that was fetched
        named = source if source in WEIGHTS else Path(source).name
        return (header["encoder"], told) == (encoder, named)
    except Exception:  # noqa: BLE001 - a file that is no such file is as good as none
        return False


def _of_a_file(path: Path) -> Iterator[Finding]:
    named = ["model.safetensors", "pytorch_model.bin"]
    inside = [path / name for name in named if (path / name).is_file()]
    if path.is_dir() and not inside:
        yield stop(f"weights: {path} holds neither {' nor '.join(named)}", "bring one of them")
        return
    file = inside[0] if inside else path
    with file.open("rb") as opened:
        start = opened.read(64)
    for bytes_, what in _NO_WEIGHTS.items():
        if start.lstrip().startswith(bytes_):
            found, _, mend = what.partition("; ")
            yield stop(f"weights: {file} is no weights but {found}", mend)
            return
    yield ok(f"weights: {file}, {gb(file.stat().st_size)}")


def _of_torchvision(encoder: str, probed: dict) -> Finding:
    if "file" not in probed:
        return note(f"weights: those of {encoder} cannot be looked for without torch", "see above")
    cached = Path(probed["hub"]) / "checkpoints" / probed["file"]
    if cached.is_file():
        return ok(f"weights: {encoder} (imagenet) in torch's cache, {cached}")
    return note(
        f"weights: {encoder} (imagenet) will be fetched from the internet once, by the step "
        "weights on this machine",
        f"without a network: fetch {probed['url']} elsewhere and put it to {cached}",
    )


def _of_the_hub(encoder: str, probed: dict) -> Finding:
    name = probed.get("repository", "")
    cache = hub_cache()
    if name:
        folders = cache.glob(f"models--{name.replace('/', '--')}*/snapshots/*")
        found = [
            each
            for folder in folders
            for each in (folder / "model.safetensors", folder / "pytorch_model.bin")
            if each.is_file()
        ]
        if found:
            return ok(f"weights: {encoder} in the cache of the hub, {found[0]}")
    who = encoder if name in ("", encoder) else f"{encoder} ({name})"
    elsewhere = "or bring the hub's folder and name it in config.yaml: features: weights:"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return stop(
            f"weights: {who} is not in {cache}, and HF_HUB_OFFLINE forbids to fetch it",
            f"unset HF_HUB_OFFLINE, {elsewhere}",
        )
    found = f"weights: {who} will be fetched from the hub once, by the step weights"
    if has_token():
        return note(
            f"{found}, with the token for the hub that is here",
            f"see that its authors have given you leave; {elsewhere}",
        )
    if encoder.startswith("timm/"):
        return note(found, f"without a network: fetch it elsewhere to {cache}, {elsewhere}")
    return note(
        f"{found}, and there is no token for the hub here",
        f"ask its authors for leave, then: hf auth login; {elsewhere}",
    )


def hub_cache() -> Path:
    """Where the Hugging Face hub keeps what it fetched."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    return hub_home() / "hub"


def hub_home() -> Path:
    """Where it keeps everything."""
    if os.environ.get("HF_HOME"):
        return Path(os.environ["HF_HOME"]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "huggingface"


def has_token() -> bool:
    """Whether there is a token; it is not read."""
    if any(os.environ.get(name) for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")):
        return True
    place = Path(os.environ.get("HF_TOKEN_PATH") or hub_home() / "token")
    return place.is_file() and place.stat().st_size > 0
