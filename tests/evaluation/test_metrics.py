import numpy as np
import pandas as pd
import pytest
from tests.evaluation.lifetimes import patients_with
from tests.running import run_histosurv

from histosurv.cohort.endpoint import label_60m
from histosurv.errors import InputError
from histosurv.evaluation.metrics import CURVES, evaluate
from histosurv.evaluation.sample import Sample, Score
from histosurv.evaluation.scores import read_scores
from histosurv.evaluation.study import COLUMNS, Settings


@pytest.fixture
def study(tmp_path):
    """Tables of 80 patients with a good score and a useless one."""
    rng = np.random.default_rng(0)
    risk = rng.standard_normal(80)
    patients = patients_with(rng, risk, 70, (50, 120))
    scores = pd.concat(
        pd.DataFrame(
            {
                "patient_id": patients["patient_id"],
                "score": name,
                "repeat": 1,
                "fold": np.arange(80) % 2 + 1,
                "value": value,
                "risk_60m": "",
                "threshold": 0.0,
            }
        )
        for name, value in (("good", risk), ("constant", np.zeros(80)))
    )
    patients.to_csv(tmp_path / "patients.csv", index=False)
    scores.to_csv(tmp_path / "scores.csv", index=False)
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    return tmp_path, patients, scores


def test_every_figure_has_n_events_and_a_method(study):
    folder, patients, _ = study
    metrics = evaluate(patients, read_scores(folder / "scores.csv", patients)).metrics
    assert metrics.columns.tolist() == COLUMNS
    assert metrics[["n", "events"]].notna().all(axis=None)
    assert (metrics["method"] != "").all()
    missing = metrics["estimate"].isna()
    assert (metrics.loc[missing, "note"] != "").all()
    assert set(metrics.loc[missing, "score"]) == {"constant"}  # high risk, all of them
    assert {"hr_high_low", "hr_per_sd", "logrank", "npv_60m"} <= set(
        metrics.loc[missing, "estimand"]
    )
    good = metrics[metrics["score"] == "good"].set_index("estimand")
    assert good.at["auc_60m", "lower"] > 0.5
    assert good.at["hr_high_low", "lower"] > 1


def test_row_order_is_irrelevant(study):
    folder, patients, _ = study
    scores = read_scores(folder / "scores.csv", patients)
    asked = Settings(primary="good", against="constant", resamples=100)
    shuffled = evaluate(
        patients.sample(frac=1, random_state=1),
        scores.sample(frac=1, random_state=2),
        settings=asked,
    )
    result = evaluate(patients, scores, settings=asked)
    pd.testing.assert_frame_equal(shuffled.metrics, result.metrics)
    for name, curve in result.curves.items():
        pd.testing.assert_frame_equal(shuffled.curves[name], curve)


def test_a_constant_score_has_no_skill_and_is_beaten(study):
    folder, patients, _ = study
    asked = Settings(primary="good", against="constant", resamples=200)
    scores = read_scores(folder / "scores.csv", patients)
    metrics = evaluate(patients, scores, settings=asked).metrics
    constant = metrics[metrics["score"] == "constant"].set_index("estimand")
    for name in ("auc_ipcw_60m", "c_uno", "c_harrell", "c_harrell_within_folds"):
        assert constant.loc[name, ["estimate", "lower", "upper", "p"]].tolist() == pytest.approx(
            [0.5] * 3 + [1.0]
        )
    against = metrics[metrics["against"] == "constant"].set_index("estimand")
    assert against.at["auc_ipcw_60m_difference", "p"] == pytest.approx(2 / 201)
    assert against.at["auc_ipcw_60m_difference", "method"].endswith("the declared test")
    assert "auc_ipcw_60m_difference_holm" not in against.index


def test_a_score_against_itself_differs_by_nothing(study):
    folder, patients, _ = study
    scores = read_scores(folder / "scores.csv", patients)
    scores.loc[scores["score"] == "constant", "value"] = scores.loc[
        scores["score"] == "good", "value"
    ].to_numpy()
    asked = Settings(primary="good", resamples=100)
    metrics = evaluate(patients, scores, settings=asked).metrics
    pair = metrics[metrics["against"] == "constant"]
    assert len(pair) == 9
    assert (pair["estimate"] == 0).all()
    assert (pair["p"] == 1).all()


def test_command_works_on_any_two_tables(study):
    folder, _, _ = study
    tables = ("--patients", folder / "patients.csv", "--scores", folder / "scores.csv")
    assert run_histosurv("evaluate", *tables, "--out", folder / "out").returncode == 0
    names = {"metrics", "warnings", "decision_curve", *CURVES}
    assert {path.stem for path in (folder / "out").iterdir()} == names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.drop(columns="threshold"), "column threshold is missing"),
        (lambda s: s.replace({"patient_id": {"003": "xyz"}}), "row 5: patient 'xyz' is not in"),
        (lambda s: s.assign(value=s["value"].astype(str).replace("0.0", "high")), "row 82"),
        (lambda s: pd.concat([s, s.tail(1)]), "a second constant for patient '079'"),
    ],
)
def test_bad_scores_are_named(study, change, message):
    folder, patients, scores = study
    change(scores.reset_index(drop=True)).to_csv(folder / "scores.csv", index=False)
    with pytest.raises(InputError, match=message):
        read_scores(folder / "scores.csv", patients)


def joined(rows):
    patients = rows.drop_duplicates("patient_id").assign(time_months=5.0, event=1, label_60m=1)
    return Score.of(rows.assign(score="s", fold=1), Sample.of(patients))


def test_patients_score_is_the_mean_over_repeats():
    rows = pd.DataFrame(
        {
            "patient_id": ["B", "A", "B", "A"],
            "repeat": [1, 1, 2, 2],
            "value": [0.0, 1.0, 1.0, 3.0],
            "threshold": [1.0, 2.0, 1.0, 1.0],
        }
    )
    score = joined(rows)
    assert score.value.tolist() == [2.0, 0.5]  # A, B
    assert score.is_high.tolist() == [True, False]  # +0.5 and -0.5 on average
    assert score.high_of_repeat.tolist() == [[False, False], [True, True]]
    assert not score.has_risk


def test_a_score_that_meets_its_threshold_is_high():
    rows = pd.DataFrame(
        {"patient_id": ["A", "B"], "repeat": 1, "value": [1.0, 0.999], "threshold": 1.0}
    )
    assert joined(rows).is_high.tolist() == [True, False]


@pytest.mark.parametrize("word", ["", "NaN", "-inf"])
def test_patients_without_a_number_are_listed_and_left_out_of_pairs(study, word):
    folder, patients, scores = study
    scores = scores.assign(value=scores["value"].astype(str)).reset_index(drop=True)
    scores.loc[[3, 8], "value"] = word
    scores.to_csv(folder / "scores.csv", index=False)
    asked = Settings(primary="good", against="constant", resamples=100)
    result = evaluate(patients, read_scores(folder / "scores.csv", patients), settings=asked)
    assert result.warnings[0].startswith("good: 2 patients have no number as score")
    assert result.warnings[0].endswith(": 003, 008")
    metrics = result.metrics[result.metrics["estimand"].isin(["c_harrell", "c_harrell_difference"])]
    by = metrics.set_index(["score", "against"])["n"]
    assert by.to_dict() == {("good", ""): 78, ("constant", ""): 80, ("good", "constant"): 78}


def test_a_score_of_nobody_is_refused(study):
    folder, patients, scores = study
    scores.assign(value="").to_csv(folder / "scores.csv", index=False)
    with pytest.raises(InputError, match="no number for anybody"):
        evaluate(patients, read_scores(folder / "scores.csv", patients))


def test_scores_that_are_asked_for_and_not_there_are_said(study):
    folder, patients, _ = study
    asked = Settings(primary="godo", against="votes", resamples=100)
    result = evaluate(patients, read_scores(folder / "scores.csv", patients), settings=asked)
    assert ["no score godo" in result.warnings[0], "no score votes" in result.warnings[1]] == [
        True
    ] * 2


def test_a_study_s_config_brings_its_questions_and_readers(study):
    folder, patients, scores = study
    reader = pd.Series(["low", "high"] * 40)
    patients.drop(columns="label_60m").assign(reader_1=reader).to_csv(
        folder / "patients.csv", index=False
    )
    own = scores[scores["score"] == "good"].assign(score="reader_1", value=(reader == "high") * 1.0)
    pd.concat([scores, own]).to_csv(folder / "scores.csv", index=False)
    (folder / "config.yaml").write_text(
        "evaluation: {primary: good, against: reader_1, resamples: 100}\n"
        "cohort: {readers: [reader_1]}\n"
    )
    command = ["evaluate", "--patients", folder / "patients.csv"]
    command += ["--scores", folder / "scores.csv", "--out", folder / "out"]
    run = run_histosurv(*command, "--config", folder / "config.yaml")
    assert run.returncode == 0, run.stderr
    metrics = pd.read_csv(folder / "out/metrics.csv")
    assert "share_high" in set(metrics["estimand"])
    declared = metrics[metrics["method"].str.endswith("the declared test")]
    assert declared["against"].tolist() == ["reader_1"]
    run = run_histosurv(*command, "--grade-high", "3")
    assert run.returncode != 0
    assert "column grade is missing" in run.stderr
