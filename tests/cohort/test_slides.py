import numpy as np
import pandas as pd
import pytest

from histosurv.cohort.membership import read_cohort
from histosurv.cohort.slides import cell_name, cell_number, expected_cores, read_map, read_slides
from histosurv.errors import InputError

PATIENTS = "patient_id,time_months,event\nA,12,1\nB,30,0\nC,70,0\n"
MAP = "row,column,patient_id\n1,1,A\n1,2,B\n1,3,empty\n2,1,control\n2,2,A\n2,3,C\n"
SLIDES = "slide_id,image,rows,columns,core_diameter_um,map\nT1,t1.tif,2,3,600,map.csv\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "patients.csv").write_text(PATIENTS)
    (tmp_path / "map.csv").write_text(MAP)
    (tmp_path / "slides.csv").write_text(SLIDES)
    (tmp_path / "t1.tif").write_bytes(b"")
    return tmp_path


def test_cells_of_patients_become_spots(folder):
    cohort = read_cohort(folder / "patients.csv", slides_path=folder / "slides.csv")
    assert cohort.spots["spot_id"].tolist() == ["T1_A-1", "T1_A-2", "T1_B-2", "T1_B-3"]
    assert cohort.spots["patient_id"].tolist() == ["A", "B", "A", "C"]
    assert set(cohort.spots["block"]) == {"T1"}
    assert cohort.spots["listed_in"].iloc[-1] == f"{folder / 'map.csv'}, row 7"
    assert set(cohort.spots["image"]) == {str(folder / "t1.tif")}


def test_spots_and_slides_may_be_mixed(folder):
    (folder / "a.png").write_bytes(b"")
    (folder / "spots.csv").write_text("spot_id,patient_id,image,x,y,width,height\nx,C,a.png,,,,\n")
    tables = (folder / "patients.csv", folder / "spots.csv", folder / "slides.csv")
    cohort = read_cohort(*tables)
    assert cohort.spots["spot_id"].tolist() == ["T1_A-1", "T1_A-2", "T1_B-2", "T1_B-3", "x"]
    assert cohort.spots["tma_slide"].tolist() == ["T1"] * 4 + [""]
    (folder / "spots.csv").write_text("spot_id,patient_id,image\nT1_A-1,C,a.png\n")
    with pytest.raises(InputError, match=r"map\.csv, row 2: spot 'T1_A-1' is in the spot table"):
        read_cohort(*tables)


def test_letters_and_numbers_name_the_same_cells(folder):
    (folder / "letters.csv").write_text(
        "column,row,patient_id,note\n1,a,A,x\n2,A,B,\n3,A,EMPTY,\n1,B,Control,\n2,B,A,\n3,B,C,\n"
    )
    assert (
        read_map(folder / "letters.csv", 2, 3)
        .drop(columns="line")
        .equals(read_map(folder / "map.csv", 2, 3).drop(columns="line"))
    )
    assert [cell_number(text) for text in ("1", "B", "aa", "1.5", "")] == [1, 2, 27, None, None]
    assert cell_name(27, 3) == "AA-3"


def test_a_control_is_expected_and_an_empty_place_is_not(folder):
    expected = expected_cores(read_map(folder / "map.csv", 2, 3), 2, 3)
    assert np.array_equal(expected, [[True, True, False], [True, True, True]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2,3,C\n", "", "map.csv: cell B-3 is not there; list every cell of the 2 x 3 array"),
        ("2,3,C", "2,2,C", "map.csv, row 7: cell B-2 stands there twice"),
        ("2,3,C", "3,3,C", "map.csv, row 7, column row: '3' is none of the 2 rows"),
        ("2,3,C", "2,D,C", "map.csv, row 7, column column: 'D' is none of the 3 columns"),
        ("2,3,C", "2,3,", "map.csv, row 7, column patient_id: '' is empty"),
        ("2,3,C", "2,3,Z", "map.csv, row 7, column patient_id: spot 'T1_B-3' belongs to 'Z'"),
    ],
)
def test_a_wrong_map_is_named_by_file_and_row(folder, old, new, message):
    (folder / "map.csv").write_text(MAP.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_cohort(folder / "patients.csv", slides_path=folder / "slides.csv")
    assert message in str(caught.value)
    assert "; " in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("T1,", "a/b,", "slides.csv, row 2, column slide_id: 'a/b' cannot name a file"),
        ("t1.tif", "t2.tif", "slides.csv, row 2, column image:"),
        (",map.csv", ",maps.csv", "slides.csv, row 2, column map:"),
        ("2,3,600", "0,3,600", "slides.csv, row 2, column rows: '0' is below 1"),
        ("2,3,600", "2,3,0.6", "slides.csv, row 2, column core_diameter_um: '0.6' is below 100"),
    ],
)
def test_a_wrong_slide_table_is_named_by_file_and_row(folder, old, new, message):
    (folder / "slides.csv").write_text(SLIDES.replace(old, new))
    with pytest.raises(InputError) as caught:
        read_slides(folder / "slides.csv")
    assert message in str(caught.value)


def test_one_slide_under_two_names_is_one_slide(folder):
    (folder / "link.tif").symlink_to(folder / "t1.tif")
    for name in ("t1.tif", "./t1.tif", "link.tif"):
        (folder / "slides.csv").write_text(SLIDES + f"T2,{name},2,3,600,map.csv\n")
        with pytest.raises(InputError, match=r"slides\.csv, row 3, column image"):
            read_slides(folder / "slides.csv")


def test_one_picture_under_two_names_is_one_picture(folder):
    (folder / "a.png").write_bytes(b"")
    (folder / "link.png").symlink_to(folder / "a.png")
    (folder / "patients.csv").write_text("patient_id,time_months,event\nA,12,1\nB,30,0\n")
    for name in ("./a.png", "link.png"):
        (folder / "spots.csv").write_text(f"spot_id,patient_id,image\nx,A,a.png\ny,B,{name}\n")
        with pytest.raises(InputError, match="row 3: spot 'y' of patient 'B' is the same picture"):
            read_cohort(folder / "patients.csv", folder / "spots.csv")


def test_columns_of_cells_have_no_place_in_a_spot_table(folder):
    (folder / "a.png").write_bytes(b"")
    (folder / "spots.csv").write_text("spot_id,patient_id,image,tma_slide\nx,A,a.png,T1\n")
    with pytest.raises(InputError, match="row 1: column tma_slide is for cells of whole slides"):
        read_cohort(folder / "patients.csv", folder / "spots.csv")


def test_neither_spots_nor_slides(folder):
    with pytest.raises(InputError, match="neither a spot table nor a slide table"):
        read_cohort(folder / "patients.csv")


def test_what_has_no_features_is_left_out_and_listed(folder):
    cohort = read_cohort(folder / "patients.csv", slides_path=folder / "slides.csv")
    index = pd.DataFrame({"spot_id": cohort.spots["spot_id"], "status": "done", "reason": ""})
    index["sha256"] = index["spot_id"]
    assert cohort.close(index).spots.equals(cohort.spots)
    bad = index["spot_id"].isin(["T1_A-1", "T1_B-3"])
    index.loc[bad, ["status", "reason"]] = ["excluded", "t1.tif: the core is missing"]
    closed = cohort.close(index)
    assert closed.patients["patient_id"].tolist() == ["A", "B"]
    assert closed.spots["spot_id"].tolist() == ["T1_A-2", "T1_B-2"]
    assert closed.exclusions.to_numpy().tolist() == [
        ["T1_A-1", "picture", "t1.tif: the core is missing"],
        ["T1_B-3", "picture", "t1.tif: the core is missing"],
        ["C", "patient", "no usable spot"],
    ]
    copied = index.assign(status="done", sha256=["1", "2", "3", "2"])
    with pytest.raises(InputError, match="'T1_B-3' of patient 'C' is a copy of spot 'T1_A-2' of"):
        cohort.close(copied)
    with pytest.raises(InputError, match="none of the 4 spots can be used; the first: gone"):
        cohort.close(index.assign(status="excluded", reason="gone"))
