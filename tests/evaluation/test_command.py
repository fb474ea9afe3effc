"""`histosurv evaluate` as a person types it: readers alone, and mistakes in tables."""

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.lifetimes import patients_with
from typer.testing import CliRunner

from histosurv.cli import app

N = 60


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(11)
    risk = rng.standard_normal(N)
    patients = patients_with(rng, risk, 60, (61, 120)).assign(grade=rng.integers(1, 4, N))
    for name, cut in (("a", 0.2), ("b", 0.0), ("c", -0.2)):
        patients[name] = np.where(risk + rng.standard_normal(N) > cut, "high", "low")
    patients.to_csv(tmp_path / "patients.csv", index=False)
    scores = pd.DataFrame({"patient_id": patients["patient_id"], "score": "s", "repeat": 1})
    scores.assign(fold=1, value=risk, threshold=0.0).to_csv(tmp_path / "scores.csv", index=False)
    return tmp_path


def evaluate(folder, *options):
    command = ["evaluate", "--patients", str(folder / "patients.csv"), "--out", str(folder / "out")]
    return CliRunner().invoke(app, [*command, *options])


def change(folder, **columns):
    patients = pd.read_csv(folder / "patients.csv", dtype={"patient_id": str})
    patients.assign(**columns).to_csv(folder / "patients.csv", index=False)


def test_pathologists_and_grade_need_no_scores(folder):
    readers = [word for name in "abc" for word in ("--reader", name)]
    assert evaluate(folder, *readers, "--grade-high", "3").exit_code == 0
    metrics = pd.read_csv(folder / "out/metrics.csv", keep_default_na=False)
    plain = metrics[(metrics["against"] == "") & (metrics["subgroup"] == "")]
    figures = plain.set_index(["score", "estimand"])["estimate"].replace("", None).astype(float)
    for name in ("visual_risk", "grade"):
        # A call has one operating point, and its area is the mean of both shares.
        shares = [figures[name, share] for share in ("sensitivity_60m", "specificity_60m")]
        assert figures[name, "auc_60m_high_low"] == pytest.approx(np.mean(shares))
        assert figures[name, "hr_high_low"] > 0
    assert figures["grade", "auc_60m"] != figures["grade", "auc_60m_high_low"]
    assert (metrics["estimand"] == "kappa").sum() == 4


@pytest.mark.parametrize("declared", ["vote_count", "visual_risk"])
def test_votes_of_one_reader_are_compared_as_that_reader(folder, declared):
    config = folder / "config.yaml"
    config.write_text(f"evaluation: {{against: {declared}, primary: s, resamples: 100}}\n")
    options = ("--scores", str(folder / "scores.csv"), "--config", str(config), "--reader", "a")
    assert evaluate(folder, *options).exit_code == 0
    warnings = (folder / "out/warnings.csv").read_text()
    assert declared not in warnings
    metrics = pd.read_csv(folder / "out/metrics.csv", keep_default_na=False)
    tested = metrics[metrics["estimand"] == "auc_ipcw_60m_difference"]
    adjusted = metrics[metrics["estimand"] == "auc_ipcw_60m_difference_holm"]
    assert "a" in set(tested["against"])
    assert "a" not in set(adjusted["against"])  # it is the declared one


def test_something_must_be_evaluated(folder):
    assert "nothing to evaluate" in str(evaluate(folder).exception)


def test_follow_up_that_ends_before_the_horizon_is_refused(folder):
    time = pd.read_csv(folder / "patients.csv")["time_months"]
    change(folder, time_months=time.clip(upper=58.3), event=1)
    change(folder, event=([1] * (N - 1)) + [0])
    result = evaluate(folder, "--scores", str(folder / "scores.csv"))
    assert "follow-up ends at 58.3 months" in str(result.exception)
    change(folder, time_months=(time / 12).round(2))
    result = evaluate(folder, "--scores", str(folder / "scores.csv"))
    assert "are these years? then multiply by 12" in str(result.exception)


def test_a_cut_at_five_years_is_asked_about_and_can_be_confirmed(folder):
    table = pd.read_csv(folder / "patients.csv")
    beyond = table["time_months"] > 60
    event = table["event"].where(~beyond, 0)
    change(folder, time_months=table["time_months"].clip(upper=60.0), event=event)
    scores = ("--scores", str(folder / "scores.csv"))
    assert "administrative_cut: true" in str(evaluate(folder, *scores).exception)
    assert evaluate(folder, *scores, "--administrative-cut").exit_code == 0
    metrics = pd.read_csv(folder / "out/metrics.csv").set_index("estimand")
    assert metrics.at["n_alive_60m", "estimate"] == beyond.sum()


def test_without_a_death_of_the_cancer_every_figure_has_its_reason(folder):
    event = pd.read_csv(folder / "patients.csv")["event"] * 2
    change(folder, event=event)
    assert evaluate(folder, "--scores", str(folder / "scores.csv")).exit_code == 0
    metrics = pd.read_csv(folder / "out/metrics.csv").set_index("estimand")
    for name in ("auc_60m", "auc_ipcw_60m", "c_harrell", "hr_per_sd", "hr_high_low"):
        assert np.isnan(metrics.at[name, "estimate"])
        assert isinstance(metrics.at[name, "note"], str)
    assert metrics.at["hr_per_sd_overall", "estimate"] > 1
    assert metrics.at["c_harrell_overall", "lower"] > 0.5


def test_a_config_without_a_primary_score_means_its_first_model(folder):
    scores = pd.read_csv(folder / "scores.csv", dtype={"patient_id": str})
    both = pd.concat([scores.assign(score="clinical"), scores.assign(score="svm")])
    both.to_csv(folder / "scores.csv", index=False)
    (folder / "config.yaml").write_text("models: {networks: [lstm], baselines: [svm]}\n")
    options = ("--scores", str(folder / "scores.csv"), "--config", str(folder / "config.yaml"))
    assert evaluate(folder, *options).exit_code == 0
    metrics = pd.read_csv(folder / "out/metrics.csv")
    assert set(metrics.loc[metrics["estimand"] == "auc_60m_difference", "score"]) == {"svm"}


def test_a_score_with_the_name_of_one_from_the_patient_table_is_refused(folder):
    scores = pd.read_csv(folder / "scores.csv", dtype={"patient_id": str})
    for name in ("a", "visual_risk", "vote_count", "grade"):
        scores.assign(score=name).to_csv(folder / "scores.csv", index=False)
        options = ("--scores", str(folder / "scores.csv"), "--reader", "a", "--reader", "b")
        result = evaluate(folder, *options, "--grade-high", "3")
        assert f"has a score {name!r}, as has the patient table" in str(result.exception)


def test_a_reader_without_a_call_is_told(folder):
    change(folder, d="")
    scores = ("--scores", str(folder / "scores.csv"))
    result = evaluate(folder, *scores, "--reader", "d")
    assert result.exit_code == 0
    assert "d: no evaluated patient has a value; left out" in result.output
    assert "no grade has a filled cell" in str(evaluate(folder, "--reader", "d").exception)


def test_scores_of_some_patients_and_names_that_differ_in_capitals_are_told(folder):
    path = folder / "scores.csv"
    scores = pd.read_csv(path, dtype={"patient_id": str})
    few = scores.iloc[:40].assign(score="S")
    pd.concat([scores.iloc[:50], few]).to_csv(path, index=False)
    result = evaluate(folder, "--scores", str(path), "--reader", "a")
    assert result.exit_code == 0, result.output
    told = pd.read_csv(folder / "out/warnings.csv")["warning"]
    [of_first] = [text for text in told if text.startswith("S: 20 of 60 patients have no row")]
    assert of_first.endswith("readers, grade and stage are evaluated on the others")
    assert any(text.startswith("s: 10 of 60 patients have no row") for text in told)
    assert any("differ in capitals alone" in text for text in told)
    assert "S: 20 of 60" in result.output


@pytest.mark.parametrize("code", [0, 1])
def test_a_code_of_the_event_that_nobody_has_is_told(folder, code):
    event = pd.read_csv(folder / "patients.csv")["event"].replace(code, 2)
    change(folder, event=event)
    result = evaluate(folder, "--reader", "a")
    assert result.exit_code == 0, result.output
    assert f"column event: nobody has {code}, " in result.output
