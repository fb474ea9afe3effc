"""Slurm, if the run is to go there: does it answer, and does it have what the steps ask for."""

import getpass
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import yaml

from histosurv.doctor.asking import ask
from histosurv.doctor.findings import Case, Finding, gb, note, ok, stop
from histosurv.doctor.steps import Step, needs
from histosurv.files import read_yaml

SHORTEST_MEMORY_S = 240  # Snakemake asks every three minutes at least
DOWN = ("down", "drain", "fail", "error", "unknown", "maint", "inval", "future")


@dataclass
class Partition:
    """Nodes of one partition.

    Attributes
    ----------
    name : str
        Its name.
    is_default : bool
        Jobs that name none go there.
    minutes : float
        Longest time of a job.
    nodes, up : int
        All nodes, and those that take jobs.
    memory, cores : float, int
        The most that one node has.
    gpus : int
        GPUs of all nodes.
    """

    name: str
    is_default: bool
    minutes: float
    nodes: int = 0
    up: int = 0
    memory: float = 0.0
    cores: int = 0
    gpus: int = 0

    def __str__(self) -> str:
        gpus = f", {self.gpus} GPUs" if self.gpus else ""
        default = ", default" if self.is_default else ""
        return f"{self.name} ({self.up} of {self.nodes} nodes up{gpus}{default})"


def slurm(case: Case) -> Iterator[Finding]:
    """Everything about the cluster; without the profile it is no more than a remark."""
    if case.executor not in ("", "slurm"):
        yield from _plugin(case.executor, is_wanted=True)
        return
    is_wanted = case.executor == "slurm"
    missing = [name for name in ("sbatch", "sinfo", "scontrol") if not shutil.which(name)]
    if missing:
        if is_wanted:
            yield stop(
                f"Slurm: the profile asks for it, and {', '.join(missing)} cannot be found",
                "run on the cluster's login node (module load slurm?), or leave the profile away",
            )
        else:
            yield ok("Slurm is not here: steps run on this machine")
        return
    yield from _plugin("slurm", is_wanted=is_wanted)
    if "SLURM_JOB_ID" in os.environ:
        yield note(
            f"Slurm: this is inside job {os.environ['SLURM_JOB_ID']}, and a run started here ends "
            "with it",
            "start Snakemake on the login node, inside tmux or screen",
        )
    answer = ask("sinfo", "--noheader", "--exact", "--format=%P|%l|%D|%T|%m|%c|%G")
    tell = stop if is_wanted else note
    if answer.error or not answer.output.strip():
        yield tell(
            f"Slurm: sinfo has no good answer ({answer.error or 'no partitions'})",
            "wait or ask the cluster's support whether slurmctld is down (scontrol ping); without "
            "Slurm steps run on this machine: snakemake",
        )
        return
    partitions = partitions_of(answer.output)
    yield ok(f"Slurm: {'; '.join(map(str, partitions.values()))}")
    if is_wanted:
        yield from _fit(case, partitions)
    yield from _bookkeeping(case, is_wanted=is_wanted)


def _plugin(executor: str, *, is_wanted: bool) -> Iterator[Finding]:
    name = f"snakemake-executor-plugin-{executor}"
    try:
        about = version(name)
    except PackageNotFoundError:
        about = ""
    if about and importlib.util.find_spec(name.replace("-", "_")):
        yield ok(f"{name} {about}")
        return
    tell, package = (stop if is_wanted else note), name
    if executor == "slurm":
        package = "histosurv[slurm]"
    yield tell(f"{name} is not installed; Snakemake submits jobs by it", f"pip install '{package}'")


def partitions_of(text: str) -> dict[str, Partition]:
    """Partitions by name, from lines ``name|time|nodes|state|memory|cores|gres`` of sinfo."""
    found: dict[str, Partition] = {}
    for line in text.splitlines():
        cells = line.strip().split("|")
        if len(cells) != 7:
            continue
        name, time, nodes, state, memory, cores, gres = cells
        partition = found.setdefault(
            name.rstrip("*"), Partition(name.rstrip("*"), name.endswith("*"), minutes_of(time))
        )
        n = _number(nodes)
        partition.nodes += n
        if not state.lower().startswith(DOWN) and "*" not in state:  # a star: does not answer
            partition.up += n
        partition.memory = max(partition.memory, _number(memory) * 1e6)
        partition.cores = max(partition.cores, _number(cores))
        gpus = re.findall(r"gpu(?::[^,:(]+)?:(\d+)", gres)
        partition.gpus += n * sum(map(int, gpus))
    return found


def minutes_of(text: str) -> float:
    """Minutes of Slurm's ``days-hours:minutes:seconds``; no limit where it states none."""
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":") if part.isdecimal()]
    if not parts:
        return float("inf")
    if days:
        hours, minutes, *_ = [*parts, 0, 0]
        return int(days) * 1440 + hours * 60 + minutes
    if len(parts) == 1:
        return parts[0]
    hours, minutes = parts[-3:-1] if len(parts) == 3 else (0, parts[0])
    return hours * 60 + minutes


def _number(text: str) -> int:
    found = re.match(r"\d+", text.strip())
    return int(found[0]) if found else 0


def _fit(case: Case, partitions: dict[str, Partition]) -> Iterator[Finding]:
    """Hold what the steps ask for against the partitions that they are sent to."""
    folder = case.profile_folder
    default = next((each.name for each in partitions.values() if each.is_default), "")
    described = _described(case)
    sent: dict[str, list[Step]] = {}
    for step in needs(case):
        if not step.is_local:
            fits = [name for name, has_gpu in described.items() if has_gpu or not step.wants_gpu]
            fits.sort(key=lambda name: described[name])  # those without a GPU first
            for name in (step.partition or (fits or [default])[0]).split(","):
                sent.setdefault(name, []).append(step)
    for name, steps in sent.items():
        rules = ", ".join(step.rule for step in steps)
        if name not in partitions:
            yield stop(
                f"Slurm: {f'there is no partition {name!r}' if name else 'no default partition'} "
                f"for the steps {rules}",
                f"{folder}: slurm_partition: \"'{next(iter(partitions))}'\" "
                f"(there are: {', '.join(partitions)})",
            )
            continue
        yield from _misfits(partitions[name], steps, partitions, folder)


def _described(case: Case) -> dict[str, bool]:
    """Partitions among which Snakemake chooses for each step, and whether they are for GPUs.

    A site describes them in a file; Snakemake itself says what is wrong with it.
    """
    path = case.profile.get("slurm-partition-config") or os.getenv("SNAKEMAKE_SLURM_PARTITIONS")
    try:
        found = read_yaml(path)["partitions"] if path else {}
        return {name: bool(limits.get("max_gpu")) for name, limits in found.items()}
    except (OSError, KeyError, TypeError, ValueError, AttributeError, yaml.YAMLError):
        return {}


def _misfits(
    here: Partition, steps: list[Step], partitions: dict[str, Partition], folder: object
) -> Iterator[Finding]:
    if not here.up:
        yield note(
            f"Slurm: none of the {here.nodes} nodes of {here.name} takes jobs now; they would wait",
            f"ask why: sinfo --list-reasons --partition={here.name}",
        )
    greedy = [step.rule for step in steps if step.wants_gpu]
    if greedy and not here.gpus:
        others = [each.name for each in partitions.values() if each.gpus]
        yield stop(
            f"Slurm: {', '.join(greedy)} ask for a GPU, and partition {here.name} has none",
            f"{folder}, under set-resources: of each: slurm_partition: \"'{others[0]}'\"; or "
            "describe the partitions in a file (docs/cluster.md)"
            if others
            else f"{folder}: delete the block set-resources; the steps then run on processors",
        )
    for what, wanted, has, told in (
        ("minutes", "minutes", here.minutes, f"{here.minutes:g} minutes"),
        ("memory", "mem_mb", here.memory, gb(here.memory)),
        ("threads", "threads", here.cores, f"{here.cores} cores"),
    ):
        large = [step for step in steps if getattr(step, what) > has]
        if large:
            most = max(getattr(step, what) for step in large)
            most_told = gb(most) if what == "memory" else f"{most:g} {what}"
            yield note(
                f"Slurm: {', '.join(step.rule for step in large)} may ask for {most_told}, and "
                f"partition {here.name} allows {told}; such jobs are refused or wait for ever",
                _lower(folder, wanted, has),
            )


def _lower(folder: object, wanted: str, has: float) -> str:
    if wanted == "threads":
        return f"{folder}: set-threads: of each of these steps: {has:g}"
    if wanted == "minutes":
        return (
            f"{folder}: slurm_partition: one with more time, or under set-resources: of each: "
            f"runtime: {has:g} (with a smaller spots_per_job in config.yaml)"
        )
    return f"{folder}: slurm_partition: one with more memory, or a smaller spots_per_job"


def _bookkeeping(case: Case, *, is_wanted: bool) -> Iterator[Finding]:
    """How Snakemake learns that a job has ended, and who pays."""
    config = ask("scontrol", "show", "config").output
    stated = dict(re.findall(r"^(\w+)\s*= (.*?)\s*$", config, re.MULTILINE))
    kept_s = _seconds(stated.get("MinJobAge", ""))
    asks = case.profile.get("slurm-status-command") or "sacct"
    tell = stop if is_wanted else note
    sacct = ask("sacct", "--noheader", "--allocations", "--format=JobIdRaw")
    if not shutil.which("sacct") or not sacct.error:
        how = "sacct" if not sacct.error and asks == "sacct" else "squeue"
    else:
        how = asks
    if how == "sacct" and sacct.error:
        yield tell(
            f"Slurm: Snakemake asks sacct for the state of its jobs, which fails ({sacct.error})",
            f"{case.profile_folder or 'in the profile'}: slurm-status-command: squeue",
        )
    elif how == "sacct" and case.profile.get("slurm-array-jobs"):
        yield tell(
            "Slurm: the profile submits job arrays, whose tasks Snakemake cannot tell apart by "
            "sacct",
            f"{case.profile_folder}: slurm-status-command: squeue, or take slurm-array-jobs out",
        )
    elif how == "squeue" and kept_s < SHORTEST_MEMORY_S:
        yield tell(
            f"Slurm: forgets a job {kept_s} s after its end, too early for squeue to tell it",
            "have MinJobAge raised to 300 in slurm.conf"
            if sacct.error
            else f"{case.profile_folder or 'in the profile'}: take slurm-status-command and "
            "slurm-array-jobs out; sacct answers here",
        )
    else:
        yield ok(f"Slurm: {how} tells the state of jobs (they are kept for {kept_s} s)")
    if "associations" in stated.get("AccountingStorageEnforce", "").lower():
        yield from _account(case)


def _seconds(text: str) -> int:
    return _number(text) * (3600 if "h" in text else 60 if "min" in text else 1)


def _account(case: Case) -> Iterator[Finding]:
    """Jobs need an account here; Snakemake guesses one from the last job, if there was one."""
    if all(step.account for step in needs(case) if not step.is_local):
        return
    user = getpass.getuser()
    known = ask("sacctmgr", "-n", "-P", "show", "assoc", f"user={user}", "format=account").output
    names = sorted(set(known.split()))
    if len(names) != 1:
        yield note(
            "Slurm: jobs need an account, and the profile names none"
            + (f" of yours ({', '.join(names)})" if names else "; you have none"),
            f"{case.profile_folder or 'in the profile'}, under default-resources: slurm_account: "
            f"\"'{names[0] if names else 'my_project'}'\"",
        )
