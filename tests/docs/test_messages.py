"""The messages that "Your own data" quotes are what the program says."""

from pathlib import Path

import pandas as pd
import pytest
from tests.docs.pages import DOCS, blocks

from histosurv.cohort.endpoint import label_60m
from histosurv.cohort.membership import read_cohort
from histosurv.config import complete
from histosurv.errors import MISTAKE, InputError

HEAD = "patient_id,time_months,event,reader_1"
PATIENTS = ["001,80,0,low", "002,20,1,high", "003,90,0,low"]
SPOTS = ["S1,001,images/1.jpg", "S2,002,images/2.jpg", "S3,003,images/3.jpg"]
AT_FIVE_YEARS = ["001,20,1,low", "002,60,0,high", "003,60,0,low", "004,60,0,low", "005,61,0,low"]


def written(patients, spots=SPOTS, head=HEAD):
    Path("data/patients.csv").write_text("\n".join([head, *patients]) + "\n", encoding="utf-8")
    table = ["spot_id,patient_id,image", *spots]
    Path("data/spots.csv").write_text("\n".join(table) + "\n", encoding="utf-8")


def workbook():
    written(PATIENTS)
    Path("data/patients.csv").write_bytes(b"PK\x03\x04")


def without_an_image():
    written(PATIENTS)
    Path("data/images/2.jpg").unlink()


MISTAKES = {
    "column": lambda: written(["001,80,0"], head="patient_id,months,event"),
    "semicolons": lambda: written([], head="patient_id;time_months;event"),
    "workbook": workbook,
    "days": lambda: written(["001,1400,0,low", "002,600,1,high", "003,1900,0,low"]),
    "cut": lambda: written(AT_FIVE_YEARS),
    "call": lambda: written([*PATIENTS[:2], "003,90,0,medium"]),
    "no patient": lambda: written(PATIENTS, ["S1,1,images/1.jpg", *SPOTS[1:]]),
    "no spot": lambda: written([*PATIENTS, "004,70,0,low"]),
    "no image": without_an_image,
    "one picture": lambda: written(PATIENTS, [SPOTS[0], "S2,002,images/1.jpg", SPOTS[2]]),
    "key": lambda: complete(
        {
            "cohorts": {"development": {"patients": "data/patients.csv"}},
            "models": {"training": {"learning_rat": 1}},
        }
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Pictures of three spots; nothing is read of them here."""
    (tmp_path / "data/images").mkdir(parents=True)
    for number in (1, 2, 3):
        (tmp_path / f"data/images/{number}.jpg").write_bytes(b"")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def quoted():
    texts = [text.strip() for text in blocks(DOCS / "own-data.md", "text")]
    return [text for text in texts if text.startswith(MISTAKE)]


def read(mistake=None):
    """Make a mistake, and read the tables as a run does."""
    if mistake:
        MISTAKES[mistake]()
    read_cohort(
        "data/patients.csv", "data/spots.csv", readers=["reader_1"], administrative_cut=False
    )


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_message_is_quoted_as_it_is_told(folder, quoted, mistake):
    with pytest.raises(InputError) as caught:
        read(mistake)
    assert f"{MISTAKE}{caught.value}" in quoted


def test_nothing_else_is_quoted(folder, quoted):
    assert len(quoted) == len(MISTAKES)
    written(PATIENTS)
    read()  # without a mistake nothing is told


def test_the_table_of_labels_is_that_of_the_program():
    text = (DOCS / "own-data.md").read_text(encoding="utf-8")
    for row, months in (("less than", 59.0), ("exactly", 60.0), ("more than", 61.0)):
        [line] = [line for line in text.splitlines() if line.startswith(f"| {row} ")]
        labels = label_60m(pd.Series([months] * 3), pd.Series([0, 1, 2])).astype("string")
        told = [cell.strip() for cell in line.strip("|").split("|")[1:]]
        assert told == labels.fillna("unknown").tolist()
