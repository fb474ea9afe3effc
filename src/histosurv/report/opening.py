"""Open a finished run by its folder alone, as a person at the command line does."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from histosurv.config import DEVELOPMENT
from histosurv.errors import InputError
from histosurv.report.run import Run


def open_results(
    results: Path,
    n_batches: int | None = None,
    controls: Sequence[str] = (),
    benchmarks: Path | None = None,
) -> Run:
    """A run; what is not told is worked out from its tables.

    Parameters
    ----------
    results : pathlib.Path
        Folder of a finished run's results.
    n_batches, controls, benchmarks
        As in `Run`; the workflow, which knows them, tells them.

    Raises
    ------
    InputError
        The folder holds no results.
    """
    run = Run(results)
    if not run.folder.is_dir():
        raise InputError(
            f"{results}: no results of a run (the folder {DEVELOPMENT} is missing); name the "
            "folder `results` of a finished study"
        )
    own = benchmarks or results / "benchmarks"
    return replace(
        run,
        n_batches=n_batches or count_batches(run),
        controls=list(controls) or _controls(run),
        benchmarks=own if own.is_dir() else None,
    )


def count_batches(run: Run) -> int:
    """Batches of the run: indexes of an older, smaller batch size may lie beside its own.

    Spots were cut into batches before those without usable pictures were left out.
    """
    size = max(int(run.config["spots_per_job"]), 1)
    n_lost = int((run.exclusions["stage"] == "picture").sum())
    return math.ceil((len(run.spots) + n_lost) / size)


def _controls(run: Run) -> list[str]:
    """Controls that the config asks for and that were run."""
    asked, folder = run.config["controls"], run.results / "controls"
    found = sorted(
        path.parents[2].name for path in folder.glob("*/development/evaluation/metrics.csv")
    )
    return [name for name in found if asked is True or (asked and name in asked)]
