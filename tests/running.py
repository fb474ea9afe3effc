"""Run the shipped workflow in a folder of one's own."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import yaml
from tests.forks import in_a_fork

from histosurv.cohort.demo import simulate
from histosurv.publish import write_table
from histosurv.report.tables import read_metrics

ROOT = Path(__file__).parents[1]

# The least that is a whole study. The encoder's weights are ten megabytes, not half a gigabyte.
QUICK = {
    "features": {"encoder": "torchvision/mobilenet_v3_small", "precision": "fp32"},
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


# Figures and tables of the report that tell the batch size, or what the clock said.
NAMING_BATCHES_OR_TIMES = {"settings", "time", "steps", "throughput"}


def run_snakemake(folder, *arguments, **options):
    """Run the shipped Snakefile in a folder, its config overlaid with some settings."""
    command, environment = snakemake_in(folder, *arguments, **options)
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def run_quickly(folder, *arguments, **options):
    """The same where the run is only a means to its results: see `tests.forks.serve`."""
    command, environment = snakemake_in(folder, *arguments, **options)
    program = "snakemake"
    return in_a_fork([program, *command[command.index(program) + 1 :]], environment=environment)


def snakemake_in(
    folder, *arguments, config=None, config_file=ROOT / "config.yaml", cores=2, profile=None
):
    """Command and environment for it; a profile other than the default brings its own cores."""
    over = folder / "over.yaml"
    over.write_text(yaml.safe_dump(config or {}), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile", "--directory", folder),
        *("--workflow-profile", profile or ROOT / "profiles" / "default"),
        *([] if profile else ["--cores", str(cores)]),
        *arguments,
        *("--configfile", config_file, over),
    ]
    # The steps call `histosurv`: that of the interpreter which runs the tests.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return command, {**os.environ, "PATH": path}


def run_histosurv(*words, folder="."):
    """Run a command of histosurv, in a fork."""
    return in_a_fork(["histosurv", *words], folder=folder)


def simulate_imported(folder, n_patients, seed):
    """Tables of a simulated cohort, and features from elsewhere in place of images."""
    cohort = simulate(n_patients, seed=seed)
    write_table(cohort.patients, folder / "patients.csv")
    write_table(cohort.spots.drop(columns="image"), folder / "spots.csv")
    for number, spot in enumerate(cohort.spots["spot_id"]):
        write_spot(folder, spot, seed=1000 * seed + number)


def write_spot(folder, spot, seed):
    """Features of two tiles."""
    values = np.random.default_rng(seed).random((2, 8), dtype=np.float32)
    (folder / "features").mkdir(exist_ok=True)
    with h5py.File(folder / "features" / f"{spot}.h5", "w") as file:
        file["features"] = values


def rules_to_run(folder, *arguments, config=None):
    """Names of the rules that a dry run would run."""
    run = dry_run(folder, *arguments, "--quiet", "rules", config=config)
    assert run.returncode == 0, output_of(run)
    lines = [line.split() for line in output_of(run).splitlines()]
    named = {line[0] for line in lines if len(line) == 2 and line[1].isdigit()}
    return named - {"all", "total"}


def dry_run(folder, *arguments, config=None):
    """Ask Snakemake for its plan."""
    return run_quickly(folder, *arguments, "-n", config=config)


def figures(folder):
    """Metrics of each score by itself, indexed by score and estimand."""
    metrics = read_metrics(folder / "results/development/evaluation/metrics.csv")
    alone = (metrics["against"] == "") & (metrics["subgroup"] == "")
    return metrics[alone].set_index(["score", "estimand"])


def output_of(run):
    return run.stdout + run.stderr


def made(folder, *, batches=False):
    """Bytes of every file of a run that must be the same in another one, by path.

    Files of single batches are asked for where both are cut alike; the clock and the place differ.
    """
    results = folder / "results"
    left_out = {"benchmarks", "throughput"} | (set() if batches else {"batches", "spots"})
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in sorted(results.rglob("*"))
        if path.is_file()
        and not left_out & set(path.relative_to(results).parts)
        and path.name not in {"config.yaml", "study.html", "provenance.json"}
        and path.stem not in NAMING_BATCHES_OR_TIMES
    }


def differing(one, two):
    """Paths of which one run has other bytes than the other, or none."""
    return sorted(path for path in one.keys() | two.keys() if one.get(path) != two.get(path))
