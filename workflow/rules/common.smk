# Checks of config and tables, wildcards, and the functions that the rules share.

import hashlib
import json
from pathlib import Path

from snakemake.exceptions import WorkflowError

from histosurv.code import code_digest
from histosurv.cohort.tables import read_cohort
from histosurv.config import complete
from histosurv.errors import InputError


def checked(function, *arguments, **options):
    """Call a function; a user's mistake ends the run in one line, before any job starts."""
    try:
        return function(*arguments, **options)
    except InputError as error:
        raise WorkflowError(str(error)) from None


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
    ).spots
    size = config["spots_per_job"]
    return [spots.iloc[start : start + size] for start in range(0, len(spots), size)]


def batch_images(wildcards):
    """Image files of a batch, each once (spots may be regions of one slide)."""
    return sorted(set(BATCHES[wildcards.cohort][int(wildcards.batch)]["image"]))


def batch_digest(wildcards):
    """Digest of the batch's own rows, so that other rows can change freely."""
    rows = BATCHES[wildcards.cohort][int(wildcards.batch)]
    return hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()[:12]


def features_folder(wildcards, input):
    """Folder of the feature files, two above the batch indexes."""
    return Path(input.indexes[0]).parents[1]


def models_folder(wildcards, input):
    """Folder of all models' scores, three above the score files."""
    return Path(input.tables[0]).parents[2]


def weights_file(wildcards):
    """The weights file that the study names, if it names one."""
    source = config["features"]["weights"]
    return [] if source in ("imagenet", "random") else [source]


config.update(checked(complete, config))
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
