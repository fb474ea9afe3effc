"""Run the shipped workflow in a folder of one's own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import snakemake.cli
import yaml

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
    """Ask Snakemake for its plan; as `run_snakemake` with ``-n``, but sooner."""
    command, _ = snakemake_in(folder, *arguments, "-n", config=config)
    status, told = _planned(list(map(str, command[3:])))
    return subprocess.CompletedProcess(command, status, told, "")


def _planned(arguments):
    """Status and output of a Snakemake that runs nothing, in a fork of this process.

    The tests ask for some seventy plans. To import Snakemake for each takes longer than the plan.
    """
    with tempfile.TemporaryFile("w+") as out:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
                sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115
                snakemake.cli.main(arguments)
            except SystemExit as end:
                is_text = isinstance(end.code, str)  # which Python prints before it fails
                print(end.code if is_text else "")
                status = 1 if is_text else end.code
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        return os.waitstatus_to_exitcode(status), out.read()


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
