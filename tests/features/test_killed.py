"""SIGKILL at random moments: what is finished stays, what comes after has the same bytes."""

import subprocess
import sys

import pytest
from tests.running import ROOT

from histosurv.features.weights import prepare_weights


@pytest.mark.soak
def test_killed_jobs_resume_to_the_same_bytes(cohort, tmp_path):
    prepare_weights("vgg16", "random", tmp_path / "weights")
    script = [sys.executable, ROOT / "benchmarks/killing.py", *cohort["image"]]
    options = ["--weights", tmp_path / "weights", "--kills", "4", "--seed", "1"]
    run = subprocess.run([*script, *options], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "4 kills" in run.stdout
    assert "0 damaged files" in run.stdout
    assert "0 of 6 files differ" in run.stdout
