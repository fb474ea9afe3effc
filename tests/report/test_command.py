"""`histosurv report` at the command line."""

import subprocess
import sys

import pytest
from tests.report.whole_run import whole_run


def report(*arguments):
    command = [sys.executable, "-m", "histosurv", "report", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return whole_run(tmp_path_factory.mktemp("results")).results


def test_two_runs_are_told_apart(results, tmp_path):
    told = report("--compare", results, results, "--out", tmp_path / "compare.html")
    assert told.returncode == 0, told.stderr
    assert "no difference" in told.stdout.lower()
    assert "<html" in (tmp_path / "compare.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name the folder of the results, or two runs with --compare"),
        (["nowhere"], "nowhere/config.yaml: there is no such file; name the folder of a finished"),
        (["--compare", "nowhere", "elsewhere"], "nowhere"),
    ],
)
def test_a_mistake_is_one_line(arguments, told):
    run = report(*arguments)
    assert run.returncode != 0
    assert told in run.stderr
    assert "Traceback" not in run.stderr
