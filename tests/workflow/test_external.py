"""External cohorts: scored by the frozen models, and nothing of them reaches training."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from tests.running import (
    QUICK,
    differing,
    dry_run,
    made,
    output_of,
    rules_to_run,
    run_quickly,
    run_snakemake,
    simulate_imported,
    write_spot,
)

CONFIG = QUICK | {
    "cohorts": {"development": {"patients": "own/patients.csv", "spots": "own/spots.csv"}},
    "features": {"import": "own/features"},
    "spots_per_job": 100,
}
ELSEWHERE = {name: f"elsewhere/{name}.csv" for name in ("patients", "spots")}
COHORTS = {"elsewhere": ELSEWHERE | {"features": "elsewhere/features"}}
WITH = CONFIG | {"cohorts": CONFIG["cohorts"] | COHORTS}
BUNDLE = "results/bundle"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study that was run to its frozen models, and what they were; then with another cohort."""
    folder = tmp_path_factory.mktemp("external")
    for name, n_patients, seed in (("own", 60, 5), ("elsewhere", 40, 77)):
        (folder / name).mkdir()
        simulate_imported(folder / name, n_patients, seed=seed)
    # Fewer have read there, and no stage was written down.
    path = folder / ELSEWHERE["patients"]
    pd.read_csv(path).drop(columns=["reader_2", "stage"]).to_csv(path, index=False)
    alone = run_quickly(folder, BUNDLE, config=CONFIG)
    assert alone.returncode == 0, output_of(alone)
    before = made(folder, batches=True)
    run = run_snakemake(folder, config=WITH)
    assert run.returncode == 0, output_of(run)
    return folder, before


def test_the_development_cohort_and_its_models_are_the_same_bytes(study):
    folder, before = study
    assert len(before) > 40
    after = made(folder, batches=True)
    assert differing(before, {path: after[path] for path in before}) == []


def test_other_tables_and_features_elsewhere_run_nothing_of_the_development_cohort(study, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(study[0], folder)
    assert rules_to_run(folder, config=WITH) == set()
    path = folder / ELSEWHERE["patients"]
    table = pd.read_csv(path)
    table["event"] = table["event"].sample(frac=1, random_state=1).to_numpy()
    table.to_csv(path, index=False)
    write_spot(folder / "elsewhere", "P0001_1", seed=1)
    own = {"import_features", "cohort", "apply", "drift", "evaluate"}
    assert rules_to_run(folder, config=WITH) == {*own, "report"}
    run = dry_run(folder, config=WITH)
    touched = [line for line in output_of(run).splitlines() if "wildcards: " in line]
    assert len(touched) >= len(own)
    assert all("cohort=elsewhere" in line for line in touched)


def test_the_frozen_models_score_every_patient_by_one_threshold(study):
    folder = study[0]
    scores = pd.read_csv(folder / "results/elsewhere/scores.csv")
    patients = pd.read_csv(folder / "results/elsewhere/cohort/patients.csv")
    about = json.loads((folder / BUNDLE / "bundle.json").read_text())
    for name, members in about["models"].items():
        own = scores[scores["score"] == name]
        assert set(own["patient_id"]) == set(patients["patient_id"])
        threshold = np.mean([member["threshold"] for member in members])
        np.testing.assert_allclose(own["threshold"], threshold)
        np.testing.assert_allclose(own["risk_60m"], 1 / (1 + np.exp(-own["value"])))
    assert {"reader_1", "reader_3", "visual_risk", "grade"} <= set(scores["score"])
    assert not {"reader_2", "stage"} & set(scores["score"])
    spots = pd.read_csv(folder / "results/elsewhere/spot_scores.csv")
    mean = spots.groupby("patient_id")["value"].mean()
    lstm = scores[scores["score"] == "lstm"].set_index("patient_id")["value"]
    assert len(spots) == len(pd.read_csv(folder / "elsewhere/spots.csv"))
    # Of a patient with one spot both are the same.
    single = spots["patient_id"].value_counts().loc[lambda n: n == 1].index
    np.testing.assert_allclose(lstm[single], mean[single], rtol=1e-5)


def test_the_report_says_external_and_what_was_found(study):
    folder = study[0]
    page = (folder / "results/report/study.html").read_text(encoding="utf-8")
    assert "Internal and external validation" in page
    assert "Internal validation only" not in page
    assert '<section id="external-elsewhere"' in page
    metrics = pd.read_csv(folder / "results/elsewhere/evaluation/metrics.csv")
    one = metrics[(metrics["score"] == "lstm") & (metrics["estimand"] == "auc_ipcw_60m")]
    one = one[one["against"].isna() & one["subgroup"].isna()].iloc[0]
    told = f"{one['estimate']:.3f} ({one['lower']:.3f} to {one['upper']:.3f})"
    section = page.partition('<section id="external-elsewhere"')[2].partition("</section>")[0]
    assert f"<td>{told}</td>" in section
    for name in ("external_kaplan_meier", "external_calibration", "external_drift"):
        assert f'id="figure-{name}-elsewhere"' in section
        assert (folder / f"results/report/figures/{name}-elsewhere.svg").is_file()
    record = json.loads((folder / "results/report/provenance.json").read_text())
    assert "elsewhere: patients" in {row["table"] for row in record["inputs"]}


def test_a_spot_of_the_development_cohort_is_found_under_another_name(study, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(study[0], folder)
    shutil.copy(folder / "own/features/P0003_1.h5", folder / "elsewhere/features/P0009_1.h5")
    run = run_snakemake(folder, "results/elsewhere/features/drift.csv", config=WITH)
    assert run.returncode != 0
    told = "spot 'P0009_1' has the features of 'P0003_1' of the development cohort"
    assert told in output_of(run)
