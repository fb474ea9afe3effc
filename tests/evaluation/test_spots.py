"""Blocks, and spots with a remark on their quality."""

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.lifetimes import patients_with

from histosurv.cohort.endpoint import label_60m
from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.scores import read_scores
from histosurv.evaluation.spots import Spots
from histosurv.evaluation.study import Settings
from histosurv.evaluation.time_dependent import auc_estimate

N = 90


@pytest.fixture
def study(tmp_path):
    """Patients with a spot each, the last one of each ten with two, in three blocks."""
    rng = np.random.default_rng(3)
    risk = rng.standard_normal(N)
    patients = patients_with(rng, risk, 60, (40, 120))
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    scores = pd.DataFrame(
        {"patient_id": patients["patient_id"], "score": "good", "repeat": 1, "fold": 1}
    ).assign(value=risk, threshold=0.0)
    scores.to_csv(tmp_path / "scores.csv", index=False)
    spots = pd.DataFrame(
        {
            "spot_id": [f"{i:03d}_1" for i in range(N)],
            "patient_id": patients["patient_id"],
            "image": "a.png",
            "block": [f"TMA{i % 3}" for i in range(N)],
        }
    )
    second = spots[9::10].assign(spot_id=lambda t: t["patient_id"] + "_2", block="TMA0")
    spots = pd.concat([spots, second])
    spots.to_csv(tmp_path / "spots.csv", index=False)
    values = np.concatenate([risk, np.full(len(second), 50.0)])  # which spoil the patient's mean
    of_spots = spots[["spot_id", "patient_id"]].assign(score="good", repeat=1, fold=1, value=values)
    of_spots.to_csv(tmp_path / "spot_scores.csv", index=False)
    quality = spots[["spot_id"]].assign(usable=1, reasons="", message="")
    quality.loc[quality["spot_id"].str.endswith("_2"), "reasons"] = "blurred"
    quality.to_csv(tmp_path / "quality.csv", index=False)
    return tmp_path, patients, risk, spots


def metrics_of(study, **settings):
    folder, patients, _, _ = study
    spots = Spots.read(folder / "spot_scores.csv", folder / "spots.csv", [folder / "quality.csv"])
    asked = Settings(primary="good", subgroups=("block",), resamples=50, **settings)
    scores = read_scores(folder / "scores.csv", patients)
    return evaluate(patients, scores, spots, settings=asked).metrics


def auc(patients, value):
    died = (patients["event"] == 1).to_numpy()
    return auc_estimate(np.asarray(value), patients["time_months"].to_numpy(), died, 60.0).value


def test_spots_with_a_remark_are_left_out_beside_all_of_them(study):
    _, patients, risk, spots = study
    found = metrics_of(study).set_index("estimand")
    clean = found.loc["auc_ipcw_60m_spots_without_remark"]
    assert clean["estimate"] == pytest.approx(auc(patients, risk))
    assert clean["method"].startswith(f"{len(spots) - N} of {len(spots)} spots")
    spoilt = np.where(np.arange(N) % 10 == 9, (risk + 50) / 2, risk)
    whole = found.loc["auc_ipcw_60m_all_spots"]
    assert whole["estimate"] == pytest.approx(auc(patients, spoilt))
    assert whole["estimate"] != pytest.approx(clean["estimate"])


def test_patients_of_several_blocks_are_in_no_block_alone(study):
    metrics = metrics_of(study)
    by_block = metrics[metrics["subgroup"].str.startswith("block: ")]
    sizes = by_block[by_block["estimand"] == "auc_ipcw_60m"].set_index("subgroup")["n"]
    # Of the 9 patients with a second spot in TMA0, three have their first there, too.
    assert sizes.to_dict() == {"block: TMA0": 30, "block: TMA1": 27, "block: TMA2": 27}


def test_leaving_out_a_block_leaves_out_everybody_with_a_spot_in_it(study):
    _, patients, risk, _ = study
    metrics = metrics_of(study)
    without = metrics[metrics["subgroup"].str.startswith("without block")].set_index("subgroup")
    at = np.arange(N)
    kept = (at % 3 != 0) & (at % 10 != 9)
    row = without.loc["without block: TMA0"]
    assert row["n"] == kept.sum()
    assert row["estimate"] == pytest.approx(auc(patients[kept], risk[kept]))
    spread = metrics.set_index("estimand").loc["auc_ipcw_60m_block_spread"]
    assert spread["estimate"] == pytest.approx(np.ptp(without["estimate"]))
    assert f"most without {without['estimate'].idxmax().split(': ')[1]}" in spread["note"]


def test_blocks_come_from_the_patient_table_where_no_spots_are(study):
    folder, patients, _, _ = study
    scores = read_scores(folder / "scores.csv", patients)
    asked = Settings(primary="good", subgroups=("block",), resamples=50)
    with_column = patients.assign(block=["A", "B"] * (N // 2))
    metrics = evaluate(with_column, scores, settings=asked).metrics
    assert {"block: A", "without block: A"} <= set(metrics["subgroup"])
    assert (
        not evaluate(patients, scores, settings=asked)
        .metrics["subgroup"]
        .str.contains("block")
        .any()
    )
