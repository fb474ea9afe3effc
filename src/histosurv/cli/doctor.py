"""The command that says what a run would stumble over."""

from pathlib import Path
from typing import Annotated

import typer

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


def doctor(
    config: Annotated[
        list[Path] | None,
        typer.Option(
            help="config file, laid over this folder's config.yaml as `snakemake --configfile` "
            "does; several are laid over one another"
        ),
    ] = None,
    profile: Annotated[
        Path | None,
        typer.Option(help="folder of the Snakemake profile that the run is to be started with"),
    ] = None,
) -> None:
    """Check installation, study and machine, and say how to mend what is wrong.

    One line per check: ok, note (a remark) or STOP (a run would end there); below it what to do.
    Nothing is changed, and no network is used but by Slurm's own commands. Status 1 says that there
    is a STOP.

    Example: histosurv doctor

    Example: histosurv doctor --profile workflow/profiles/slurm
    """
    import io
    import sys

    from histosurv.doctor.examination import examine
    from histosurv.doctor.findings import Case

    if isinstance(sys.stdout, io.TextIOWrapper):  # a path may hold what the terminal has not
        sys.stdout.reconfigure(errors="backslashreplace")
    counts = {"ok": 0, "note": 0, "STOP": 0}
    for finding in examine(Case(config or [], profile)):
        typer.echo(str(finding))
        counts[finding.level] += 1
    stops = f"{counts['STOP']} would stop a run" if counts["STOP"] else "nothing stops a run"
    typer.echo(f"\n{sum(counts.values())} checks: {stops}, {counts['note']} to note")
    if counts["STOP"]:
        raise typer.Exit(1)
