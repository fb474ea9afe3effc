"""A bundle says nothing of a single patient, and gives no model that was not evaluated."""

import json

import numpy as np
import pandas as pd
import pytest
from tests.models.small_cohorts import cohort

from histosurv.cohort.folds import rotate
from histosurv.config import complete
from histosurv.errors import InputError
from histosurv.features.index import index_of
from histosurv.features.store import spot_file, write_features
from histosurv.models.baselines import score_baseline
from histosurv.models.bundle import read_bundle, write_bundle
from histosurv.models.job import read_job
from histosurv.publish import write_table

SEED = 2018


@pytest.fixture
def study(tmp_path):
    """One fold of a small cohort with imported features, and a classical model of it."""
    sequences = cohort(60)
    patients = sequences.patients.reset_index(drop=True)
    spots = pd.DataFrame({"spot_id": sequences.spot_ids, "patient_id": sequences.patient_of})
    for spot_id, tiles in zip(sequences.spot_ids, sequences.spots, strict=True):
        coords, recipe = np.zeros((len(tiles), 2)), {"imported": f"{spot_id}-of-P001.npz"}
        path = spot_file(tmp_path / "features", spot_id)
        write_features(path, tiles, coords, recipe=recipe, image_sha256="")
    write_table(index_of(spots, tmp_path / "features"), tmp_path / "features/batches/0000.csv")
    write_table(patients.drop(columns="label_60m"), tmp_path / "cohort/patients.csv")
    write_table(spots, tmp_path / "cohort/spots.csv")
    how = {"n_repeats": 1, "n_folds": 3, "strata": [], "scheme": "single"}
    write_table(rotate(patients, seed=1, **how), tmp_path / "cohort/folds.csv")
    work = read_job(tmp_path / "cohort", tmp_path / "features", repeat=1, fold=1, seed=SEED)
    scores = score_baseline("logistic", work, n_settings=1)[0]
    scores.write(tmp_path / "models/logistic/1_1")
    write_table(scores.rows, tmp_path / "scores.csv")
    return tmp_path


def write(study, out):
    tables = {"cohorts": {"development": {"patients": "secret/patients.csv", "spots": "s"}}}
    config = complete(tables | {"resampling": {"repeats": 1, "seed": SEED}})
    config["models"] |= {"networks": [], "baselines": ["logistic"]}
    config["models"]["tuning"]["settings"] = 1
    folders = (study / name for name in ("cohort", "features", "models", "scores.csv"))
    write_bundle(config, *folders, out, 1)


def test_nobody_can_be_found_in_it(study, tmp_path):
    write(study, tmp_path / "bundle")
    text = (tmp_path / "bundle/bundle.json").read_text()
    text += (tmp_path / "bundle/config.yaml").read_text()
    assert "P0" not in text
    assert "secret" not in text
    assert read_bundle(tmp_path / "bundle").about["folds"] == [
        {"fit": 31, "test": 20, "validation": 9}
    ]


def test_scores_that_the_model_does_not_give_are_refused(study, tmp_path):
    write(study, tmp_path / "bundle")
    path = study / "models/logistic/1_1/scores.csv"
    table = pd.read_csv(path, dtype={"patient_id": str})
    write_table(table.assign(value=table["value"] + 0.01), path)
    with pytest.raises(InputError, match="logistic does not give these scores again"):
        write(study, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_equal_scores_are_not_lower_than_themselves(study, tmp_path):
    write(study, tmp_path / "bundle")
    bundle = read_bundle(tmp_path / "bundle")
    reference = bundle.reference
    reference["value"] = np.where(reference["percent"] < 50, -1.0, 1.0)
    assert bundle.percentile("logistic", -1.0) == 0
    assert bundle.percentile("logistic", 1.0) == 50
    assert bundle.percentile("logistic", 9.0) == 100
    assert bundle.percentile("logistic", -9.0) == 0


def test_a_bundle_of_a_later_format_is_told(study, tmp_path):
    write(study, tmp_path / "bundle")
    path = tmp_path / "bundle/bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 9}))
    with pytest.raises(InputError, match="a bundle of format 9; this histosurv reads 1"):
        read_bundle(tmp_path / "bundle")
    path.unlink()
    with pytest.raises(InputError, match=r"no bundle \(bundle.json is missing"):
        read_bundle(tmp_path / "bundle")
