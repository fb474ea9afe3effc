"""Literature that the methods text cites: ``references.yaml``."""

import re
from functools import cache
from pathlib import Path

from histosurv.files import read_yaml

_MARK = re.compile(r" ?\[@(\w+)\]")


@cache
def references() -> dict[str, str]:
    """All that can be cited, by key."""
    return read_yaml(Path(__file__).with_name("references.yaml"))


def cite(paragraphs: list[str]) -> tuple[list[str], list[str]]:
    """Number the marks ``[@key]`` of a text in the order in which they come.

    Returns
    -------
    paragraphs : list of str
        With ``[1]`` in place of the marks.
    references : list of str
        What the numbers stand for, from 1.
    """
    keys = list(dict.fromkeys(key for text in paragraphs for key in _MARK.findall(text)))
    number = {key: place for place, key in enumerate(keys, 1)}
    numbered = [_MARK.sub(lambda mark: f" [{number[mark[1]]}]", text) for text in paragraphs]
    return numbered, [references()[key] for key in keys]
