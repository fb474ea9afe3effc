"""A folder of one's own for a study, run by the installed package."""

import shutil
from pathlib import Path

from histosurv.cohort.demo import write_demo
from histosurv.config import DEVELOPMENT, SHIPPED, read_config
from histosurv.errors import InputError
from histosurv.progress import say
from histosurv.publish import published

DEMO = "demo"
DEMO_TABLES = {"patients": "demo/patients.csv", "spots": "demo/spots.csv"}
N_PATIENTS, SPOT_PX, SEED = 120, 448, 2018  # of the demo, as `histosurv demo` draws it
PROFILES = ("profiles/default", "workflow/profiles/local", "workflow/profiles/slurm")
SNAKEFILE = """\
# The workflow is that of the installed histosurv; the study is config.yaml.
#   snakemake [-n]       run or continue it; with -n say what is to be done

from histosurv.config import SHIPPED


include: str(SHIPPED / "Snakefile")


# Of an included file no rule is the default one.
rule study:
    default_target: True
    input:
        rules.all.input,
    localrule: True
"""
IGNORED = "/results/\n/logs/\n.snakemake/\n"


def studies() -> list[str]:
    """Names of the studies that a folder can be laid out for."""
    return [DEMO, *sorted(path.stem for path in (SHIPPED / "configs").glob("*.yaml"))]


def lay_out(folder: Path, study: str = DEMO) -> None:
    """Write what a study needs besides its data.

    Parameters
    ----------
    folder : pathlib.Path
        Is made; whatever else is in it stays.
    study : str
        One of `studies`: the simulated demo, whose data are drawn too, or a published study, whose
        config says what is to be brought.

    Raises
    ------
    InputError
        No such study, or a file that would be overwritten.
    """
    if study not in studies():
        raise InputError(f"--study {study}: there is none; take one of {', '.join(studies())}")
    texts = {"Snakefile": SNAKEFILE, "config.yaml": _config(study), ".gitignore": IGNORED}
    for name in (*texts, *PROFILES, *([DEMO] if study == DEMO else [])):
        if (folder / name).exists():
            raise InputError(f"{folder / name}: is there already; name another folder")
    for name in PROFILES:
        shutil.copytree(SHIPPED / name, folder / name)
    if study == DEMO:
        say(f"drawing the pictures of {N_PATIENTS} patients")
        write_demo(folder / DEMO, n_patients=N_PATIENTS, spot_px=SPOT_PX, seed=SEED)
    for name, text in texts.items():
        with published(folder / name) as temporary:
            temporary.write_text(text, "utf-8")


def _config(study: str) -> str:
    path = SHIPPED / ("config.yaml" if study == DEMO else f"configs/{study}.yaml")
    cohorts = read_config(path).get("cohorts")
    own = cohorts.get(DEVELOPMENT) if isinstance(cohorts, dict) else None
    named = {kind: own.get(kind) for kind in DEMO_TABLES} if isinstance(own, dict) else {}
    if study == DEMO and named != DEMO_TABLES:
        raise InputError(  # in a clone, where a study of one's own may have been made of it
            f"{path}: does not name the demo's tables any more; restore it, or lay out a study of "
            "your own with --study own"
        )
    return path.read_text("utf-8")
