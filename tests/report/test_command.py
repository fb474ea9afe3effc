"""`histosurv report` at the command line."""

import pandas as pd
import pytest
from tests.report.whole_run import whole_run
from tests.running import run_histosurv

from histosurv.publish import write_table
from histosurv.report.opening import open_results


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return whole_run(tmp_path_factory.mktemp("results")).results


def test_two_runs_are_told_apart(results, tmp_path):
    told = run_histosurv(
        "report", "--compare", results, results, "--out", tmp_path / "compare.html"
    )
    assert told.returncode == 0, told.stderr
    assert "no difference" in told.stdout.lower()
    assert "<html" in (tmp_path / "compare.html").read_text()


def test_a_folder_alone_is_the_whole_run(tmp_path):
    whole_run(tmp_path, controls=["permuted"], spots_per_job=40)
    index = tmp_path / "development/features/batches/0000.csv"
    table = pd.read_csv(index, keep_default_na=False)
    for batch in range(3):
        write_table(table[40 * batch : 40 * (batch + 1)], index.with_name(f"{batch:04d}.csv"))
    write_table(table[:1], index.with_name("0003.csv"))  # of an older, smaller batch size
    for control in ("permuted", "block"):  # the second of an older config
        path = tmp_path / f"controls/{control}/development/evaluation/metrics.csv"
        write_table(pd.DataFrame({"score": []}), path)
    (tmp_path / "benchmarks").mkdir()
    run = open_results(tmp_path)
    assert (run.n_batches, len(run.index)) == (3, 90)
    assert run.controls == ["permuted"]
    assert run.benchmarks == tmp_path / "benchmarks"
    assert open_results(tmp_path, n_batches=1).n_batches == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name the folder of the results, or two runs with --compare"),
        (
            ["nowhere"],
            "nowhere: no results of a run (the folder development is missing); name the folder",
        ),
        (["--compare", "nowhere", "elsewhere"], "nowhere"),
    ],
)
def test_a_mistake_is_one_line(arguments, told):
    run = run_histosurv("report", *arguments)
    assert run.returncode != 0
    assert told in run.stderr
    assert "Traceback" not in run.stderr
