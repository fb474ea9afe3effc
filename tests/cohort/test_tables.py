import re

import pandas as pd
import pytest

from histosurv.cohort.membership import read_cohort
from histosurv.cohort.tables import read_patients, read_spots
from histosurv.errors import InputError

PATIENTS = "patient_id,time_months,event\nA,12,1\nB,70,0\nC,30,2\n"
SPOTS = "spot_id,patient_id,image\na1,A,a.png\nb1,B,b.png\nc1,C,c.png\n"


@pytest.fixture
def folder(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(b"")
    (tmp_path / "patients.csv").write_text(PATIENTS)
    (tmp_path / "spots.csv").write_text(SPOTS)
    return tmp_path


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patient_id,time_months\nA,12\n", r"row 1: column event is missing"),
        ("patient_id;time_months;event\nA;12;1\n", r"row 1: columns are separated by semicolons"),
        (PATIENTS + "A,5,1\n", r"row 5, column patient_id: 'A' stands in row 2 already"),
        (PATIENTS + "D,-1,1\n", r"row 5, column time_months: '-1' is below 0"),
        (PATIENTS + "D,soon,1\n", r"row 5, column time_months: 'soon' is not a number"),
        (PATIENTS + 'D,"4,5",1\n', r"row 5, .* '4,5' has a comma in place of the point"),
        (PATIENTS + "D,nan,1\n", r"row 5, column time_months: 'nan' is not a number"),
        (PATIENTS + "D,inf,1\n", r"row 5, column time_months: 'inf' is not a number"),
        (PATIENTS + "D,,1\n", r"row 5, column time_months: '' is empty"),
        (PATIENTS + ",4,1\n", r"row 5, column patient_id: '' is empty"),
        (PATIENTS + "D,4,3\n", r"row 5, column event: '3' is not 0 or 1 or 2"),
        (PATIENTS + "D,4,0.5\n", r"row 5, column event: '0.5' is not a whole number"),
        (PATIENTS + "D,4,\n", r"row 5, column event: '' is empty"),
        (PATIENTS + "D,4,1,9,9\n", r"row 5: 5 cells under a header of 3"),
        (PATIENTS + "D,4\n", r"row 5: 2 cells under a header of 3"),
        (PATIENTS + 'D,"4,1\n', r"no readable CSV"),
        (PATIENTS + "D\0,4,1\n", r"bytes that are no text"),
        ("patient_id,time_months,event,event\nA,12,1,0\n", r"column 'event' stands there twice"),
        ("patient_id\ttime_months\tevent\nA\t12\t1\n", r"separated by tabs"),
        ("PK\x03\x04", r"Excel workbook"),
        ("patient_id,time_months,event\nA,12,1\nB,20,1\n", r"every patient has event 1"),
        ("patient_id,time_months,event\nA,900,1\nB,2000,0\n", r"looks like days"),
        ("patient_id,time_months,event\n", r"has no rows"),
        ("", r"has no rows"),
    ],
)
def test_a_bad_patient_table_is_named_by_file_row_and_column(folder, text, message):
    path = write(folder / "patients.csv", text)
    with pytest.raises(InputError, match=message) as caught:
        read_patients(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ((PATIENTS + "Ö,4,1\n").encode("latin-1"), r"line 5: letters are not in UTF-8; save it as"),
        (PATIENTS.encode("utf-16"), r"in UTF-16 \('Unicode text'\); save it as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"an Excel workbook; save it as CSV UTF-8"),
    ],
)
def test_what_other_programs_save_is_told_by_its_kind(folder, content, message):
    (folder / "patients.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_patients(folder / "patients.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spot_id,image\na1,a.png\n", r"row 1: column patient_id is missing"),
        ("spot_id,patient_id\na1,A\n", r"row 1: column image is missing"),
        (SPOTS + "a1,A,a.png\n", r"row 5, column spot_id: 'a1' stands in row 2 already"),
        (SPOTS + "d1,B,a.png\n", r"row 5: spot 'd1' of patient 'B' is the same picture as one of"),
        (SPOTS + "d1,A,\n", r"row 5, column image: empty"),
        (SPOTS + "d1,A,d.png\n", r"row 5, column image: .*d.png is not there"),
        (SPOTS + "d1,A,.\n", r"row 5, column image: .* is a folder; correct the path"),
        (SPOTS + "d1,A,in\\d.png\n", r"d.png is not there; write / in place of "),
        (SPOTS + "z1,Z,a.png\n", r"row 5, column patient_id: spot 'z1' belongs to 'Z', who"),
        ("spot_id,patient_id,image\na1,A,a.png\nb1,B,b.png\n", r"row 4: patient 'C' has no spot"),
        (
            "spot_id,patient_id,image,x,y\na1,A,a.png,1,2\n",
            r"a region needs x, y, width and height",
        ),
        (
            "spot_id,patient_id,image,x,y,width,height\na1,A,a.png,1,2,,4\n",
            r"row 2: a region needs",
        ),
    ],
)
def test_a_bad_spot_table_is_named_by_file_row_and_column(folder, text, message):
    write(folder / "spots.csv", text)
    with pytest.raises(InputError, match=message):
        read_cohort(folder / "patients.csv", folder / "spots.csv")


def test_a_missing_table_says_so(tmp_path):
    with pytest.raises(InputError, match=r"patients\.csv: the patient table is not there"):
        read_patients(tmp_path / "patients.csv")


def test_calls_of_a_reader_are_read_whatever_their_case(folder):
    text = "patient_id,time_months,event,r1\nA,12,1,High\nB,70,0, low \nC,30,0,\n"
    path = write(folder / "patients.csv", text)
    assert read_patients(path, readers=["r1"])["r1"].tolist() == ["high", "low", ""]


@pytest.mark.parametrize(
    ("reader", "message"),
    [
        ("r1", r"row 3, column r1: 'medium' is not low, high or empty"),
        ("r9", r"row 1: column r9 is missing"),
    ],
)
def test_a_bad_call_of_a_reader_is_named(folder, reader, message):
    text = "patient_id,time_months,event,r1\nA,12,1,high\nB,70,0,medium\nC,30,0,\n"
    write(folder / "patients.csv", text)
    with pytest.raises(InputError, match=message):
        read_cohort(folder / "patients.csv", folder / "spots.csv", readers=[reader])


def test_unmatched_rows_can_be_left_out_and_are_listed(folder):
    write(folder / "spots.csv", "spot_id,patient_id,image\nz1,Z,a.png\na1,A,a.png\nb1,B,b.png\n")
    cohort = read_cohort(folder / "patients.csv", folder / "spots.csv", unmatched="exclude")
    assert cohort.patients["patient_id"].tolist() == ["A", "B"]
    assert cohort.spots["spot_id"].tolist() == ["a1", "b1"]
    assert cohort.exclusions["id"].tolist() == ["z1", "C"]


def test_ids_stay_text_and_rows_are_counted_as_a_spreadsheet_does(folder):
    path = write(
        folder / "patients.csv",
        '\ufeffpatient_id, time_months,event,remark\n001,12,1,"a, b"\n 002 ,70,0,\n\n',
    )
    table = read_patients(path)
    assert table["patient_id"].tolist() == ["001", "002"]
    assert table.index.tolist() == [2, 3]
    assert table["remark"].tolist() == ["a, b", ""]


def test_empty_columns_at_the_end_are_no_columns(folder):
    text = "patient_id,time_months,event,,\nA,12,1,,\nB,70,0\nC,30,0,\n"
    table = read_patients(write(folder / "patients.csv", text))
    assert table["event"].tolist() == [1, 0, 0]
    assert "" not in table


def test_spots_are_sorted_and_images_found_beside_the_table(folder):
    write(folder / "spots.csv", "spot_id,patient_id,image\nb1,B,b.png\na1,A,a.png\n")
    spots = read_spots(folder / "spots.csv")
    assert spots["spot_id"].tolist() == ["a1", "b1"]
    assert spots["image"].tolist() == [str(folder / "a.png"), str(folder / "b.png")]


def test_messages_end_with_what_to_do(folder):
    write(folder / "patients.csv", PATIENTS + "D,-1,1\n")
    with pytest.raises(InputError) as caught:
        read_patients(folder / "patients.csv")
    assert re.search(r"; correct the cell$", str(caught.value))


def test_a_mistake_in_many_rows_is_told_once_with_all_of_them(folder):
    rows = "".join(f"E{number},20,yes\n" for number in range(8))
    write(folder / "patients.csv", PATIENTS + rows)
    told = r"row 5, .*'yes' is not a number .* the cell, and those of rows 6, 7, 8, 9, 10 and 2 m"
    with pytest.raises(InputError, match=told):
        read_patients(folder / "patients.csv")
    spots = "".join(f"f{number},A,f{number}.png\n" for number in range(4))
    write(folder / "spots.csv", SPOTS + spots)
    with pytest.raises(InputError, match=r"f0\.png is not there, and 3 other spots have no"):
        read_spots(folder / "spots.csv")


def test_a_misspelt_column_is_asked_back(folder):
    write(folder / "patients.csv", "patient_id,time_months,event,reader_1\nA,12,1,low\nB,70,0,\n")
    for readers, mend in (
        (["raeder_1"], "did you mean 'reader_1'"),
        (["Reader_1"], "did you mean 'reader_1'"),
        (["reader_1", "reader_2"], "add it or take the name out"),
    ):
        told = rf"column {readers[-1]} is missing \(named under cohort: readers\); {mend}"
        with pytest.raises(InputError, match=told):
            read_patients(folder / "patients.csv", readers=readers)


def test_label_is_added(folder):
    label = read_patients(folder / "patients.csv")["label_60m"]
    assert label.fillna(-1).tolist() == [1, 0, -1]
    assert isinstance(label.dtype, pd.Int64Dtype)


def test_follow_up_cut_at_five_years_is_refused_or_allowed(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text("patient_id,time_months,event\nA,12,1\nB,60,0\nC,59.99,0\n", "utf-8")
    with pytest.raises(InputError, match=r"2 living patients end at 60 months \(row 3"):
        read_patients(path, administrative_cut=False)
    allowed = read_patients(path, administrative_cut=True)
    assert allowed["time_months"].tolist() == [12.0, 60.001, 60.001]
    assert allowed["label_60m"].tolist() == [1, 0, 0]
    assert read_patients(path)["time_months"].tolist() == [12.0, 60.0, 59.99]
    allowed.drop(columns="label_60m").to_csv(path, index=False)  # what was moved is not refused
    assert read_patients(path, administrative_cut=False)["label_60m"].tolist() == [1, 0, 0]
