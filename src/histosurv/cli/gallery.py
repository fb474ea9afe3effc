"""Command that shows the tiles which make the risk."""

from pathlib import Path
from typing import Annotated

import typer

from histosurv.cli.options import Batches, OutFolder, SpotsAsJson, spot_settings_of

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


def gallery(
    attribution: Annotated[
        list[Path], typer.Argument(help="tables of `histosurv attribute`, one per fold")
    ],
    spots: Annotated[Path, typer.Option(help="folder of the tile tables")],
    out: OutFolder,
    settings: SpotsAsJson = "{}",
    batches: Batches = 1,
) -> None:
    """Show the tiles that raise the risk of their patients most, and those that lower it most.

    Writes tiles.csv (whose they are, where they lie, what they contribute) and tiles.zip (their
    pictures, as the encoder saw them).

    Example: histosurv gallery results/models/lstm/1_*/attribution.csv --spots
    results/development/spots --batches 3 --out results/development/explanations
    """
    from histosurv.report.gallery import write_gallery

    how = spot_settings_of(settings)
    write_gallery(attribution, spots, how, out, n_batches=batches)
