"""Run the shipped workflow in a folder of one's own."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]

# The least that is a whole study.
QUICK = {
    "resampling": {"folds": 2},
    "evaluation": {"resamples": 100},
    "models": {
        "baselines": ["logistic"],
        "clinical": [],
        "attribution": {"run": False},
        "lstm": {"units": [4]},
        "training": {"max_epochs": 1, "initialisations": 1},
    },
}


def run_snakemake(folder, *arguments, config=None, config_file=ROOT / "config.yaml", cores=2):
    """Run the shipped Snakefile in a folder, its config overlaid with some settings."""
    over = folder / "over.yaml"
    over.write_text(yaml.safe_dump(config or {}), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "--directory", folder),
        *("--workflow-profile", ROOT / "profiles" / "default", "--cores", str(cores)),
        *arguments,
        *("--configfile", config_file, over),
    ]
    # The steps call `histosurv`: that of the interpreter which runs the tests.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )


def output_of(run):
    return run.stdout + run.stderr
