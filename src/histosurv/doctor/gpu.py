"""torch with its companion, and the GPU."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from histosurv.doctor.asking import Answer, ask
from histosurv.doctor.findings import Case, Finding, gb, note, ok, stop

PROBE_SECONDS = 180.0  # the first import of torch from a cold network drive takes a minute
LITTLE_GPU_MEMORY = 2e9  # VGG-16 and a few tiles

_PCI, _NVIDIA = Path("/sys/bus/pci/devices"), "0x10de"
_DRIVER = Path("/proc/driver/nvidia/version")
_INSTALL = "https://pytorch.org/get-started/locally"


def torch(case: Case) -> Iterator[Finding]:
    """Torch, torchvision and the GPU, as a process of their own tells them."""
    encoder = case.settings["features"]["encoder"] if case.settings else ""
    command = [sys.executable, "-P", "-m", "histosurv.doctor.probe", encoder]
    answer = ask(*command, seconds=PROBE_SECONDS)
    for line in answer.output.splitlines():
        with suppress(ValueError):  # what a library prints by itself
            case.probed |= json.loads(line)
    told = case.probed
    if answer.error:
        where = told.get("stage") or "the start"
        yield stop(f"torch: {where} ended in: {answer.error}", _of_a_crash(answer, where))
        return
    if "torch_error" in told:
        yield stop(f"torch cannot be imported ({told['torch_error']})", _pair(told))
        return
    yield from _companion(told)
    if case.executor and not told["gpus"]:
        yield ok("no GPU on this machine; of a node this tells: srun --gpus=1 histosurv doctor")
    else:
        yield from _gpu(told)


def _of_a_crash(answer: Answer, where: str) -> str:
    if "GPU" in where:
        return 'compute without it: export CUDA_VISIBLE_DEVICES=""; and ask who keeps its driver'
    if answer.is_late:
        return "is the disk slow that this Python lies on? Try again, or install on another disk"
    if "SIGILL" in answer.error:
        return f"this torch was built for a newer processor; take another build from {_INSTALL}"
    return "pip install --force-reinstall torch torchvision"


def _pair(told: dict) -> str:
    """Command that installs the torchvision which goes with torch, or both anew."""
    here = told.get("torch", "")
    with suppress(PackageNotFoundError):  # which names a build only if it came from elsewhere
        here = version("torch") or here
    minor = _minor(here)
    if minor is None:
        return "pip install --force-reinstall torch torchvision"
    build = here.partition("+")[2]
    place = f", both as the build {build}: see {_INSTALL}" if build else ""
    return (
        f"pip install --force-reinstall 'torch==2.{minor}.*' 'torchvision==0.{minor + 15}.*'{place}"
    )


def _minor(release: str) -> int | None:
    found = re.match(r"2\.(\d+)", release)
    return int(found[1]) if found else None


def _companion(told: dict) -> Iterator[Finding]:
    """Torch 2.N goes with torchvision 0.(N + 15); another one mostly fails as it is imported."""
    if "torchvision_error" in told:
        yield stop(
            f"torchvision cannot be imported beside torch {told['torch']} "
            f"({told['torchvision_error']})",
            _pair(told),
        )
        return
    pair = f"torch {told['torch']} with torchvision {told['torchvision']}"
    minor = _minor(told["torch"])
    if minor is not None and not told["torchvision"].startswith(f"0.{minor + 15}."):
        yield note(f"{pair}: not released together, though they load", _pair(told))
    else:
        yield ok(f"{pair}: they load, and belong together")


def _gpu(told: dict) -> Iterator[Finding]:
    for number, gpu in enumerate(told["gpus"]):
        about = f"GPU {number}: {gpu['name']}, {gb(gpu['memory'])}, {gpu['capability']}"
        kind = f"CUDA {told['cuda']}" if told["cuda"] else f"ROCm {told['rocm']}"
        if told["cuda"] and not supports(told["architectures"], gpu["capability"]):
            yield stop(
                f"{about}: torch's build for {kind} is for {' '.join(told['architectures'])} only",
                f"take a build for this card from {_INSTALL}, or compute without it: "
                'export CUDA_VISIBLE_DEVICES=""',
            )
        elif number == 0 and "gpu_error" in told:
            yield stop(
                f"{about}: {kind} is there, but a small computation failed ({told['gpu_error']})",
                'compute without it: export CUDA_VISIBLE_DEVICES=""; nvidia-smi shows who uses it',
            )
        elif number == 0 and told["free"] < LITTLE_GPU_MEMORY:
            yield note(
                f"{about}: {gb(told['free'])} of it are free",
                "see with nvidia-smi who uses it, and wait; or take another: "
                "export CUDA_VISIBLE_DEVICES=1",
            )
        else:
            used = "steps compute on it" if number == 0 else "idle: steps take the first"
            yield ok(f"{about}, {kind}: {used}")
    if not told["gpus"]:
        yield _without_gpu(told)


def supports(architectures: list[str], capability: str) -> bool:
    """Whether a build has code for a card: of its own generation, or one that can be translated.

    Parameters
    ----------
    architectures : list of str
        Such as ``sm_90`` and ``compute_120``.
    capability : str
        Such as ``8.6``.
    """
    card = tuple(map(int, capability.split(".")))
    for architecture in architectures:
        found = re.fullmatch(r"(sm|compute)_(\d+)(\d)[a-z]?", architecture)
        if found:
            built = int(found[2]), int(found[3])
            if built <= card and (built[0] == card[0] or found[1] == "compute"):
                return True
    return not architectures


def _without_gpu(told: dict) -> Finding:
    """No GPU is nothing bad, unless there is one."""
    build = f"built for CUDA {told['cuda']}" if told["cuda"] else "built for processors only"
    if told["rocm"]:
        build = f"built for ROCm {told['rocm']}"
    card, driver = _nvidia()
    if not card:
        return ok(f"no GPU on this machine (torch is {build}): steps compute on the processor")
    here = f"{card} is here{f' with driver {driver}' if driver else ''}"
    if not told["cuda"]:
        return note(
            f"{here}, but torch is {build}; steps compute on the processor",
            f"take torch and torchvision for CUDA from {_INSTALL}",
        )
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None and not re.match(r"\d|GPU-|MIG-", hidden):
        return note(
            f"{here}, hidden by CUDA_VISIBLE_DEVICES={hidden!r}; steps compute on the processor",
            "to use it: unset CUDA_VISIBLE_DEVICES",
        )
    why = told.get("no_gpu") or "torch does not say why"
    if not driver:
        mend = "have NVIDIA's driver installed; in a container: apptainer --nv, docker --gpus all"
    elif "too old" in why:
        mend = f"have the driver renewed, or take a build for an older CUDA from {_INSTALL}"
    elif hidden:
        mend = f"is CUDA_VISIBLE_DEVICES={hidden} right? If not: unset CUDA_VISIBLE_DEVICES"
    else:
        mend = "see what nvidia-smi says; in a container: apptainer --nv, docker --gpus all"
    return note(f"{here}, but torch ({build}) cannot use it: {why}", mend)


def _nvidia() -> tuple[str, str]:
    """Name of an NVIDIA card and version of its driver, empty where there is none."""
    driver = ""
    with suppress(OSError):
        found = re.search(r"Module.*?\s(\d+\.[\d.]+)", _DRIVER.read_text("utf-8", "replace"))
        driver = found[1] if found else "unknown"
    if shutil.which("nvidia-smi"):
        answer = ask("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
        name, _, driver_told = answer.output.partition("\n")[0].rpartition(", ")
        if name and not answer.error:
            return name, driver_told
    has_card = False
    for device in _PCI.glob("*"):
        with suppress(OSError):
            kind = [(device / name).read_text("utf-8").strip() for name in ("vendor", "class")]
            has_card |= kind[0] == _NVIDIA and kind[1].startswith("0x03")
    return "an NVIDIA card" if has_card or driver else "", driver
