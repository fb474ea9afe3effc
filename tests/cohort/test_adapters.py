"""Published cohorts become our tables: who died when and of what, and whose tissue lies where."""

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from tests.cohort.releases import core_map, write, write_releases

from histosurv.cli.adapt import adapt
from histosurv.cohort.adapters import ADAPTERS
from histosurv.cohort.membership import read_cohort
from histosurv.cohort.slides import read_map
from histosurv.cohort.tables import read_patients
from histosurv.errors import InputError


@pytest.fixture
def releases(tmp_path, monkeypatch):
    """Folders as their releases have them, in the working folder."""
    monkeypatch.chdir(tmp_path)
    write_releases()
    return tmp_path


def adapted(name, folder):
    """What an adapter says, and its patients by their ids."""
    said = ADAPTERS[name](Path(name), Path("out"))
    return " ".join(said), read_patients(folder / "out/patients.csv").set_index("patient_id")


def test_hancock_outcomes_are_in_months_and_an_unknown_cause_is_no_death_of_the_cancer(releases):
    said, patients = adapted("hancock", releases)
    assert patients["event"].tolist() == [0, 1, 2, 2]
    assert patients["time_months"].tolist() == [74.185, 16.0, 60.025, 22.998]
    assert patients["label_60m"].fillna(-1).tolist() == [0, 1, 0, -1]
    assert patients["pT"].tolist() == ["pT4", "pT1", "pTis", ""]
    assert patients["pN"].tolist() == ["pN2", "NX", "pN0", ""]
    assert patients["grade"].fillna(0).tolist() == [3, 1, 0, 0]
    assert "1 deaths of unknown cause" in said
    assert "patients only" in said


def test_hancock_maps_are_turned_for_slides_as_they_are(releases):
    for number, text in ((1, core_map()), (23, core_map(**{"1-1": "3", "1-2": "3"}))):
        write(f"hancock/TMA_TumorCenter/HE/TumorCenter_HE_block{number}.svs", "")
        write(f"hancock/TMA_Maps/TMA_Map_block{number}.csv", text)
    said, _ = adapted("hancock", releases)
    cells = read_map(releases / "out/maps/block1.csv", 12, 6).set_index(["row", "column"])
    assert cells.loc[(12, 6), "patient_id"] == "001"  # 1-1 of the release
    assert cells.loc[(12, 5), "patient_id"] == "002"
    assert (cells.loc[1, "patient_id"] == "empty").all()
    cohort = read_cohort("out/patients.csv", slides_path="out/slides.csv", unmatched="exclude")
    assert cohort.patients["patient_id"].tolist() == ["001", "002"]
    assert (len(cohort.spots), set(cohort.spots["block"])) == (66, {"block1"})
    left_out = pd.read_csv("out/left_out.csv")["id"].tolist()
    assert left_out == ["TumorCenter_HE_block23"]  # two cores show no rows
    assert "turned by 180 degrees" in said


def test_hancock_features_are_two_tiles_of_each_patient(releases):
    tiles = np.eye(512, dtype=np.float32)
    path = releases / "hancock/features/tma_tile_dtr_256_HE.npz"
    path.parent.mkdir()
    np.savez(path, **{"001": tiles[3] + tiles[300], "002": tiles[0] + tiles[511]})
    adapted("hancock", releases)
    cohort = read_cohort(
        "out/patients.csv", "out/spots.csv", with_images=False, unmatched="exclude"
    )
    assert cohort.spots["spot_id"].tolist() == ["001", "002"]
    features = np.load(releases / "out/features/001.npz")["features"]
    assert np.argwhere(features).tolist() == [[0, 3], [1, 44]]


def test_hancock_features_of_one_padded_tile_are_refused(releases):
    path = releases / "hancock/features/tma_tile_dtr_256_HE.npz"
    path.parent.mkdir()
    np.savez(path, **{"001": np.eye(512)[200]})
    with pytest.raises(InputError, match="array '001' is not a patient's two tiles"):
        adapted("hancock", releases)
    assert not (releases / "out/patients.csv").exists()


def test_surgen_follow_up_ends_at_five_years_for_everybody(releases):
    said, patients = adapted("surgen", releases)
    assert patients.index.tolist() == ["SR386_001", "SR386_003", "SR386_006", "SR386_007"]
    assert patients["event"].tolist() == [2, 1, 0, 0]  # the last died after five years
    assert patients["time_months"].tolist() == [23.359, 32.0, 60.0, 60.0]
    allowed = read_patients(releases / "out/patients.csv", administrative_cut=True)
    assert allowed["label_60m"].fillna(-1).tolist() == [-1, 1, 0, 0]
    left_out = pd.read_csv("out/left_out.csv", index_col="id")["reason"]
    assert left_out.index.tolist() == ["SR386_004", "SR386_430"]
    assert "Err:502" in left_out["SR386_430"]
    assert "1 deaths after five years" in said
    assert "1 deaths without a recorded cause" in said


def test_surgen_stages_and_grades_are_ours_and_nothing_is_guessed(releases):
    _, patients = adapted("surgen", releases)
    assert patients["stage"].tolist() == ["I", "II", "III", "II"]
    assert patients["grade"].fillna(0).tolist() == [2, 3, 0, 0]  # between two grades is neither
    assert patients["pT"].tolist() == ["pT2", "pT4", "", "pT3"]
    assert patients["pN"].tolist() == ["pNX", "pN1", "", "pN0"]


def test_surgen_spots_are_the_slides_with_features_of_this_part(releases):
    adapted("surgen", releases)
    cohort = read_cohort(
        "out/patients.csv", "out/spots.csv", with_images=False, unmatched="exclude"
    )
    assert dict(zip(cohort.spots["spot_id"], cohort.spots["patient_id"], strict=True)) == {
        "SR386_40X_HE_T001_01": "SR386_001",
        "SR386_40X_HE_T3": "SR386_003",
    }


def test_dlbcl_years_become_months_and_any_death_counts(releases):
    said, patients = adapted("dlbcl_morph", releases)
    assert patients.index.tolist() == ["13901", "13902"]
    assert patients["time_months"].tolist() == [33.36, 90.0]
    assert patients["event"].tolist() == [1, 0]
    assert patients["stage"].tolist() == ["IV", "II"]
    assert pd.read_csv("out/left_out.csv", dtype=str)["id"].tolist() == ["13903"]
    assert "event 1 is death of any cause" in said


def test_dlbcl_spots_are_the_marked_regions_of_the_he_slides(releases):
    adapted("dlbcl_morph", releases)
    spots = read_cohort("out/patients.csv", "out/spots.csv").spots
    assert spots["spot_id"].tolist() == ["13901_TA232_1", "13901_TA232_2", "13902_TA233_1"]
    assert spots[["x", "y", "width", "height"]].iloc[0].tolist() == [100, 200, 1000, 1500]
    assert spots["block"].tolist() == ["TA232", "TA232", "TA233"]


HANCOCK_JSON = "hancock/StructuredData/clinical_data.json"
SR386, CLEANED = "surgen/SR386_labels.csv", "dlbcl_morph/clinical_data_cleaned.csv"
ANNOTATIONS = "dlbcl_morph/TMA/annotations.csv"


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (HANCOCK_JSON, '"sex"', '"gender"', r"no record has the key sex \(male or female\)"),
        (
            HANCOCK_JSON,
            '"living"',
            '"well"',
            r"record 1, column survival_status_with_cause: 'well'",
        ),
        (HANCOCK_JSON, "2258", "-3", r"record 1, column days_to_last_information: '-3' is below 0"),
        (HANCOCK_JSON, "2258", "null", r"record 1, column days_to_last_information: '' is empty"),
        (HANCOCK_JSON, '"002"', '"001"', r"record 2, column patient_id: '001' stands there twice"),
        (HANCOCK_JSON, "[{", "{", r"clinical_data.json: is no JSON"),
        (
            SR386,
            "days_till",
            "days_to",
            r"row 1: column days_till_death \(days, or Alive\) .* found",
        ),
        (SR386, "0,Alive", "2,Alive", r"row 5, column died_within_5_years: '2' is none of"),
        (SR386, "0,Alive", "0,300", r"row 5, column days_till_death: '300' lies within five years"),
        (SR386, "974,1", "974,3", r"row 3, column crc_primary_cause_of_death: '3' is none of"),
        (SR386, "711,,", "711,", r"row 2: 11 cells under a header of 12"),
        (CLEANED, "OS,", "OS (yr),", r"row 1: column OS \(overall survival in years\)"),
        (CLEANED, "7.5,7.5", "90,90", r"row 3, column OS: '90' are no years"),
        (CLEANED, "2.78,1", "2.78,dead", r"row 2, column Follow-up Status: 'dead' is none of"),
        (CLEANED, "13902.0", "", r"row 3, column patient_id: '' is empty"),
        (ANNOTATIONS, "tma_id", "array", r"row 1: column tma_id \(the array\)"),
        (ANNOTATIONS, "patient_id,", "", r"row 2: 7 cells under a header of 6"),
        (ANNOTATIONS, ",HE,", ",H&E,", r"column stain: no row has HE; found H&E, MYC"),
        (ANNOTATIONS, "1100,", "100,", r"row 2, column right: '100' is not beyond the left edge"),
    ],
)
def test_a_bad_release_is_named_by_file_line_and_column(releases, path, old, new, told):
    file = releases / path
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(InputError, match=told) as caught:
        adapted(path.split("/")[0], releases)
    assert file.name in str(caught.value)


def test_a_release_that_is_not_there_and_tables_that_are_are_told(releases):
    (releases / SR386).unlink()
    with pytest.raises(InputError, match=r"SR386_labels\.csv: is not there"):
        adapted("surgen", releases)
    write("out/patients.csv", "mine")
    with pytest.raises(InputError, match=r"out/patients\.csv: is there already"):
        adapted("dlbcl_morph", releases)
    assert (releases / "out/patients.csv").read_text() == "mine"


def test_the_command_offers_every_adapter_and_says_what_it_did(releases, capsys):
    offered = get_args(get_args(adapt.__annotations__["name"])[0])
    assert list(offered) == list(ADAPTERS)
    adapt("surgen", Path("surgen"), Path("out"))
    assert "4 patients, 2 with event 0, 1 with event 1, 1 with event 2" in capsys.readouterr().err
