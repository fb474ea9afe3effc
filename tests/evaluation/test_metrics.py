import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from histosurv.cohort.endpoint import label_60m
from histosurv.errors import InputError
from histosurv.evaluation.metrics import COLUMNS, evaluate
from histosurv.evaluation.scores import per_patient, read_scores


@pytest.fixture
def study(tmp_path):
    """Tables of 80 patients with a good score and a useless one."""
    rng = np.random.default_rng(0)
    risk = rng.standard_normal(80)
    time = rng.exponential(70 * np.exp(-risk)).round(2)
    end = rng.uniform(50, 120, 80).round(2)
    patients = pd.DataFrame(
        {
            "patient_id": [f"{i:03d}" for i in range(80)],
            "time_months": np.minimum(time, end),
            "event": (time < end).astype(int),
        }
    )
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
    assert metrics.loc[missing, "estimand"].tolist() == ["hr_high_low", "logrank"]
    good = metrics[metrics["score"] == "good"].set_index("estimand")
    assert good.at["auc_60m", "lower"] > 0.5
    assert good.at["hr_high_low", "lower"] > 1


def test_row_order_is_irrelevant(study):
    folder, patients, _ = study
    scores = read_scores(folder / "scores.csv", patients)
    shuffled = evaluate(
        patients.sample(frac=1, random_state=1), scores.sample(frac=1, random_state=2)
    )
    pd.testing.assert_frame_equal(shuffled.metrics, evaluate(patients, scores).metrics)


def test_command_works_on_any_two_tables(study):
    folder, _, _ = study
    command = [sys.executable, "-m", "histosurv", "evaluate", "--patients", folder / "patients.csv"]
    subprocess.run(
        [*command, "--scores", folder / "scores.csv", "--out", folder / "out"], check=True
    )
    assert {path.name for path in (folder / "out").iterdir()} == {
        "metrics.csv", "kaplan_meier.csv", "at_risk.csv", "roc.csv"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.drop(columns="threshold"), "column threshold is missing"),
        (lambda s: s.replace({"patient_id": {"003": "xyz"}}), "row 5: patient 'xyz' is not in"),
        (lambda s: s.assign(value=s["value"].where(s["value"] != s["value"].iloc[4])), "row 6"),
        (lambda s: pd.concat([s, s.tail(1)]), "a second constant for patient '079'"),
    ],
)
def test_bad_scores_are_named(study, change, message):
    folder, patients, scores = study
    change(scores.reset_index(drop=True)).to_csv(folder / "scores.csv", index=False)
    with pytest.raises(InputError, match=message):
        read_scores(folder / "scores.csv", patients)


def test_patients_score_is_the_mean_over_repeats():
    rows = pd.DataFrame(
        {
            "patient_id": ["A", "A", "B", "B"],
            "repeat": [1, 2, 1, 2],
            "value": [1.0, 3.0, 0.0, 1.0],
            "threshold": [2.0, 1.0, 1.0, 1.0],
            "time_months": [5.0, 5.0, 9.0, 9.0],
            "event": [1, 1, 0, 0],
            "label_60m": pd.Series([1, 1, None, None], dtype="Int64"),
        }
    )
    table = per_patient(rows).set_index("patient_id")
    assert table["value"].to_dict() == {"A": 2.0, "B": 0.5}
    assert table["is_high"].to_dict() == {"A": True, "B": False}  # +0.5 and -0.5 on average
    assert pd.isna(table.at["B", "label_60m"])


def test_a_score_that_meets_its_threshold_is_high():
    rows = pd.DataFrame(
        {
            "patient_id": ["A", "B"], "repeat": 1, "value": [1.0, 0.999], "threshold": 1.0,
            "time_months": 5.0, "event": 1, "label_60m": pd.Series([1, 1], dtype="Int64"),
        }
    )  # fmt: skip
    assert per_patient(rows)["is_high"].tolist() == [True, False]
