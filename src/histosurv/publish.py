"""Files appear whole or not at all."""

import errno
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from histosurv.errors import InputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; give the file its name when the block has ended well.

    The file is synced before it is renamed, and the folder after, so that a killed job or a lost
    machine leaves either the finished file or none under the final name. The temporary name is
    fixed, hence a rerun overwrites what a killed job left behind.

    Raises
    ------
    InputError
        The disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = partial_name(path)
    try:
        yield temporary
        _sync(temporary)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise InputError(
                f"{path}: cannot be written ({os.strerror(error.errno)}); make room and run again: "
                "what is finished is kept"
            ) from None
        raise
    temporary.replace(path)
    _sync(path.parent)


def partial_name(path: Path) -> Path:
    """Where a file is while it is being written."""
    return path.with_name(f".{path.name}.partial")


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


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
