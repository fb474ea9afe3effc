"""Bad pictures, controls, frozen models for new patients, folds of blocks: one small study."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from tests.running import QUICK, output_of, run_histosurv, run_quickly

from histosurv.cohort.demo import write_demo
from histosurv.errors import InputError
from histosurv.features.store import write_features
from histosurv.models.bundle import read_bundle, write_bundle
from histosurv.models.prediction import list_spots, read_newcomers

CONFIG = QUICK | {"controls": ["permuted"], "spots_per_job": 100}


def images_to_spoil(folder):
    """Images of a patient's only spot, and of one of two."""
    spots = pd.read_csv(folder / "demo/spots.csv")
    several = spots["patient_id"].duplicated(keep=False)
    return spots[~several].iloc[0], spots[several].iloc[0]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A finished run in which one picture is damaged, and one is of bare glass."""
    folder = tmp_path_factory.mktemp("small")
    write_demo(folder / "demo", n_patients=60, spot_px=320, seed=5)
    lonely, one_of_two = images_to_spoil(folder)
    damaged = folder / "demo" / lonely["image"]
    shutil.copy(damaged, folder / "kept.jpg")
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    glass = Image.new("RGB", (320, 320), (243, 243, 243))
    glass.save(folder / "demo" / one_of_two["image"])
    run = run_quickly(folder, "all", "bundle", config=CONFIG)
    assert run.returncode == 0, output_of(run)
    assert "spots of the cohort development could not be used" in output_of(run)
    return folder


def test_a_bad_picture_costs_its_spot_and_not_the_study(study):
    lonely, one_of_two = images_to_spoil(study)
    results = study / "results/development"
    left_out = pd.read_csv(results / "cohort/exclusions.csv").set_index("id")
    assert set(left_out.index) == {lonely["spot_id"], one_of_two["spot_id"], lonely["patient_id"]}
    assert "cannot be decoded" in left_out.loc[lonely["spot_id"], "reason"]
    assert left_out.loc[one_of_two["spot_id"], "reason"].endswith("no tissue")
    assert left_out.loc[lonely["patient_id"], "reason"] == "no usable spot"
    assert len(pd.read_csv(results / "cohort/patients.csv")) == 59
    tested = set(pd.read_csv(results / "cohort/folds.csv")["patient_id"])
    assert lonely["patient_id"] not in tested
    assert one_of_two["patient_id"] in tested
    metrics = pd.read_csv(results / "evaluation/metrics.csv").set_index("estimand")
    assert metrics.at["icc_spots", "n"] >= 3
    page = (study / "results/report/study.html").read_text(encoding="utf-8")
    n_spots = len(pd.read_csv(study / "demo/spots.csv"))
    assert f"2 of {n_spots} spots could not be used" in page
    assert "spots, the image cannot be decoded: 1" in page  # in the drawn flow
    assert 'id="figure-stain"' in page


def test_an_undamaged_copy_is_brought(study, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(study, folder)
    shutil.copy(study / "kept.jpg", folder / "demo" / images_to_spoil(study)[0]["image"])
    run = run_quickly(folder, "results/development/cohort/patients.csv", config=CONFIG)
    assert run.returncode == 0, output_of(run)
    log = (folder / "logs/development/features/0000.log").read_text()
    n_spots = len(pd.read_csv(study / "demo/spots.csv"))
    assert f"1 spots computed, {n_spots - 2} taken over, 1 excluded" in log
    assert len(pd.read_csv(folder / "results/development/cohort/patients.csv")) == 60


def predict(study, out, *spots):
    command = [sys.executable, "-m", "histosurv", "predict", "results/bundle", *spots, "--out", out]
    run = subprocess.run(command, cwd=study, capture_output=True, text=True)
    assert run.returncode == 0, output_of(run)
    return run


def refused(bundle, *spots):
    """What is told of spots that cannot be scored."""

    def read():
        table = list_spots([Path(x) for x in spots], "P")
        read_newcomers(read_bundle(bundle), table, torch.device("cpu"))

    with pytest.raises(InputError) as caught:
        read()
    return str(caught.value)


def test_a_new_patient_is_scored_by_the_models_that_were_evaluated(study, tmp_path):
    # A patient of the study: the model of the fold that tested her says what the study said.
    scores = pd.read_csv(study / "results/development/scores.csv")
    spots = pd.read_csv(study / "demo/spots.csv")
    spots = spots[spots["patient_id"] != images_to_spoil(study)[1]["patient_id"]]
    several = spots["patient_id"].value_counts().loc[lambda n: n > 1].index[0]
    images = [f"demo/{image}" for image in spots.loc[spots["patient_id"] == several, "image"]]
    run = predict(study, tmp_path, *images)
    told = json.loads((tmp_path / "prediction.json").read_text())["patients"][0]
    for name in ("lstm", "logistic"):
        row = scores[(scores["score"] == name) & (scores["patient_id"] == several)].iloc[0]
        of = told["scores"][name]
        assert of["folds"][row["fold"] - 1] == pytest.approx(row["value"], rel=1e-5, abs=1e-7)
        assert of["log_odds"] == pytest.approx(np.mean(of["folds"]))
        assert of["risk_60m"] == pytest.approx(1 / (1 + np.exp(-of["log_odds"])))
        assert of["group"] == ("high" if of["log_odds"] >= of["threshold_log_odds"] else "low")
        assert 0 <= of["percentile"] <= 100
    assert "patient: by the other models: Logistic regression 0." in run.stderr
    tiles = pd.read_csv(tmp_path / "tiles.csv")
    assert len(tiles) == 4 * len(images)
    assert Image.open(tmp_path / "patient.png").size[0] > 800
    # Of the same patient a prediction may be made again, of another one it may not be lost.
    again = ["predict", "results/bundle", *images, "--out", tmp_path, "--patient", "another"]
    run = run_histosurv(*again, folder=study)
    assert "holds the prediction of 'patient' from spot " in run.stderr


def test_a_spot_table_names_several_patients_and_a_bad_picture_is_counted(study, tmp_path):
    write_demo(tmp_path / "new", n_patients=3, spot_px=320, seed=9)
    table = pd.read_csv(tmp_path / "new/spots.csv").drop_duplicates("patient_id")
    table.to_csv(tmp_path / "new/spots.csv", index=False)
    (tmp_path / "new" / table["image"].iloc[0]).write_bytes(b"no picture")
    run = predict(study, tmp_path / "out", tmp_path / "new/spots.csv")
    told = json.loads((tmp_path / "out/prediction.json").read_text())["patients"]
    assert [patient["patient_id"] for patient in told] == sorted(table["patient_id"])
    assert told[0]["scores"] == {}
    assert "no image of a known kind" in told[0]["spots"][0]["reason"]
    assert len(told[1]["scores"]) == 2
    assert "without a usable spot: P0001" in run.stderr
    assert "drawn at random: for trying out only" in run.stderr


@pytest.mark.parametrize(
    ("spots", "told"),
    [
        (["missing.png"], "missing.png: there is no such file"),
        (["demo/spots.csv", "demo/patients.csv"], "give one spot table alone"),
        (["demo/truth.npz"], "no readable feature file"),
        (["demo/truth.npz", "demo/images/P0002_1.jpg"], "give the one or the other"),
    ],
)
def test_what_cannot_be_scored_is_told(study, monkeypatch, spots, told):
    monkeypatch.chdir(study)
    Path("demo/truth.npz").write_bytes(b"nothing")
    assert told in refused(Path("results/bundle"), *spots)


def test_features_of_another_width_and_a_changed_bundle_are_refused(study, tmp_path):
    bundle, copied = study / "results/bundle", tmp_path / "bundle"
    np.savez(tmp_path / "spot.npz", features=np.zeros((4, 7), np.float32))
    told = refused(bundle, tmp_path / "spot.npz")
    assert "7 features a tile; the models were trained on 1024" in told
    own = study / "results/development/features/P0002_1.h5"
    with h5py.File(own) as file:
        recipe = json.loads(file.attrs["recipe"]) | {"encoder": "virchow2"}
        arrays = np.asarray(file["features"]), np.asarray(file["coords"])
    predict(study, tmp_path / "own", own)
    write_features(tmp_path / "other.h5", *arrays, recipe=recipe, image_sha256="")
    told = refused(bundle, tmp_path / "other.h5")
    assert "made with encoder 'virchow2', the study's with 'torchvision/mob" in told
    shutil.copytree(bundle, copied)
    about = copied / "bundle.json"
    written = about.read_text()
    about.write_text(written.replace(recipe["weights_sha256"], "0" * 64))
    told = refused(copied, study / "demo/images/P0002_1.jpg")
    assert "random: these are not the encoder's weights that the study used" in told
    about.write_text(written)
    with (copied / "config.yaml").open("a") as file:
        file.write("# another\n")
    assert "config.yaml: changed since it was written; bring the bundle again" in refused(copied)


def test_the_bundle_tells_of_no_single_patient(study):
    folder = study / "results/bundle"
    patients = pd.read_csv(study / "demo/patients.csv")["patient_id"]
    for path in (path for path in folder.rglob("*") if path.suffix in {".json", ".csv", ".md"}):
        text = path.read_text()
        assert not any(patient in text for patient in patients)
    card = (folder / "MODEL_CARD.md").read_text()
    metrics = pd.read_csv(study / "results/development/evaluation/metrics.csv")
    auc = metrics[(metrics["score"] == "lstm") & (metrics["estimand"] == "auc_60m")].iloc[0]
    assert f"{auc['estimate']:.2f} ({auc['lower']:.2f} to {auc['upper']:.2f})" in card
    assert "59 patients" in card


def test_a_folder_that_holds_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    nowhere = tmp_path / "nowhere"
    with pytest.raises(InputError, match="holds something else than a bundle"):
        write_bundle({}, nowhere, nowhere, nowhere, nowhere, tmp_path, 1)
    assert (tmp_path / "thesis.txt").exists()


def test_a_control_is_in_the_report_and_its_outcomes_are_others(study):
    folder = study / "results/controls"
    assert [path.name for path in folder.iterdir()] == ["permuted"]
    page = (study / "results/report/study.html").read_text()
    assert "Outcomes dealt anew" in page
    metrics = pd.read_csv(folder / "permuted/development/evaluation/metrics.csv")
    table = metrics[metrics["estimand"] == "auc_60m_within_folds"].set_index("score")
    assert {"lstm", "logistic"} <= set(table.index)
    patients = pd.read_csv(folder / "permuted/development/cohort/patients.csv")
    own = pd.read_csv(study / "results/development/cohort/patients.csv")
    assert (patients["time_months"] != own["time_months"]).mean() > 0.9


def test_tiles_are_explained_by_the_network_of_their_fold_only(study):
    words = ["attribute", "results/models/lstm/1_1", "--cohort", "results/development/cohort"]
    words += ["--features", "results/development/features", "--batches", "1", "--out", "x"]
    run = run_histosurv(*words, "--repeat", "1", "--fold", "2", folder=study)
    assert "1_1: was trained for --repeat 1 --fold 1, not for --repeat 1 --fold 2" in run.stderr
    assert not (study / "x").exists()


def test_models_frozen_by_hand_are_those_of_the_run(study, tmp_path):
    own = "results/development"
    words = ["--config", "results/config.yaml", "--cohort", f"{own}/cohort", "--models"]
    words += ["results/models", "--features", f"{own}/features", "--scores", f"{own}/scores.csv"]
    words += ["--metrics", f"{own}/evaluation/metrics.csv", "--out", tmp_path / "bundle"]
    subprocess.run([sys.executable, "-m", "histosurv", "bundle", *words], cwd=study, check=True)
    mine = {path.name: path for path in (tmp_path / "bundle").rglob("*") if path.is_file()}
    assert {"bundle.json", "config.yaml", "MODEL_CARD.md"} < set(mine)
    for path in mine.values():
        there = study / "results/bundle" / path.relative_to(tmp_path / "bundle")
        assert there.read_bytes() == path.read_bytes(), path


def test_folds_of_whole_blocks(study, tmp_path):
    shutil.copytree(study / "demo", tmp_path / "demo")
    shutil.copytree(study / "results", tmp_path / "results")
    config = CONFIG | {"resampling": {"folds": 2, "scheme": "blocks"}}
    table = "results/development/cohort/folds.csv"
    run = run_quickly(tmp_path, table, "--force", config=config)
    assert run.returncode == 0, output_of(run)
    folds = pd.read_csv(tmp_path / table)
    spots = pd.read_csv(tmp_path / "results/development/cohort/spots.csv")
    for _, of in folds.groupby("fold"):
        there = spots["patient_id"].isin(of.loc[of["part"] == "test", "patient_id"])
        assert not set(spots.loc[there, "block"]) & set(spots.loc[~there, "block"])
