# From tissue-microarray spots and a patient table to a survival report.
#   snakemake [-n]       run or continue the study of config.yaml; with -n say what is to be done

from snakemake.utils import min_version

from histosurv.config import looked_at

min_version("9.25")


configfile: looked_at("config.yaml")


# Used with `--sdm apptainer` only; without it the steps run in the environment of Snakemake.
container: "workflow/envs/histosurv.sif"


report: "workflow/report/workflow.rst"  # Snakemake's own, built by `make report`


pathvars:
    results="results",
    logs="logs",
    benchmarks="results/benchmarks",


include: "workflow/rules/common.smk"
include: "workflow/rules/parts.smk"
include: "workflow/rules/functions.smk"
include: "workflow/rules/handlers.smk"
include: "workflow/rules/cohort.smk"
include: "workflow/rules/spots.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/networks.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/explanations.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/controls.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/bundle.smk"
include: "workflow/rules/external.smk"


rule all:
    default_target: True
    input:
        "<results>/report/study.html",
    localrule: True


onstart:
    before_the_first_step()


onsuccess:
    after_the_last_step()


onerror:
    print("The run stopped:", *(mistakes() or ["see the log of the failed step above"]))
