"""What every command does before its own work."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import get_type_hints

from histosurv.errors import InputError


def careful(command: Callable[..., None]) -> Callable[..., None]:
    """A command that overwrites none of the files that it is to read, or to write.

    Options that name something to write are marked as ``writable``.
    """
    options = {
        name: extra
        for name, hint in get_type_hints(command, include_extras=True).items()
        for extra in getattr(hint, "__metadata__", ())
    }
    outputs = [name for name, option in options.items() if option.writable]

    @wraps(command)
    def run(**values: object) -> None:
        for out in outputs:
            for other in values:
                if other != out and _same_file(values[out], values[other]):
                    raise InputError(
                        f"{_flag(out, options[out])} {values[out]}: is given as "
                        f"{_flag(other, options[other])}, too, and would be overwritten; name "
                        "another file"
                    )
        command(**values)

    return run


def _flag(name: str, option: object) -> str:
    declared = option.param_decls
    return declared[0] if declared else f"--{name.replace('_', '-')}"


def _same_file(out: object, other: object) -> bool:
    """Whether both are one path, and that of no folder, in which both may well lie."""
    if not isinstance(out, Path) or out.is_dir():
        return False
    others = other if isinstance(other, list | tuple) else [other]
    return any(isinstance(path, Path) and path.resolve() == out.resolve() for path in others)
