"""Digest of the code a step runs, so that the workflow reruns what an edit touches."""

import hashlib
import re
from functools import cache
from pathlib import Path

_SOURCE = Path(__file__).parents[1]
_IMPORT = re.compile(
    r"^[ \t]*(?:from (histosurv[\w.]*) import (\([^)]*\)|.*)|import (histosurv[\w.]*))",
    re.MULTILINE,
)


def code_digest(module: str, *data: str) -> str:
    """Digest of a module, of every histosurv module it imports, and of data files.

    Parameters
    ----------
    module : str
        For example ``histosurv.features.extract``.
    *data : str
        Files, and folders with files, within the package that count too, for example
        ``report/templates``.

    Returns
    -------
    str
        Twelve hexadecimal digits, the same for the same text, wherever it is installed.
    """
    digest = hashlib.sha256()
    for name in sorted(_closure(module)):
        digest.update(_file(name).read_bytes())
    for name in data:
        place = _SOURCE / "histosurv" / name
        for path in sorted(place.iterdir()) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _closure(module: str) -> set[str]:
    seen, todo = set(), [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _imports(name)
    return seen


@cache
def _imports(module: str) -> list[str]:
    """Modules of the package that a module imports, wherever in its text.

    Found by pattern: to parse the whole package took longer than all else that a job reads.
    """
    names = []
    for line in _IMPORT.finditer(_file(module).read_text("utf-8")):
        package, imported = line[1] or line[3], line[2] or ""
        names += [package, *(f"{package}.{name}" for name in re.findall(r"\w+", imported))]
    return [name for name in names if _file(name).is_file()]


def _file(module: str) -> Path:
    path = _SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
