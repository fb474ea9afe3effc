"""Files: settings, names, digests; and what a run leaves behind: who may change it, since when."""

import hashlib
import os
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import yaml

# Ten times as fast; every job of the workflow reads the schema.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> object:
    """Content of a YAML file.

    Raises
    ------
    OSError, UnicodeDecodeError, yaml.YAMLError
        It is not there, is no UTF-8, or no YAML.
    """
    return yaml.load(Path(path).read_text("utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def batch_name(number: int) -> str:
    """What the files of a batch of spots are called."""
    return f"{number:04d}"


def close_to_others(made: Iterable[Path] = ()) -> None:
    """Let this process and its children make nothing that everybody may write to.

    Some systems and containers have a umask of 000. Whether a group may write is a site's own
    choice.

    Parameters
    ----------
    made : iterable of pathlib.Path
        What was made before; it is closed, too.
    """
    os.umask(os.umask(0) | stat.S_IWOTH)
    for path in made:
        with suppress(OSError):  # somebody else's, or gone meanwhile
            mode = path.stat().st_mode
            if mode & stat.S_IWOTH:
                path.chmod(stat.S_IMODE(mode) & ~stat.S_IWOTH)


def bring_back_from_future(results: Path) -> None:
    """Date to now what lies in the future.

    The clocks of file servers and nodes disagree, and Snakemake takes no step whose input is
    younger than the output will be. Feature files of single spots are none of its inputs.
    """
    now = time.time()
    for path in Path(results).rglob("*"):
        if path.suffix != ".h5":
            with suppress(OSError):  # gone meanwhile
                if path.stat().st_mtime > now:
                    os.utime(path, (now, now))
