"""Files appear whole or not at all."""

import errno
import hashlib
import os
import platform
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pandas as pd

from histosurv.errors import InputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DAY_SECONDS = 86_400


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; give the file its name when the block has ended well.

    The file is synced before it is renamed, and the folder after, so that a killed job or a lost
    machine leaves either the finished file or none under the final name. What killed jobs left
    unfinished in the folder is removed.

    Raises
    ------
    InputError
        The disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_once(path.parent)
    temporary = partial_name(path)
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if told := _tells_of_full_disk(error):
            raise InputError(
                f"{path}: cannot be written ({told}); make room and run again: what is finished is "
                "kept"
            ) from None
        if isinstance(error, OSError) and str(error.filename) == str(temporary):
            # A folder has that name, or may not be written to: told of the name that is known.
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
    _sync(path.parent)


def partial_name(path: Path) -> Path:
    """Where this process has a file while it writes it.

    Each process has a name of its own: a step that outlived its killed Snakemake, or a node that
    was given up too early, may be writing the same file as the step that replaces it.
    """
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]
    return path.with_name(f".{name}.{_host()}.{os.getpid()}.partial")


def clear_partials(folder: Path) -> None:
    """Remove what processes that are no more left unfinished in a folder.

    Of other machines and containers only the day can tell whether a process is no more.
    """
    for path in Path(folder).glob(".*.partial"):
        host, pid = path.name.split(".")[-3:-1]
        try:
            if host == _host():
                is_left = not _is_alive(int(pid))
            else:
                is_left = time.time() - path.stat().st_mtime > _DAY_SECONDS
        except (FileNotFoundError, ValueError):  # gone meanwhile, or not ours
            continue
        if is_left and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif is_left:
            path.unlink(missing_ok=True)


_clear_once = cache(clear_partials)


@cache
def _host() -> str:
    """Where process ids mean what they mean here: this machine, or this container on it."""
    name = platform.node().partition(".")[0]
    try:
        return f"{name}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # not Linux
        return name


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as UTF-8 CSV with Unix line ends: the same rows give the same bytes.

    Numbers are written in the shortest form that reads back exactly.
    """
    with published(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", encoding="utf-8")


def write_archive(members: dict[str, bytes], path: Path) -> None:
    """Write files as one ZIP: the same members give the same bytes.

    They are stored as they are, for pictures are compressed already, and dated 1980.
    """
    with published(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            member.create_system = 3  # else the platform's
            archive.writestr(member, content)


def _tells_of_full_disk(error: BaseException) -> str:
    """What an error says of the disk, if anything; libraries have errors of their own for it."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return os.strerror(error.errno)
    said = os.strerror(errno.ENOSPC)
    return said if said in str(error) else ""


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
