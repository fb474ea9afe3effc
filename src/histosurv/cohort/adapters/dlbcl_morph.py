"""DLBCL-Morph: 209 patients with diffuse large B-cell lymphoma, cores of tissue microarrays.

Vrabac et al., DLBCL-Morph: Morphological features computed using deep learning for an annotated
digital DLBCL image set, Sci Data 2021; 8:135, doi 10.1038/s41597-021-00915-w; in The Cancer Imaging
Archive as DLBCL-Morphology.

Notes
-----
Sure: the columns of ``clinical_data_cleaned.csv``, that its status is 1 for the dead and its times
are years, and the path of a slide (the authors' code, stanfordmlgroup/DLBCL-Morph). Of
``TMA/annotations.csv`` the authors' code names the columns ``tma_id`` and ``stain`` and tells the
order of all seven: patient, array, stain, left, upper, right and lower edge in pixels of the full
resolution; the other five names were not seen, so they are read by their place. From others who
use the release: that the stain H&E is called ``HE``. Not known: the origin of the times. The
release has a table of whole cores too, which was not seen and is not used.
"""

import os
from pathlib import Path

import pandas as pd

from histosurv.cohort.adapters.release import (
    ROMAN,
    LeftOut,
    Table,
    read_csv,
    refuse_to_overwrite,
    write_patients,
)
from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH
from histosurv.errors import InputError
from histosurv.publish import write_table

CLINICAL = {
    "patient_id": "the patient",
    "OS": "overall survival in years",
    "Follow-up Status": "1 deceased, 0 not",
    "Age": "age in years",
    "Stage": "1 to 4",
    "IPI Score": "international prognostic index",
}
PLACES = ["patient_id", "tma_id", "stain", "left", "upper", "right", "lower"]  # ours but for two
STAIN = "HE"
LONGEST_YEARS = 40  # more are months or days


def adapt_dlbcl_morph(source: Path, out: Path) -> list[str]:
    """Write the tables of the cohort; spots are the pathologists' regions of the H&E slides.

    Parameters
    ----------
    source : pathlib.Path
        Folder of the release: ``clinical_data_cleaned.csv``, ``TMA/annotations.csv`` and
        ``TMA/HE/*.svs``.
    out : pathlib.Path
        Gets ``patients.csv``, ``spots.csv`` and perhaps ``left_out.csv``.

    Returns
    -------
    list of str
        What is to be said.

    Notes
    -----
    The release tells that somebody died, not of what: **event 1 is death of any cause**, and
    nothing that is estimated on it is disease-specific. Who has no time or no status is left out.
    """
    refuse_to_overwrite(out)
    table = read_csv(source / "clinical_data_cleaned.csv", CLINICAL)
    patient_ids = _whole(table, "patient_id")
    table.refuse_odd_ids("patient_id")
    years = table.numbers("OS", lowest=0)
    table.refuse(years > LONGEST_YEARS, "OS", "are no years of survival", "give years")
    event = table.coded(
        "Follow-up Status",
        {"1": CANCER_DEATH, "1.0": CANCER_DEATH, "0": ALIVE, "0.0": ALIVE, "": -1},
    )
    patients = pd.DataFrame(
        {
            "patient_id": patient_ids,
            "time_months": (years * 12).round(3),
            "event": event,
            "age": table.cells["Age"],
            "stage": _whole(table, "Stage").map(ROMAN),
            "ipi": _whole(table, "IPI Score"),
        }
    )
    is_known = years.notna() & (event != -1)
    left_out = [(of, "survival time or status is empty") for of in patient_ids[~is_known]]
    said = _write_spots(source / "TMA", out, left_out)
    said.append("event 1 is death of any cause: the release tells no cause of death")
    return [*said, *write_patients(patients[is_known], left_out, out)]


def _whole(table: Table, column: str) -> pd.Series:
    """Whole numbers as text, also where a program has written them with a decimal."""
    return table.cells[column].str.removesuffix(".0")


def _write_spots(folder: Path, out: Path, left_out: LeftOut) -> list[str]:
    table = _regions(folder / "annotations.csv")
    cells = table.cells
    edges = {name: table.numbers(name, lowest=0) for name in PLACES[3:]}
    for low, high in (("left", "right"), ("upper", "lower")):
        is_off = ~(edges[high] > edges[low])
        table.refuse(is_off, high, f"is not beyond the {low} edge", "correct the region")
    is_he = cells["stain"] == STAIN
    if not is_he.any():
        raise InputError(
            f"{table.path}, column stain: no row has {STAIN}; found "
            f"{', '.join(sorted(set(cells['stain'])))}; bring the table as released"
        )
    patient = _whole(table, "patient_id")
    nobody = is_he & (patient == "")
    left_out += [(f"{table.path.name}, row {at}", "no patient") for at in cells.index[nobody]]
    spots = pd.DataFrame(
        {
            "patient_id": patient,
            "image": [
                os.path.relpath(folder / STAIN / f"{array}.svs", out) for array in cells["tma_id"]
            ],
            "x": edges["left"],
            "y": edges["upper"],
            "width": edges["right"] - edges["left"],
            "height": edges["lower"] - edges["upper"],
            "block": cells["tma_id"],
        }
    )[is_he & ~nobody].astype(dict.fromkeys(("x", "y", "width", "height"), int))
    number = spots.groupby(["patient_id", "block"]).cumcount() + 1
    names = spots["patient_id"] + "_" + spots["block"] + "_" + number.astype(str)
    spots.insert(0, "spot_id", names)
    write_table(spots, out / "spots.csv")
    n_patients = spots["patient_id"].nunique()
    return [f"{out / 'spots.csv'}: {len(spots)} regions of {n_patients} patients on {STAIN} slides"]


def _regions(path: Path) -> Table:
    table = read_csv(path, {"tma_id": "the array", "stain": "the stain"})
    names = list(table.cells.columns)
    if len(names) != len(PLACES) or names[1:3] != PLACES[1:3]:
        raise InputError(
            f"{path}, row 1: {', '.join(names)}; the release has seven columns: patient, tma_id, "
            "stain, left, upper, right and lower edge; bring the table as released"
        )
    return Table(path, table.cells.set_axis(PLACES, axis=1))
