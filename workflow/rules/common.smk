# Checks of config and tables, and what wildcards may be called.

import json
import os
import shlex
import sys
from functools import partial
from pathlib import Path

from histosurv.cluster import go_on_as_own_job

go_on_as_own_job(sys.argv, os.environ)

from histosurv.code import code_digest
from histosurv.config import (
    WEIGHTS,
    complete,
    primary_score,
    refuse_missing_files,
    shown_network,
)
from histosurv.errors import MISTAKE, InputError
from histosurv.files import close_to_others
from histosurv.models.names import Baseline, Control, Network, either
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


wildcard_constraints:
    cohort="|".join(["development", *PLAN.external]),
    batch=r"\d+",
    slide=r"[^/]+",
    network=either(Network),
    baseline=either(Baseline),
    control=either(Control),
    clinical=f"clinical(_({either(Network)}))?",
    repeat=r"\d+",
    fold=r"\d+",
