"""The cohorts of the negative controls."""

import numpy as np
import pandas as pd
import pytest

from histosurv.cohort.tables import read_checked_spots, read_indexes, read_patients
from histosurv.errors import InputError
from histosurv.features.index import index_of
from histosurv.features.store import spot_file, write_features
from histosurv.models.controls import write_control
from histosurv.models.sequences import load_sequences
from histosurv.publish import write_table

N_BATCHES = 2


@pytest.fixture
def study(tmp_path):
    """Twelve patients with a spot each, six a batch; every third spot has no bare glass."""
    folder, rng = tmp_path / "development", np.random.default_rng(0)
    ids = [f"P{i:02d}" for i in range(12)]
    patients = pd.DataFrame({"patient_id": ids, "time_months": np.arange(12) * 9.0 + 1})
    patients = patients.assign(event=[0, 1] * 6, label_60m=pd.NA, stage="A")
    spots = pd.DataFrame({"spot_id": ids, "patient_id": ids, "block": ["B1", "B2"] * 6})
    write_table(patients, folder / "cohort/patients.csv")
    write_table(spots, folder / "cohort/spots.csv")
    for batch in range(N_BATCHES):
        of, tiles = spots.iloc[batch * 6 : batch * 6 + 6], []
        for number, spot in enumerate(of["spot_id"]):
            features = rng.standard_normal((4, 3)).astype(np.float32)
            write_features(
                spot_file(folder / "features", spot),
                features,
                np.zeros((4, 2), int),
                recipe={},
                image_sha256="",
            )
            tissue = [0.9, 0.0, 0.01, 0.0] if number % 3 else [0.9, 0.9, 0.01, 0.9]
            table = pd.DataFrame({"spot_id": spot, "index": range(4), "tissue_fraction": tissue})
            tiles.append(table.assign(pen_fraction=0.0))
        index = index_of(of, folder / "features")
        write_table(index, folder / f"features/batches/{batch:04d}.csv")
        write_table(pd.concat(tiles), folder / f"spots/{batch:04d}.csv")
    return folder


def made(study, name):
    out = study.parent / "controls" / name / "development"
    parts = (study / "cohort", study / "features", out, N_BATCHES)
    write_control(name, *parts, spots=study / "spots", seed=4)
    return out, load_sequences(out / "cohort", out / "features", N_BATCHES)


def test_outcomes_are_dealt_anew_and_the_features_are_the_studys(study):
    out, sequences = made(study, "permuted")
    before = read_patients(study / "cohort/patients.csv")
    after = read_patients(out / "cohort/patients.csv")
    outcome = ["time_months", "event"]
    assert sorted(after[outcome].itertuples(index=False)) == sorted(
        before[outcome].itertuples(index=False)
    )
    assert (after["time_months"] != before["time_months"]).sum() > 6
    assert after["patient_id"].tolist() == before["patient_id"].tolist()
    own = load_sequences(study / "cohort", study / "features", N_BATCHES)
    assert all(np.array_equal(a, b) for a, b in zip(sequences.spots, own.spots, strict=True))


def test_bare_glass_alone_is_left_and_spots_without_any_are_not(study):
    _, sequences = made(study, "background")
    own = load_sequences(study / "cohort", study / "features", N_BATCHES)
    assert len(sequences.spots) == 8
    for spot_id, glass in zip(sequences.spot_ids, sequences.spots, strict=True):
        everything = own.spots[list(own.spot_ids).index(spot_id)]
        assert np.array_equal(glass, everything[[1, 3]])
    assert set(sequences.patients.index) == set(sequences.patient_of)


def test_the_block_alone_is_left(study):
    out, sequences = made(study, "block")
    blocks = read_checked_spots(out / "cohort/spots.csv").set_index("spot_id")["block"]
    for spot_id, tile in zip(sequences.spot_ids, sequences.spots, strict=True):
        assert tile.tolist() == ([[1, 0]] if blocks[spot_id] == "B1" else [[0, 1]])
    assert len(read_indexes(out / "features", N_BATCHES)) == 12


def test_a_control_that_cannot_be_had_is_told(study):
    for batch in range(N_BATCHES):
        path = study / f"spots/{batch:04d}.csv"
        write_table(pd.read_csv(path).assign(pen_fraction=0.3), path)
    with pytest.raises(InputError, match="no spot has a tile of bare glass; leave it out"):
        made(study, "background")
    spots = study / "cohort/spots.csv"
    write_table(pd.read_csv(spots).assign(block="B1"), spots)
    with pytest.raises(InputError, match="all spots lie in one block; leave it out"):
        made(study, "block")
