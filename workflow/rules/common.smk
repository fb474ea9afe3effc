# Checks of config and tables, what the study consists of, and the names of wildcards.

import json
import os
import shlex
import sys
from functools import partial
from pathlib import Path

from histosurv.cluster import go_on_as_own_job

go_on_as_own_job(sys.argv, os.environ)

from histosurv.code import code_digest
from histosurv.config import WEIGHTS, complete, refuse_missing_files
from histosurv.errors import MISTAKE, InputError
from histosurv.files import close_to_others
from histosurv.plan import Plan, files_digest


def checked(function, *arguments):
    """Call a function; a user's mistake ends the run in one line, before any job starts."""
    try:
        return function(*arguments)
    except InputError as error:
        sys.exit(f"{MISTAKE}{error}")
    except OSError as error:  # a name too long, a folder that may not be read
        sys.exit(f"{MISTAKE}{InputError(f'{error.filename}: {error.strerror}')}")


def grows(amount, unit):
    """Memory or time of a step: more at each attempt, where a profile allows several."""
    return lambda wildcards, attempt: f"{amount * attempt}{unit}"


MADE_BEFORE = [".snakemake", ".snakemake/log", ".snakemake/log/*"]
close_to_others(path for name in MADE_BEFORE for path in Path().glob(name))
# Jobs read the Snakefile again with a command line of their own; the report tells the first.
os.environ.setdefault("HISTOSURV_COMMAND", shlex.join(["snakemake", *sys.argv[1:]]))
config.update(checked(complete, config))
checked(refuse_missing_files, config)
PLAN = checked(partial(Plan, look=workflow.is_main_process), config)
IS_SINGLE = config["resampling"]["scheme"] == "single"
FOLDS = range(1, (1 if IS_SINGLE else config["resampling"]["folds"]) + 1)
REPEATS = range(1, config["resampling"]["repeats"] + 1)
NETWORKS = config["models"]["networks"]
WITH_NETWORKS = [f"clinical_{name}" for name in NETWORKS]
CLINICAL = ["clinical", *WITH_NETWORKS] if config["models"]["clinical"] else []
# What the order of tiles does is asked of the first repeat, if at all.
ATTRIBUTED = NETWORKS if config["models"]["attribution"]["run"] else []
ORDER_SCORES = ["<results>/development/order_scores.csv"] if ATTRIBUTED else []
IMAGE_MODELS = [*NETWORKS, *config["models"]["baselines"]]
MODELS = [*IMAGE_MODELS, *CLINICAL]
CURVES = [
    "kaplan_meier_overall",
    "auc_over_time",
    "auc_by_fold",
    "incidence",
    "calibration",
    "forest",
    "decision_curve",
]
CONTROLS = checked(PLAN.controls, "development")
BATCHES = PLAN.numbers("development")
INDEXES = collect("<results>/development/features/batches/{batch}.csv", batch=BATCHES)
# What the report shows of the pixels; nothing where features are imported.
IMAGED = [] if config["features"]["import"] else BATCHES
SEEN = {
    "throughput": collect(
        "<results>/development/features/throughput/{batch}.csv", batch=IMAGED
    ),
    "quality": collect("<results>/development/spots/quality/{batch}.csv", batch=IMAGED),
    "sheets": collect("<results>/development/spots/contact/{batch}.jpg", batch=IMAGED),
    "thumbnails": collect(
        "<results>/development/spots/thumbnails/{batch}.zip", batch=IMAGED
    ),
    "slides": collect(
        "<results>/development/spots/cores/{slide}.{ending}",
        slide=PLAN.slides("development"),
        ending=["png", "json"],
    ),
}
# The network whose tiles are shown, the study's own before others, and what is made of them.
EXPLAINED = [
    name
    for name in (config["evaluation"]["primary"], *ATTRIBUTED)
    if IMAGED and name in ATTRIBUTED
][:1]
GALLERY = collect(
    "<results>/development/explanations/tiles.{ending}",
    ending=["csv", "zip"] if EXPLAINED else [],
)


wildcard_constraints:
    cohort="development",
    batch=r"\d+",
    slide=r"[^/]+",
    network="lstm|attention_mil",
    baseline="logistic|elastic_net|naive_bayes|svm|cox",
    control="permuted|background|block",
    clinical="clinical(_lstm|_attention_mil)?",
    repeat=r"\d+",
    fold=r"\d+",
