"""The processor, and the memory there is, as far as this process may use them."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from histosurv.doctor.findings import Case, Finding, gb, note, ok
from histosurv.doctor.steps import needs

LITTLE_PER_CORE = 2e9  # all cores are given steps, and each step has its memory

_CGROUP = Path("/sys/fs/cgroup")
_FILES = (  # most, used, details: of cgroups of version 2 and 1
    ("memory.max", "memory.current", "memory.stat"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
)


def processor(case: Case) -> Iterator[Finding]:
    """Cores that may be used, and whether the largest step has its memory."""
    n_cores, (whole, free) = cores(), memory()
    precision = {True: "computes in bf16", False: "has no bf16"}.get(case.probed.get("bf16"))
    told = [case.probed.get("processor", "processor"), precision]
    about = (
        f"{', '.join(filter(None, told))}; {n_cores} of {os.cpu_count()} cores, {gb(free)} of "
        f"{gb(whole)} memory free"
    )
    here = [step for step in needs(case) if step.is_local or not case.executor]
    largest = max(here, key=lambda step: step.memory)
    if free < largest.memory:
        yield note(
            f"{about}: the step {largest.rule} may need {gb(largest.memory)} (the demo in all "
            "6 GB)",
            "close what else runs; should a step be killed, take fewer spots at a time "
            "(config.yaml: spots_per_job: 16)",
        )
    elif whole < n_cores * LITTLE_PER_CORE and not case.executor:
        yield note(
            f"{about}: little for steps on all cores at once",
            f"snakemake --resources mem_mb={int(whole * 0.8e-6)}",
        )
    else:
        yield ok(about)


def cores() -> int:
    """Cores that this process is bound to, or its cgroup leaves it."""
    bound = len(os.sched_getaffinity(0))
    for folder in _cgroups():
        with suppress(OSError, ValueError):  # `max` is no number
            quota, period = (folder / "cpu.max").read_text("utf-8").split()
            bound = min(bound, max(1, int(quota) // int(period)))
    return bound


def memory() -> tuple[float, float]:
    """Bytes of memory, all and free: the machine's, or less where a cgroup says so."""
    machine = dict(re.findall(r"^(\w+):\s+(\d+) kB", _text(Path("/proc/meminfo")), re.MULTILINE))
    whole, free = (float(machine.get(name, 0)) * 1024 for name in ("MemTotal", "MemAvailable"))
    for folder in (*_cgroups(), _CGROUP / "memory"):
        for names in _FILES:
            most, used, details = (_text(folder / name) for name in names)
            if most.isdecimal() and used.isdecimal():
                cache = re.search(r"^(?:total_)?inactive_file (\d+)", details, re.MULTILINE)
                in_use = int(used) - (int(cache[1]) if cache else 0)  # which is given back
                whole, free = min(whole, int(most)), min(free, max(0, int(most) - in_use))
    return whole, free


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text("utf-8", "replace").strip()
    return ""


def _cgroups() -> list[Path]:
    """Folders of this process's cgroup and of those that hold it."""
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        if line.startswith("0::/"):
            folder = _CGROUP / line[4:]
            return [each for each in (folder, *folder.parents) if each.is_relative_to(_CGROUP)]
    return [_CGROUP]
