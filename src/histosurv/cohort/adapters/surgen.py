"""SurGen, its part SR386: 427 patients with primary colorectal cancer, one whole slide each.

Myles et al., SurGen: 1020 H&E-stained whole-slide images with survival and genetic markers,
GigaScience 2025; giaf086; data doi 10.6019/S-BIAD1285. The other part, SR1482, has no survival.

Notes
-----
Columns and words are those of ``SR386_labels.csv`` as three independent repositories use it; one
holds a copy of the table, which was read from end to end. Sure: all names and codes below. Not
known: whether days count from diagnosis or from surgery, and whether an empty cause of death is
another cause or an unknown one, for the table never has a 0 there.
"""

import re
from pathlib import Path

import pandas as pd

from histosurv.cohort.adapters.release import (
    DAYS_PER_MONTH,
    ROMAN,
    LeftOut,
    Table,
    read_csv,
    refuse_to_overwrite,
    write_patients,
)
from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH, HORIZON_MONTHS, OTHER_DEATH
from histosurv.publish import write_table

COLUMNS = {
    "case_id": "number of the case",
    "died_within_5_years": "1 or 0",
    "days_till_death": "days, or Alive",
    "crc_primary_cause_of_death": "1, or empty",
    "age_at_diagnosis": "age in years",
    "sex": "M or F",
    "site_of_tumour_grouping": "segment of the bowel",
    "stage": "1 to 4",
    "pT": "pathological T",
    "pN": "pathological N",
    "differentiation": "Well, Mod or Poor, and remarks",
    "mmr_loss_binary": "loss of mismatch repair, 1 or 0",
}
GRADES = {"well": "1", "mod": "2", "poor": "3"}
# The first word is the grade, unless a second follows: `Mod to Poor` lies between two grades.
GRADE = r"^(well|mod|poor)\w*+(?!\s*(?:to\b|-))"
FEATURES = re.compile(r"SR386_40X_HE_T(\d+)(?:_\d+)?\.(?:h5|npz)")


def adapt_surgen(source: Path, out: Path) -> list[str]:
    """Write the tables of SR386, with a spot for every feature file that is there.

    Parameters
    ----------
    source : pathlib.Path
        Folder with ``SR386_labels.csv`` and, computed from the slides, feature files in
        ``features`` (``SR386_40X_HE_T001_01.h5``, ...).
    out : pathlib.Path
        Gets ``patients.csv``, ``spots.csv`` and perhaps ``left_out.csv``.

    Returns
    -------
    list of str
        What is to be said.

    Notes
    -----
    Of the living the table tells only that they lived at five years, so everybody's follow-up ends
    there: who is recorded to have died later counts as alive at 60 months. A death within them is
    of the cancer where that is recorded, else another: deaths of unknown cause, too, never count
    as deaths of the cancer. Who has no known outcome, or no known day of death, is left out.
    """
    refuse_to_overwrite(out)
    table = read_csv(source / "SR386_labels.csv", COLUMNS)
    table.refuse_odd_ids("case_id")
    table.numbers("case_id", lowest=0)
    outcome, left_out, said = _outcome(table)
    cells = table.cells.loc[outcome.index]
    patients = pd.DataFrame(
        {
            "patient_id": [_patient(case) for case in cells["case_id"]],
            **outcome,
            "age": cells["age_at_diagnosis"],
            "sex": cells["sex"],
            "stage": cells["stage"].str[:1].map(ROMAN),
            "grade": cells["differentiation"]
            .str.lower()
            .str.extract(GRADE, expand=False)
            .map(GRADES),
            "pT": _group(cells["pT"], "T", "[0-4]"),
            "pN": _group(cells["pN"], "N", "[0-2X]"),
            "location": cells["site_of_tumour_grouping"],
            "mmr_loss": cells["mmr_loss_binary"],
        }
    )
    said += _write_spots(source / "features", out)
    return [*said, *write_patients(patients, left_out, out)]


def _outcome(table: Table) -> tuple[pd.DataFrame, LeftOut, list[str]]:
    column = "days_till_death"
    cells = table.cells
    died = table.coded("died_within_5_years", {"1": 1, "0": 0, "": -1})
    of_cancer = table.coded("crc_primary_cause_of_death", {"1": True, "0": False, "": False})
    days = pd.to_numeric(cells[column], errors="coerce")
    table.refuse(days < 0, column, "is below 0", "correct the cell")
    months = days / DAYS_PER_MONTH
    is_late = (died == 1) & (months > HORIZON_MONTHS)
    table.refuse(
        (died == 0) & (months <= HORIZON_MONTHS),
        column,
        "lies within five years, but died_within_5_years is 0",
        "correct one of the two",
    )
    is_dead = (died == 1) & ~is_late
    event = of_cancer.map({True: CANCER_DEATH, False: OTHER_DEATH}).where(is_dead, ALIVE)
    time = months.where(is_dead, HORIZON_MONTHS).round(3)
    left_out = [
        (_patient(case), "whether the patient lived at five years is not recorded")
        for case in cells["case_id"][died == -1]
    ] + [
        (_patient(cells.at[at, "case_id"]), f"day of death is not recorded: {cells.at[at, column]}")
        for at in time.index[time.isna()]
    ]
    said = [
        f"{is_late.sum()} deaths after five years: alive at 60 months, where all follow-up ends",
        f"{(is_dead & ~of_cancer).sum()} deaths without a recorded cause: other deaths",
    ]
    known = (died != -1) & time.notna()
    return pd.DataFrame({"time_months": time, "event": event})[known], left_out, said


def _patient(case: str) -> str:
    return f"SR386_{int(float(case)):03d}"


def _group(cells: pd.Series, letter: str, levels: str) -> pd.Series:
    """T3 of `ypT3` or `Pt3`, T4 of `pT4b`; empty where no level is told."""
    level = cells.str.upper().str.extract(rf"{letter}({levels})", expand=False)
    return (f"p{letter}" + level).fillna("")


def _write_spots(features: Path, out: Path) -> list[str]:
    found = [(path.stem, FEATURES.fullmatch(path.name)) for path in sorted(features.glob("*"))]
    rows = [(stem, _patient(match[1])) for stem, match in found if match]
    if not rows:
        return [f"{features}: no feature file SR386_40X_HE_T*.h5 or .npz: spots.csv is not written"]
    write_table(pd.DataFrame(rows, columns=["spot_id", "patient_id"]), out / "spots.csv")
    return [f"{out / 'spots.csv'}: {len(rows)} slides with features in {features}"]
