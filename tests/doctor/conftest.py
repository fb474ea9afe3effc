"""Folders for `histosurv doctor` to look at, on a machine without Slurm."""

import shutil

import pytest
from tests.doctor.examining import SCRIPTS
from tests.running import ROOT

from histosurv.cohort.demo import write_demo


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder, on a machine without Slurm."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PATH", SCRIPTS)
    for name in ("SLURM_JOB_ID", "PYTHONPATH", "HF_TOKEN", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "here"


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """Tables and images of a few patients."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, n_patients=24, spot_px=224, seed=2018)
    return folder


@pytest.fixture
def simulated(folder, demo):
    """A working folder with a small study that has no mistake."""
    shutil.copytree(demo, folder / "demo")
    shutil.copy(ROOT / "config.yaml", folder)
    return folder
