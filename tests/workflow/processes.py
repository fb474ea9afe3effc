"""Processes of this machine, as /proc shows them."""

from contextlib import suppress
from pathlib import Path


def command_of(process: int) -> str:
    """Its command line."""
    return _read(process, "cmdline").replace(b"\0", b" ").decode("utf-8", "replace")


def parent_of(process: int) -> int:
    """Its parent; 0 where it is gone."""
    fields = _read(process, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def with_variable(setting: str) -> set[int]:
    """Processes that were started with a variable of the environment."""
    return {p for p in _all() if setting.encode() in _read(p, "environ").split(b"\0")}


def working_in(folder: Path) -> set[int]:
    """Processes whose working folder it is."""
    found = set()
    for process in _all():
        with suppress(OSError):
            if Path(f"/proc/{process}/cwd").readlink() == folder:
                found.add(process)
    return found


def _all() -> list[int]:
    return [int(place.name) for place in Path("/proc").glob("[0-9]*")]


def _read(process: int, name: str) -> bytes:
    with suppress(OSError):  # it is gone
        return Path(f"/proc/{process}/{name}").read_bytes()
    return b""
