"""Digest of the code a step runs, so that the workflow reruns what an edit touches."""

import ast
import hashlib
from functools import cache
from pathlib import Path

_SOURCE = Path(__file__).parents[1]


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
    """Modules of the package that a module imports, wherever in its text."""
    names = []
    for node in ast.walk(ast.parse(_file(module).read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.startswith("histosurv") and _file(name).is_file()]


def _file(module: str) -> Path:
    path = _SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
