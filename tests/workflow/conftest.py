"""Whole runs of the workflow in a temporary folder."""

import shutil

import pytest
from tests.running import output_of, run_snakemake

from histosurv.cohort.demo import write_demo

# 95 % power for the planted signal: see test_study.py.
N_PATIENTS = 180


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A finished run of the shipped config on a simulated cohort."""
    folder = tmp_path_factory.mktemp("study")
    write_demo(folder / "demo", n_patients=N_PATIENTS, spot_px=448, seed=2018)
    run = run_snakemake(folder)
    assert run.returncode == 0, output_of(run)
    return folder


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """Tables and images of a few patients."""
    folder = tmp_path_factory.mktemp("few")
    write_demo(folder / "demo", n_patients=12, spot_px=224, seed=5)
    return folder


@pytest.fixture
def small(few, tmp_path):
    """A folder of one's own with a few patients, nothing run yet."""
    shutil.copytree(few / "demo", tmp_path / "demo")
    return tmp_path
