"""By which code, on which machine and with which command: nothing here names a folder or a person.

What cannot be found out is 'unknown'; none of it may stop a report.
"""

import hashlib
import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

from histosurv.config import SHIPPED_PARTS

UNKNOWN = "unknown"
COMMAND = "HISTOSURV_COMMAND"  # the workflow's own command, for the report is one of its jobs

_PACKAGE = Path(__file__).parents[1]
_PATIENCE_S = 20
_PATH = re.compile(r"(?<![\w./~-])(?:file://)?/(?!/)[^\s\"',:;=)\]}]*")
_SECRET = re.compile(r"token|secret|passw|credential|api[-_]?key|access[-_]?key", re.IGNORECASE)
_LOGIN = re.compile(r"://[^/\s@]+@")


def commit() -> dict[str, str | bool]:
    """Commit of the source tree, and whether tracked files differ from it.

    Returns
    -------
    dict
        ``commit``: its hash; ``changed``: a boolean. Both 'unknown' where the package is installed
        or git does not answer. ``config.yaml`` may differ: it is the study, and told by itself.
    """
    # An installed package may lie in a folder of somebody's own repository, which is not ours.
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return {"commit": UNKNOWN, "changed": UNKNOWN}
    head = _git("rev-parse", "HEAD")
    status = _git(
        "status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)config.yaml"
    )
    return {
        "commit": UNKNOWN if head is None else head,
        "changed": UNKNOWN if status is None else bool(status),
    }


def source_digest() -> str:
    """Twelve digits of the SHA-256 of the whole package, the same wherever it is installed."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        place = path.relative_to(_PACKAGE)
        # A checkout has these elsewhere.
        is_ours = place.parts[0] not in SHIPPED_PARTS and not any(
            part == "__pycache__" or part.startswith(".") for part in place.parts
        )
        if is_ours and path.is_file():
            digest.update(place.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def hardware() -> dict[str, str | int]:
    """Processor, its cores, and memory of the machine that made the report."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError):  # not asked for in this way elsewhere
        memory = 0
    return {
        "cpu": _processor(),
        "cores": os.cpu_count() or UNKNOWN,
        "memory_gb": round(memory) or UNKNOWN,
    }


def command() -> str:
    """The command that was typed, without folders and secrets."""
    typed = os.environ.get(COMMAND)
    if not typed:
        return without_folders([Path(sys.argv[0]).name, *sys.argv[1:]])
    try:
        return without_folders(shlex.split(typed))
    except ValueError:  # a quote that is not closed
        return without_folders(typed.split())


def without_folders(words: list[str]) -> str:
    """A command as text: of absolute paths only the last part, of secrets and logins nothing."""
    told, hides_next = [], False
    for word in words:
        name, has_value, _ = word.partition("=")
        is_secret = word.startswith("-") and bool(_SECRET.search(name))
        if hides_next and not word.startswith("-"):
            word = "***"
        elif is_secret and has_value:
            word = f"{name}=***"
        hides_next = is_secret and not has_value
        told.append(_LOGIN.sub("://***@", _without_folder(word)))
    return shlex.join(told)


def without_folder(value: object) -> object:
    """A setting as the config has it; of an absolute path only the last part.

    Lists and sections are walked through.
    """
    if isinstance(value, dict):
        return {key: without_folder(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_folder(part) for part in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name or "/"
    return value


def _without_folder(word: str) -> str:
    """The same for a word of a command, in which paths may stand behind = or within JSON."""
    for name, equals, value in (("", "", word), word.partition("="), word.rpartition("=")):
        if Path(value).is_absolute() and _is_one_path(value):
            return f"{name}{equals}{without_folder(value)}"  # blanks in it, too
    return _PATH.sub(lambda found: str(without_folder(found[0].removeprefix("file://"))), word)


def _is_one_path(value: str) -> bool:
    """Whether an absolute path is the whole value: for sure where there is such a file."""
    is_there = os.path.exists(value)  # noqa: PTH110 - unlike Path.exists it raises nothing
    return is_there or not re.search(r"[\"'{\[,:]", value)


def _git(*arguments: str) -> str | None:
    """What git says of the package's folder; None where it says nothing."""
    # Within a hook git names the repository that it works on, and that may be another.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(_PACKAGE), *arguments],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            env=environment,
            check=True,
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine() or UNKNOWN
