# Checks of config and tables, wildcards, and the functions that the rules share.

import hashlib
import json
import sys
import time
from pathlib import Path

from histosurv.code import code_digest
from histosurv.cohort.tables import read_cohort
from histosurv.config import WEIGHTS, complete, refuse_missing_files
from histosurv.errors import MISTAKE, InputError
from histosurv.features.store import imported_file


def checked(function, *arguments, **options):
    """Call a function; a user's mistake ends the run in one line, before any job starts."""
    try:
        return function(*arguments, **options)
    except InputError as error:
        sys.exit(f"{MISTAKE}{error}")


def is_new(path):
    """Whether this run made a file."""
    return Path(path).is_file() and Path(path).stat().st_mtime >= STARTED


def mistakes():
    """What the steps of this run called a user's mistake, read from their logs."""
    logs = sorted(path for path in Path("logs").rglob("*.log") if is_new(path))
    text = "\n".join(path.read_text("utf-8", "replace") for path in logs)
    return [line for line in text.splitlines() if line.startswith(MISTAKE)]


def cut_batches(cohort):
    """Rows of every batch of a cohort, spots sorted by id."""
    tables = config["cohorts"][cohort]
    spots = checked(
        read_cohort,
        tables["patients"],
        tables["spots"],
        unmatched=config["cohort"]["unmatched"],
        with_images=not config["features"]["import"],
        readers=config["cohort"]["readers"],
        strata=config["cohort"]["strata"],
    ).spots
    size = config["spots_per_job"]
    return [spots.iloc[start : start + size] for start in range(0, len(spots), size)]


def batch_images(wildcards):
    """Image files of a batch, each once (spots may be regions of one slide)."""
    return sorted(set(BATCHES[wildcards.cohort][int(wildcards.batch)]["image"]))


def batch_imports(wildcards):
    """Feature files of a batch that were computed elsewhere."""
    rows = BATCHES[wildcards.cohort][int(wildcards.batch)]
    folder = Path(config["features"]["import"])
    return [checked(imported_file, folder, spot) for spot in rows["spot_id"]]


def batch_digest(wildcards):
    """Digest of the batch's own rows and files, so that other rows can change freely.

    Files are told apart by size and time, also where the new one is the older.
    """
    rows = BATCHES[wildcards.cohort][int(wildcards.batch)]
    of_files = batch_imports if config["features"]["import"] else batch_images
    states = [Path(name).stat() for name in of_files(wildcards)]
    files = [(state.st_size, state.st_mtime_ns) for state in states]
    return digest(rows.to_csv(index=False).encode() + repr(files).encode())


def tables_digest(wildcards):
    """Digest of the two tables: a table replaced by an older one is another table, too."""
    tables = config["cohorts"][wildcards.cohort]
    return digest(b"".join(Path(tables[name]).read_bytes() for name in tables))


def digest(content):
    return hashlib.sha256(content).hexdigest()[:12]


def features_folder(wildcards, input):
    """Folder of the feature files, two above the batch indexes."""
    return Path(input.indexes[0]).parents[1]


def models_folder(wildcards, input):
    """Folder of all models' scores, three above the score files."""
    return Path(input.tables[0]).parents[2]


def weights_file(wildcards):
    """The weights file that the study names, if it names one."""
    source = config["features"]["weights"]
    return [] if source in WEIGHTS else [source]


STARTED = time.time()
config.update(checked(complete, config))
checked(refuse_missing_files, config)
BATCHES = {cohort: cut_batches(cohort) for cohort in config["cohorts"]}
FOLDS = range(1, config["resampling"]["folds"] + 1)
REPEATS = range(1, config["resampling"]["repeats"] + 1)
MODELS = ["lstm", *config["models"]["baselines"]]
INDEXES = collect(
    "<results>/development/features/batches/{batch}.csv",
    batch=[f"{i:04d}" for i in range(len(BATCHES["development"]))],
)


wildcard_constraints:
    cohort="development",
    batch=r"\d+",
    model="logistic|naive_bayes|svm",
    repeat=r"\d+",
    fold=r"\d+",
