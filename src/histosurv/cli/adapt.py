"""The command that turns a published cohort into our tables."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from histosurv.cli.options import OutFolder

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


def adapt(
    name: Annotated[
        Literal["dlbcl_morph", "hancock", "surgen"], typer.Argument(help="the published cohort")
    ],
    source: Annotated[Path, typer.Argument(help="folder of its unpacked release")],
    out: OutFolder,
) -> None:
    """Turn the tables of a published cohort into patients.csv, spots.csv and what else it has.

    Example: histosurv adapt hancock downloads/Hancock_Dataset --out hancock
    """
    from histosurv.cohort.adapters import ADAPTERS
    from histosurv.progress import say

    for line in ADAPTERS[name](source, out):
        say(line)
