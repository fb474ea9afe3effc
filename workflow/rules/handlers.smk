# What is looked for before the first step and after the last; modules have no handlers of their own.

import time

from histosurv.cluster import refuse_beside_earlier_jobs, refuse_for_cluster
from histosurv.cohort.tables import read_indexes
from histosurv.files import bring_back_from_future
from snakemake.settings.types import DeploymentMethod

STARTED = time.time()
RESULTS, LOGS = (
    Path(workflow.pathvars.apply(name)) for name in ("<results>", "<logs>")
)


def before_the_first_step():
    """Dates, names and jobs of earlier runs that would do harm."""
    bring_back_from_future(RESULTS)
    methods = workflow.deployment_settings.deployment_method
    if workflow.non_local_exec or DeploymentMethod.APPTAINER in methods:
        checked(refuse_for_cluster, workflow)
    if workflow.non_local_exec:
        checked(refuse_beside_earlier_jobs, Path.cwd())


def is_new(path):
    """Whether this run made a file."""
    return Path(path).is_file() and Path(path).stat().st_mtime >= STARTED


def after_the_last_step():
    """Where the report lies, and what a user should not learn from it alone."""
    page = RESULTS / "report" / "study.html"
    if is_new(page):
        print("The report is ready:", page)
        for told in left_out():
            print(f"{told}; the report says why.")


def left_out():
    """How many spots of each cohort could not be used, in words."""
    for cohort in ("development", *PLAN.external):
        features = RESULTS / cohort / "features"
        index = read_indexes(features, len(PLAN.numbers(cohort)))
        n = (index["status"] != "done").sum()
        if n:
            yield f"{n} of {len(index)} spots of the cohort {cohort} could not be used"


def mistakes():
    """What the steps of this run called a user's mistake, read from their logs."""
    logs = sorted(path for path in LOGS.rglob("*.log") if is_new(path))
    text = "\n".join(path.read_text("utf-8", "replace") for path in logs)
    return [line for line in text.splitlines() if line.startswith(MISTAKE)]
