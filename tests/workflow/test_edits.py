"""What is edited after a finished run is noticed, at once and wholly."""

import os
import shutil

import h5py
import pandas as pd
import pytest
from tests.running import (
    QUICK,
    dry_run,
    output_of,
    rules_to_run,
    run_quickly,
    simulate_imported,
    write_spot,
)

CONFIG = QUICK | {
    "cohorts": {"development": {"patients": "patients.csv", "spots": "spots.csv"}},
    "features": {"import": "features"},
    "spots_per_job": 20,
    "resampling": {"scheme": "single"},
    "models": QUICK["models"] | {"baselines": []},
}
METRICS = "results/development/evaluation/metrics.csv"


def run(folder, target=METRICS):
    result = run_quickly(folder, target, config=CONFIG)
    assert result.returncode == 0, output_of(result)
    return output_of(result)


def left_to_run(folder):
    return rules_to_run(folder, METRICS, config=CONFIG)


def edit(path, change):
    change(table := pd.read_csv(path, dtype=str, keep_default_na=False))
    table.to_csv(path, index=False)


def make_older(path):
    os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished evaluation on imported features of two batches."""
    folder = tmp_path_factory.mktemp("finished")
    simulate_imported(folder, 30, seed=4)
    run(folder)
    assert "Nothing to be done" in run(folder)
    return folder


@pytest.fixture
def done(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


LATER = {"train", "scores", "evaluate"}


def test_a_copied_study_has_nothing_to_do(done):
    assert left_to_run(done) == set()


def test_other_features_of_one_spot_run_their_batch(done):
    write_spot(done, "P0001_1", seed=99)
    make_older(done / "features/P0001_1.h5")
    assert left_to_run(done) == {"import_features", "cohort", "folds", *LATER}


def test_an_outcome_in_an_older_file_is_noticed(done):
    edit(done / "patients.csv", lambda table: table.loc.__setitem__((0, "time_months"), "33.3"))
    make_older(done / "patients.csv")
    assert left_to_run(done) == {"cohort", "folds", *LATER}


def test_an_edit_of_both_tables_is_done_in_one_run(done):
    edit(done / "patients.csv", lambda table: table.loc.__setitem__((0, "age"), "44"))
    write_spot(done, "P0001_1", seed=98)
    edit(done / "spots.csv", lambda table: table.loc.__setitem__((1, "patient_id"), "P0009"))
    run(done, "results/development/cohort/folds.csv")
    assert left_to_run(done) == LATER
    with (
        h5py.File(done / "features/P0001_1.h5") as theirs,
        h5py.File(done / "results/development/features/P0001_1.h5") as ours,
    ):
        assert (theirs["features"][:] == ours["features"][:]).all()


def test_missing_features_are_named_before_the_run_starts(done):
    (done / "features/P0003_1.h5").unlink()
    result = dry_run(done, config=CONFIG)
    assert result.returncode != 0
    assert "histosurv: features/P0003_1.h5: no features for spot 'P0003_1'" in output_of(result)
