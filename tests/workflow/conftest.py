"""Whole runs of the workflow in a temporary folder."""

import shutil

import pytest
from tests.running import output_of, run_quickly

from histosurv.cohort.demo import write_demo

N_PATIENTS = 48
N_FOR_SIGNAL = 180  # 95 % power for the planted signal: see test_signal.py


def run_demo(folder, n_patients):
    """Run the shipped config on a simulated cohort to its end."""
    write_demo(folder / "demo", n_patients=n_patients, spot_px=448, seed=2018)
    run = run_quickly(folder)
    assert run.returncode == 0, output_of(run)
    return folder


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """A finished run of the shipped config on a few patients."""
    return run_demo(tmp_path_factory.mktemp("study"), N_PATIENTS)


@pytest.fixture(scope="session")
def large_study(tmp_path_factory):
    """The same on as many as the signal takes."""
    return run_demo(tmp_path_factory.mktemp("large"), N_FOR_SIGNAL)


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
