"""The plan of a study grows with its batches, and to read it takes nothing heavy."""

import re
import shutil
import subprocess
import sys

import pytest
from benchmarks.scale import snakemake, write_cohort
from tests.running import ROOT, output_of, snakemake_in

PER_JOB = 64  # spots, as shipped


def jobs(folder, n_spots, *, regions=0):
    """Jobs of each rule, and the peak of memory in MB, of a made-up study's plan."""
    write_cohort(folder / "demo", n_spots, regions)
    shutil.copy(ROOT / "config.yaml", folder)
    _, peak, told = snakemake(folder, "-n", "--quiet", "all")
    return dict(re.findall(r"^(\w+) +(\d+)$", told, re.MULTILINE)), peak


@pytest.mark.parametrize("regions", [0, 100])
def test_jobs_grow_with_batches_and_not_with_spots(tmp_path, regions):
    counted, _ = jobs(tmp_path, 10 * PER_JOB + 1, regions=regions)
    assert counted["tiles"] == counted["features"] == "11"
    assert counted["train"] == "3"
    assert int(counted["total"]) < 2 * 11 + 40


@pytest.mark.soak
def test_a_hundred_thousand_spots_are_planned_in_two_gigabytes(tmp_path):
    counted, peak = jobs(tmp_path, 100_000)
    assert counted["tiles"] == "1563"
    assert peak < 2000


def test_the_snakefile_needs_no_library_that_takes_long_to_load(tmp_path):
    write_cohort(tmp_path / "demo", 100, 0)
    command, environment = snakemake_in(tmp_path, "-n", "--quiet", "all")
    assert command[0] == sys.executable
    command.insert(1, "-Ximporttime")
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, output_of(run)
    loaded = set(re.findall(r"\| +(\w+)$", run.stderr, re.MULTILINE))
    assert {"pandas", "snakemake"} <= loaded
    assert not loaded & {"torch", "torchvision", "sklearn", "lifelines", "matplotlib", "skimage"}
