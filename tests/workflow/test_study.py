"""The demo, whole: its tables, its report, and what a second run does."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from tests.running import figures, output_of, rules_to_run, run_quickly
from tests.workflow.conftest import N_PATIENTS

from histosurv.report.spec import captions, categories

RERUNS = yaml.safe_load((Path(__file__).parent / "reruns.yaml").read_text(encoding="utf-8"))
MODELS = ["lstm", "logistic", "naive_bayes", "svm"]


def test_readers_stand_beside_the_lstm_in_the_metrics(study):
    metrics = pd.read_csv(study / "results/development/evaluation/metrics.csv")
    assert (metrics["estimand"] == "kappa").sum() == 4
    matched = metrics[metrics["estimand"] == "sensitivity_60m_matched_difference"]
    assert set(matched["score"]) == {"lstm"}
    assert {"reader_1", "visual_risk"} <= set(matched["against"])


def test_spots_bring_blocks_and_remarks_to_the_metrics(study):
    metrics = pd.read_csv(study / "results/development/evaluation/metrics.csv")
    assert metrics["subgroup"].str.startswith("without block", na=False).sum() > 1
    assert "auc_ipcw_60m_spots_without_remark" in set(metrics["estimand"])


def test_second_run_has_nothing_to_do(study):
    run = run_quickly(study)
    assert run.returncode == 0
    assert "Nothing to be done" in output_of(run)


def test_tables_have_a_row_for_everybody(study):
    results = study / "results"
    patients = pd.read_csv(results / "development/cohort/patients.csv")
    scores = pd.read_csv(results / "development/scores.csv")
    assert len(patients) == N_PATIENTS
    assert (scores[scores["score"].isin(MODELS)].groupby("score").size() == N_PATIENTS).all()
    spots = pd.read_csv(study / "demo/spots.csv")
    tiles = pd.concat(pd.read_csv(path) for path in (results / "development/spots").glob("*.csv"))
    assert (tiles.groupby("spot_id").size() == 4).all()
    assert set(tiles["spot_id"]) == set(spots["spot_id"])
    assert set(tiles["keep"]) == {1}
    with h5py.File(results / "development/features" / f"{spots.spot_id[0]}.h5") as file:
        assert file["features"].shape == (4, 4096)
        assert file["features"].dtype == np.float32


def test_the_feature_files_are_what_was_written_and_the_time_is_told(study):
    folder = study / "results/development/features"
    command = [sys.executable, "-m", "histosurv", "features", "verify", folder]
    run = subprocess.run(command, capture_output=True, text=True)
    n_spots = len(pd.read_csv(study / "demo/spots.csv"))
    assert f"{n_spots} feature files are as they were written" in run.stdout
    times = pd.read_csv(folder / "throughput/0000.csv").iloc[0]
    assert times["tiles"] == 4 * times["spots"]
    page = (study / "results/report/study.html").read_text(encoding="utf-8")
    assert f"<td>{4 * n_spots} (" in page  # tiles, and how many are distinct


@pytest.mark.parametrize(
    ("command", "of_run", "names"),
    [
        (
            ["attribute", "results/models/lstm/1_2", "--repeat", "1", "--fold", "2"],
            "results/models/lstm/1_2",
            ["attribution.csv", "orders.csv"],
        ),
        (
            ["baseline", "svm", "--repeat", "1", "--fold", "2", "--settings", "1"],
            "results/models/svm/1_2",
            ["scores.csv", "validation.csv", "calibration.json", "tuning.csv"],
        ),
    ],
)
def test_a_step_by_hand_gives_what_it_gave_in_the_run(study, tmp_path, command, of_run, names):
    folders = ["--cohort", "results/development/cohort", "--batches", "1", "--out", tmp_path]
    folders += ["--features", "results/development/features"]
    words = [sys.executable, "-m", "histosurv", *command, *folders]
    run = subprocess.run(words, cwd=study, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for name in names:
        assert (tmp_path / name).read_bytes() == (study / of_run / name).read_bytes(), name


def test_report_says_what_the_metrics_table_says(study):
    page = (study / "results/report/study.html").read_text(encoding="utf-8")
    for estimand in ("auc_ipcw_60m", "hr_high_low", "auc_60m"):
        row = figures(study).loc[("lstm", estimand)]
        told = f"{row['estimate']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"
        assert f'data-score="lstm" data-estimand="{estimand}">{told}<' in page
    drawn = set(re.findall(r'id="figure-(\w+)"', page))
    assert drawn == {path.stem for path in (study / "results/report/figures").glob("*.svg")}
    assert {"flow", "roc", "kaplan_meier", "forest", "risk_maps", "tiles", "time"} <= drawn
    missing = set(re.findall(r'id="missing-(\w+)"', page))
    assert missing == {"exclusions", "findings", "tuning", "controls"}
    text = re.sub(r'data:[^"\')]+|<(script|style).*?</\1>', "", page, flags=re.S)
    assert "http" not in text.replace("http://www.w3.org", "")  # names of SVG, not addresses
    assert "random numbers" in page
    assert "Internal validation only" in page
    for word in (" nan", "NaN", "p = 0.000", ">None<", "inf "):
        assert word not in text
    assert str(study) not in page  # where it lies is nobody's business


def test_orders_stand_in_the_metrics_and_tiles_in_a_table_of_their_own(study):
    metrics = pd.read_csv(study / "results/development/evaluation/metrics.csv")
    assert set(metrics.loc[metrics["estimand"] == "order_spread", "score"]) == {"lstm"}
    tables = (study / "results/models/lstm").glob("1_*/attribution.csv")
    contributions = pd.concat(pd.read_csv(path) for path in tables)
    assert len(contributions) == 4 * len(pd.read_csv(study / "demo/spots.csv"))
    page = (study / "results/report/study.html").read_text()
    assert 'id="table-orders"' in page


def test_the_record_names_inputs_and_what_was_typed(study):
    record = json.loads((study / "results/report/provenance.json").read_text())
    assert {row["table"] for row in record["inputs"]} == {
        "development: patients",
        "development: spots",
    }
    assert all(len(row["sha256"]) == 64 for row in record["inputs"])
    assert "snakemake" in record["command"]
    assert "--cores 2" in record["command"]
    assert str(study) not in record["command"]


def test_the_report_of_the_run_shows_every_figure_and_table_with_its_caption(study):
    run = run_quickly(study, "--report", "results/report/run.zip")
    assert run.returncode == 0, output_of(run)
    assert "rst" not in output_of(run)  # a caption that cannot be read is only printed
    with zipfile.ZipFile(study / "results/report/run.zip") as archive:
        names = {Path(name).name for name in archive.namelist()}
        page = archive.read("run/report.html").decode()
    folder = study / "results/report"
    shown = {path.name for path in (folder / "figures").glob("*.svg")}
    shown |= {path.name for path in (folder / "tables").glob("*.csv")}
    assert shown | {"study.html"} <= names
    for name in ("kaplan_meier", "hazard_ratios"):
        caption = captions()[name].partition(".")[0]
        assert caption in page
    for category in set(categories().values()):
        assert category in page


def test_logs_are_quiet(study):
    logs = [path for path in (study / "logs").rglob("*.log") if path.is_file()]
    assert len(logs) > 20
    assert not [path for path in logs if b"\r" in path.read_bytes()]


def test_log_names_the_defaults_that_the_paper_does_not_confirm(study):
    log = (study / "logs/config.log").read_text()
    assert "models: training: learning_rate = 0 (default, not confirmed by the paper)" in log
    assert "lstm: units" not in log


@pytest.mark.parametrize(("change", "rules"), RERUNS["settings"], ids=str)
def test_a_changed_setting_reruns_what_it_touches_and_nothing_else(study, change, rules):
    assert rules_to_run(study, config=change) == {"config_as_run", *rules}


@pytest.mark.parametrize(("change", "rules"), RERUNS["files"].items(), ids=str)
def test_a_changed_file_reruns_what_it_touches_and_nothing_else(study, change, rules):
    what, _, name = change.partition(" ")
    path = study / name
    kept, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    if what == "touched":
        os.utime(path)
    elif what == "lost":
        path.unlink()
    try:
        assert rules_to_run(study) == set(rules)
    finally:
        path.write_bytes(kept)
        os.utime(path, ns=times)


@pytest.mark.parametrize("arguments", RERUNS["nothing"], ids=str)
def test_where_and_how_fast_it_runs_reruns_nothing(study, arguments):
    assert rules_to_run(study, *arguments) == set()
