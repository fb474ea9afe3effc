import math

import numpy as np
import pandas as pd
import pytest
import yaml

from histosurv.cohort.folds import rotate
from histosurv.cohort.tables import read_patients
from histosurv.config import complete
from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.scores import read_scores
from histosurv.features.store import write_features
from histosurv.models.inner import tuning_table
from histosurv.publish import write_table
from histosurv.report.build import build_report
from histosurv.report.controls import control_section
from histosurv.report.wording import interval, number, p_value

WHEN = ("before", "after")
HOSTILE = '<script>alert("1")</script>'
RECIPE = {
    "encoder": "vgg16", "weights": "random, seed 1", "fully_connected": "random, seed 1",
    "layer": "fc2 after ReLU", "precision": "fp32",
}  # fmt: skip


@pytest.fixture
def study(tmp_path):
    """Folders of the rooms, with a hostile id, score and title."""
    rng = np.random.default_rng(0)
    n = 60
    patients = pd.DataFrame(
        {
            "patient_id": [HOSTILE, *(f"P{i}" for i in range(1, n))],
            "time_months": rng.uniform(5, 110, n).round(1),
            "event": rng.integers(0, 3, n),
        }
    )
    write_table(patients, tmp_path / "cohort/patients.csv")
    patients = read_patients(tmp_path / "cohort/patients.csv")
    folds = rotate(patients, n_repeats=1, n_folds=3, strata=[], seed=1)
    write_table(folds, tmp_path / "cohort/folds.csv")
    reasons = pd.DataFrame(
        [(HOSTILE, "spot table", "no & reason")], columns=["id", "stage", "reason"]
    )
    write_table(reasons, tmp_path / "cohort/exclusions.csv")
    tested = folds[folds["part"] == "test"].drop(columns="part")
    scores = pd.concat(
        tested.assign(score=name, value=rng.standard_normal(n), risk_60m="", threshold=0.0)
        for name in ("lstm", HOSTILE)
    )
    write_table(scores, tmp_path / "scores.csv")
    write_features(
        tmp_path / "features/a.h5", np.ones((1, 2)), np.ones((1, 2)), recipe=RECIPE, image_sha256=""
    )
    index = pd.DataFrame({"spot_id": ["a"], "status": "done", "reason": "", "file": "a.h5"})
    write_table(
        index.assign(n_tiles=1, n_features=2, sha256=""), tmp_path / "features/batches/0000.csv"
    )
    for job in ("1_1", "1_2", "1_3"):
        curve = {"epoch": [1, 2], "fit_error": 0.6, "penalty": 0.1, "validation_error": 0.65}
        curve |= {"gradient_norm": 1.0, "score_sd": 0.3, "best": [0, 1], "initialisation": 1}
        write_table(pd.DataFrame(curve), tmp_path / f"models/lstm/{job}/training.csv")
        rows = [(1, "forward", tile, 0.1 * tile, 9, when) for tile in (1, 2) for when in WHEN]
        columns = ["layer", "direction", "tile", "norm", "n", "moment"]
        gradients = pd.DataFrame(rows, columns=columns)
        write_table(gradients, tmp_path / f"models/lstm/{job}/gradients.csv")
        for name in ("lstm", "logistic", "naive_bayes", "svm"):
            settings = ["{}", '{"rate_factor": 0.3}'] if name == "lstm" else ["{}"]
            tuning = tuning_table(settings, np.array([[0.6, 0.7], [0.5, 0.6]])[: len(settings)])
            write_table(tuning, tmp_path / f"models/{name}/{job}/tuning.csv")
    config = complete({"title": HOSTILE, "cohorts": {"development": {"patients": "", "spots": ""}}})
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path, patients


def build(study):
    folder, patients = study
    result = evaluate(patients, read_scores(folder / "scores.csv", patients))
    for name, table in {"metrics": result.metrics, **result.curves}.items():
        write_table(table, folder / f"evaluation/{name}.csv")
    build_report(
        config_path=folder / "config.yaml",
        cohort=folder / "cohort",
        features=folder / "features",
        models=folder / "models",
        evaluation=folder / "evaluation",
        out=folder / "study.html",
    )
    return (folder / "study.html").read_text(encoding="utf-8")


def test_networks_that_learnt_nothing_are_told(study):
    assert "same score" not in build(study)
    path = study[0] / "models/lstm/1_2/training.csv"
    write_table(pd.read_csv(path).assign(score_sd=1e-4), path)
    assert "1 of 3 networks give (nearly) everybody the same score" in build(study)


def test_a_model_that_tells_nobody_apart_is_told(study):
    told = "the scores of the tested patients are (nearly) the same"
    assert told not in build(study)
    scores = pd.read_csv(study[0] / "scores.csv")
    write_table(scores.assign(value=0.01 * scores["value"]), study[0] / "scores.csv")
    assert told in build(study)


def test_settings_that_were_tried_are_told_with_their_figures(study):
    page = build(study)
    assert "<td>as in the config</td><td>0.650</td><td>3 of 3</td>" in page
    assert "<td>rate_factor 0.3</td><td>0.550</td><td>0 of 3</td>" in page


def test_controls_that_find_something_are_a_warning(study, tmp_path):
    assert "Negative controls" not in build(study)
    folder = study[0]
    metrics = pd.read_csv(folder / "evaluation/metrics.csv")
    is_auc = (metrics["score"] == "lstm") & (metrics["estimand"] == "auc_60m_within_folds")
    for control, low, high in (("permuted", 0.4, 0.6), ("background", 0.61, 0.8)):
        metrics.loc[is_auc, ["estimate", "lower", "upper"]] = (low + high) / 2, low, high
        write_table(metrics, folder / f"controls/{control}/development/evaluation/metrics.csv")
    tables = {
        name: folder / f"controls/{name}/development/evaluation/metrics.csv"
        for name in ("permuted", "background")
    }
    section = control_section(tables, asked=True)
    assert [row["verdict"] for row in section["rows"]] == [
        "as it should be",
        "look: 0.5 is not in the interval",
        "not run: the spots are not in several blocks, or folds hold whole blocks",
    ]
    metrics.loc[is_auc, ["lower", "upper"]] = np.nan
    write_table(metrics, tables["permuted"])
    assert control_section(tables, asked=False)["rows"][0]["verdict"] == "cannot be told"
    (told,) = section["warnings"]
    assert "From tiles of bare glass alone Recurrent network on tile features has an AUC" in told


def test_hostile_names_are_text(study):
    page = build(study)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4  # title, heading, score, exclusion; figures too


def test_methods_say_what_the_folds_are_balanced_by(study):
    assert "3 folds balanced by the five-year outcome, 10 times" in build(study)
    config = yaml.safe_load((study[0] / "config.yaml").read_text())
    config["cohort"] |= {"strata": ["stage"], "readers": ["r1"]}
    (study[0] / "config.yaml").write_text(yaml.safe_dump(config))
    page = build(study)
    assert "3 folds balanced by the five-year outcome and stage, 10 times" in page
    assert "a patient whose vote is tied" in page


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("models/lstm/rate_factor", 0.3, "(learning rate 0.0003, 32 patients per step"),
        ("models/tuning/settings", 1, "No model&#39;s settings were tuned"),
        ("models/tuning/inner_folds", 4, "best of up to 6 by 4-fold inner cross-validation"),
        ("models/clinical", ["age", "pT"], "(ridge Cox regression on age, pT; numbers by"),
        ("models/attribution/orders", 7, "scored again with the tiles in 7 random orders"),
        ("resampling/scheme", "blocks", "3 folds of whole tissue-microarray blocks"),
    ],
)
def test_methods_say_what_the_settings_say(study, path, value, told):
    file = study[0] / "config.yaml"
    config = yaml.safe_load(file.read_text())
    *folders, last = path.split("/")
    part = config
    for key in folders:
        part = part[key]
    part[last] = value
    file.write_text(yaml.safe_dump(config))
    for job in ("1_1", "1_2", "1_3"):
        tuning = tuning_table(["{}"], np.empty((1, 0)))
        write_table(tuning, study[0] / f"models/clinical/{job}/tuning.csv")
    assert told in build(study)


def test_same_tables_same_bytes(study):
    assert build(study) == build(study)


def test_lstm_with_everybody_on_one_side_leaves_a_report_with_a_reason(study):
    folder, _ = study
    scores = pd.read_csv(folder / "scores.csv", dtype={"patient_id": str})
    scores.loc[scores["score"] == "lstm", "value"] = -1.0
    write_table(scores, folder / "scores.csv")
    page = build(study)
    assert "not estimable: nobody is at high risk" in page
    assert "nan" not in page.replace("dominant", "").lower().split("<svg")[0]


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "p < 0.001"), (0.00099, "p < 0.001"), (0.0314, "p = 0.031"), (0.5, "p = 0.50")],
)
def test_p_values_are_never_zero(p, text):
    assert p_value(p) == text


def test_numbers_that_are_none_are_dashes_or_reasons():
    assert number(math.nan) == "–"
    row = pd.Series({"estimate": math.nan, "lower": math.nan, "upper": math.nan, "note": "why"})
    assert interval(row) == "not estimable: why"
    row = pd.Series({"estimate": 1.234, "lower": 1.0, "upper": 2.0, "note": ""})
    assert interval(row) == "1.23 (1.00 to 2.00)"
