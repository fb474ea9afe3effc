"""What the steps ask for: read from the rules themselves, changed as a profile changes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from histosurv.config import schema_path
from histosurv.doctor.findings import Case, Finding, in_words, ok, stop
from histosurv.files import read_yaml

PROFILE_NAMES = ("profile.v9+.yaml", "config.v9+.yaml", "profile.v8+.yaml", "config.v8+.yaml")
PROFILE_NAMES += ("profile.yaml", "config.yaml")

_HEAD = r"^ *(?:rule (\w+)|use rule (\w+) as (\w+) with):$"
_RULE = re.compile(_HEAD + r"(.*?)(?=^ *(?:use )?rule \w+|\Z)", re.MULTILINE | re.DOTALL)
_BYTES = {"": 1e6, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_MINUTES = {"": 1.0, "s": 1 / 60, "m": 1.0, "h": 60.0, "d": 1440.0}


@dataclass(frozen=True)
class Step:
    """What a rule asks for at its first attempt.

    Attributes
    ----------
    rule : str
        Its name.
    memory : float
        Bytes.
    minutes : float
        Time.
    threads : int
        Cores.
    is_local : bool
        It runs where Snakemake does, whatever the profile.
    partition : str
        That the profile sends it to; empty = the cluster's default.
    account : str
        That pays for it; empty = the user's default.
    wants_gpu : bool
        It is submitted with the request for a GPU.
    """

    rule: str
    memory: float
    minutes: float
    threads: int = 1
    is_local: bool = False
    partition: str = ""
    account: str = ""
    wants_gpu: bool = False


def needs(case: Case) -> list[Step]:
    """What the study's steps ask for under the profile; without a study, all steps.

    Raises
    ------
    LookupError
        The rules are not there, or written otherwise than they were.
    """
    shared = _pairs(case.profile.get("default-resources"))
    own = case.profile.get("set-resources")
    threads = _pairs(case.profile.get("set-threads"))
    steps = []
    for rule, text in _rules():
        memory = re.search(r'mem=grows\((\d+), "(\w)B"\)', text)
        minutes = re.search(r'runtime=grows\((\d+), "(\w)"\)', text)
        if not memory or not minutes or not _is_run(rule, case.settings):
            continue
        asked = shared | {"mem": memory[1] + memory[2], "runtime": minutes[1] + minutes[2]}
        given = _pairs(own.get(rule)) if isinstance(own, dict) else {}
        if "mem_mb" in given:  # two names of one thing
            given["mem"] = given.pop("mem_mb")
        asked |= given
        steps.append(
            Step(
                rule,
                memory=amount(asked["mem"], _BYTES),
                minutes=amount(asked["runtime"], _MINUTES),
                threads=int(threads.get(rule, 0)) or _threads(text, case.settings),
                is_local="localrule: True" in text,
                partition=str(asked.get("slurm_partition", "")).strip("\"'"),
                account=str(asked.get("slurm_account", "")).strip("\"'"),
                wants_gpu=bool(asked.get("gpu")) or "gpu" in str(asked.get("gres", "")),
            )
        )
    if not steps:
        raise LookupError(f"no rule in {schema_path('config').parents[1]} says what it asks for")
    return steps


def profile(case: Case) -> Iterator[Finding]:
    """Read the profile that the run is to be started with."""
    if case.profile_folder is None:
        return
    folder = case.profile_folder
    # Snakemake takes the one for its own version before the others.
    found = [folder / name for name in PROFILE_NAMES if (folder / name).is_file()]
    if not found:
        yield stop(
            f"profile {folder}: no such folder, or no profile in it",
            "name one that is there: --profile workflow/profiles/slurm",
        )
        return
    try:
        read = read_yaml(found[0])
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        yield stop(f"profile {found[0]}: cannot be read ({in_words(error)})", "correct it")
        return
    if not isinstance(read, dict):
        yield stop(f"profile {found[0]}: has no keys", "correct it")
        return
    case.profile = read
    yield ok(f"profile {found[0]}: {case.executor or 'steps run on this machine'}")


def amount(text: object, units: dict[str, float]) -> float:
    """Number with a unit, such as ``8GB`` or ``1d12h``; 0 where it is neither."""
    found = re.findall(r"([\d.]+)\s*([A-Za-z]?)", str(text))
    known = {name.lower(): factor for name, factor in units.items()}
    return sum(float(number) * known.get(unit.lower(), 0) for number, unit in found)


def _rules() -> list[tuple[str, str]]:
    """Names and texts of the rules; one that is used under another name has that text, too."""
    folder = schema_path("config").parents[1] / "rules"
    text = "\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.smk")))
    found = _RULE.findall(text)
    own = {name: body for name, *_, body in found if name}
    return [(name or other, body + own.get(used, "")) for name, used, other, body in found]


def _is_run(rule: str, settings: dict | None) -> bool:
    """Whether a study has use for a rule."""
    if settings is None:
        return rule != "import_features"
    if rule in ("import_features", "features", "tiles"):
        return bool(settings["features"]["import"]) == (rule == "import_features")
    return bool(settings["controls"]) or not rule.endswith("control")


def _threads(text: str, settings: dict | None) -> int:
    found = re.search(r"^\s*threads: (\d+)", text, re.MULTILINE)
    if found:
        return int(found[1])
    # The trainings of a fold run side by side, one on each core.
    return settings["models"]["training"]["initialisations"] if settings else 1


def _pairs(stated: object) -> dict:
    """Resources as a profile states them, as a mapping or as a list of ``name=value``."""
    if isinstance(stated, dict):
        return dict(stated)
    listed = stated if isinstance(stated, list) else []
    return dict(str(each).split("=", 1) for each in listed if "=" in str(each))
