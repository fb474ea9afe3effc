"""Open a finished run, wherever it lies."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd
import yaml

from histosurv.errors import InputError
from histosurv.files import file_sha256
from histosurv.report.opening import count_batches
from histosurv.report.run import Run

RECORD = "report/provenance.json"
MEND = "name the results of a finished run, or finish it with `snakemake`"


@dataclass(frozen=True)
class Opened:
    """A finished run and its side of the comparison.

    Attributes
    ----------
    side : str
        ``A`` or ``B``.
    folder : pathlib.Path
        As the user named it.
    run : Run
        Its tables.
    """

    side: str
    folder: Path
    run: Run

    @property
    def name(self) -> str:
        """The folder as a page shows it: where on the disk it lies is nobody's business."""
        parts = self.folder.parts
        return str(Path(*parts[-2:])) if self.folder.is_absolute() else str(self.folder)

    @property
    def title(self) -> str:
        """Title of the study."""
        return str(self.run.config.get("title", ""))

    @cached_property
    def primary(self) -> str:
        """The score that the study is about; empty where a config of another version hides it."""
        try:
            return self.run.primary
        except (KeyError, TypeError):
            return ""

    @cached_property
    def record(self) -> dict | str:
        """What `histosurv.report.provenance.provenance` kept, or why there is none to go by."""
        path = self.run.results / RECORD
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            told = record["results"]["evaluation/metrics.csv"]
            _refuse_incomplete(record)
        except FileNotFoundError:
            return f"{self.side} has no {RECORD}; make its report anew"
        except (OSError, ValueError, KeyError, TypeError):
            return f"{RECORD} of {self.side} is damaged; make its report anew"
        if told != file_sha256(self.run.folder / "evaluation/metrics.csv"):
            return f"{RECORD} of {self.side} is of other metrics; make its report anew"
        return record

    @cached_property
    def index(self) -> pd.DataFrame | str:
        """SHA-256 of the features of every spot, or why they are not known."""
        try:
            index = self.run.index
        except (OSError, ValueError, KeyError) as error:
            missing = Path(getattr(error, "filename", "") or "its indexes").name
            return f"{missing} of {self.side} (features/batches) is missing or damaged"
        index = index.drop_duplicates("spot_id").set_index("spot_id")
        if not set(self.run.spots["spot_id"]) <= set(index.index):
            return f"the indexes of {self.side} do not hold all its spots; finish it"
        return index


def open_run(folder: Path, side: str) -> Opened:
    """Open a folder of results, or a study's folder with ``results`` in it.

    Raises
    ------
    InputError
        It is not there, is no finished run, or a table is damaged; the message names the file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; {MEND}")
    results = folder / "results" if (folder / "results").is_dir() else folder
    run = Run(results)
    for name, read in {
        "config.yaml": lambda: int(run.config["spots_per_job"]),
        "development/cohort/patients.csv": lambda: run.patients,
        "development/cohort/spots.csv": lambda: run.spots,
        "development/cohort/exclusions.csv": lambda: run.exclusions["stage"],
        "development/evaluation/metrics.csv": lambda: run.metrics["estimand"],
    }.items():
        _refuse_unreadable(results / name, read)
    return Opened(side, folder, replace(run, n_batches=count_batches(run)))


def _refuse_unreadable(path: Path, read: Callable) -> None:
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; {MEND}")
    try:
        read()
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{path}: is not what a run writes ({told}); {MEND}") from None


def _refuse_incomplete(record: dict) -> None:
    """Raise KeyError or TypeError where a record lacks what is read from it later."""
    for row in record["inputs"]:
        if not {"table", "path", "sha256", "n_rows", "note"} <= row.keys():
            raise KeyError("inputs")
    for name in ("versions", "code", "hardware"):
        dict(**record[name])
    for entry in record["recipes"]:
        dict(**entry["recipe"])
