"""HANCOCK: 763 patients with head-and-neck cancer, one centre, tissue microarrays.

Dörrich et al., A multimodal dataset for precision oncology in head and neck cancer, Nat Commun
2025; 16:7163, doi 10.1038/s41467-025-62386-6.

Notes
-----
Sure: names of folders and files, keys and words of the structured data (the authors' code,
ankilab/HANCOCK_MultimodalDataset, and the schemas of their challenge, ankilab/HANCOTHON25); the
words of ``survival_status_with_cause`` from the authors' table of targets, and from others' code.
"""

from pathlib import Path

import pandas as pd

from histosurv.cohort.adapters.hancock_cores import TILE_FEATURES, write_features, write_slides
from histosurv.cohort.adapters.release import (
    DAYS_PER_MONTH,
    Table,
    read_json,
    refuse_to_overwrite,
    write_patients,
)
from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH, OTHER_DEATH
from histosurv.errors import InputError

CLINICAL = {
    "patient_id": "the patient",
    "survival_status_with_cause": "living, or deceased and of what",
    "days_to_last_information": "days from first diagnosis to death or last contact",
    "age_at_initial_diagnosis": "age in years",
    "sex": "male or female",
}
PATHOLOGICAL = {
    "patient_id": "the patient",
    "pT_stage": "pathological T",
    "pN_stage": "pathological N",
    "primary_tumor_site": "site of the tumour",
    "hpv_association_p16": "p16 status",
}
GRADING = ("grading", "grading_hpv")  # the key has both names, in older and newer releases
EVENTS = {
    "living": ALIVE,
    "deceased tumor specific": CANCER_DEATH,
    "deceased not tumor specific": OTHER_DEATH,
    "deceased": OTHER_DEATH,  # of unknown cause: never counted as a death of the cancer
}


def adapt_hancock(source: Path, out: Path) -> list[str]:
    """Write the tables of the cohort, and of its H&E cores of the tumour centre if they are there.

    Parameters
    ----------
    source : pathlib.Path
        Folder of the unpacked archives: ``StructuredData``; for the slides ``TMA_TumorCenter`` and
        ``TMA_Maps``; for the authors' tile features their repository's ``features``.
    out : pathlib.Path
        Gets ``patients.csv``; ``slides.csv`` and ``maps`` with slides; ``spots.csv`` and
        ``features`` with tile features.

    Returns
    -------
    list of str
        What is to be said.

    Notes
    -----
    Time is from first diagnosis. Deaths of unknown cause are other deaths. Tumours associated with
    HPV have no grade: the release has a word in its place that is none.
    """
    refuse_to_overwrite(out)
    clinical = read_json(source / "StructuredData" / "clinical_data.json", CLINICAL)
    pathological = read_json(source / "StructuredData" / "pathological_data.json", PATHOLOGICAL)
    patients = _outcomes(clinical).merge(_tumours(pathological), how="left", on="patient_id")
    said, left_out = [], []
    slides = sorted((source / "TMA_TumorCenter" / "HE").glob("*.svs"))
    if slides:
        said += write_slides(slides, source / "TMA_Maps", out, left_out)
    if (source / TILE_FEATURES).is_file():
        said += write_features(source / TILE_FEATURES, out)
    if not said:
        said = [f"{source}: neither TMA_TumorCenter/HE nor {TILE_FEATURES}: patients only"]
    n_unknown = (clinical.cells["survival_status_with_cause"].str.lower() == "deceased").sum()
    said.append(f"{n_unknown} deaths of unknown cause: other deaths")
    return [*said, *write_patients(patients, left_out, out)]


def _outcomes(clinical: Table) -> pd.DataFrame:
    clinical.refuse_odd_ids("patient_id")
    days = clinical.numbers("days_to_last_information", lowest=0)
    clinical.refuse(days.isna(), "days_to_last_information", "is empty", "fill it")
    return pd.DataFrame(
        {
            "patient_id": clinical.cells["patient_id"].str.zfill(3),
            "time_months": (days / DAYS_PER_MONTH).round(3),
            "event": clinical.coded("survival_status_with_cause", EVENTS),
            "age": clinical.cells["age_at_initial_diagnosis"],
            "sex": clinical.cells["sex"],
        }
    )


def _tumours(pathological: Table) -> pd.DataFrame:
    pathological.refuse_odd_ids("patient_id")
    cells = pathological.cells
    name = next((name for name in GRADING if name in cells), None)
    if name is None:
        raise InputError(
            f"{pathological.path}: no record has the key grading (G1 to G3), or grading_hpv, as "
            "the release calls it; bring the table as released"
        )
    return pd.DataFrame(
        {
            "patient_id": cells["patient_id"].str.zfill(3),
            "grade": cells[name].str.extract(r"^G([1-4])$", expand=False),
            "pT": cells["pT_stage"].str.replace(r"(?<=\d)[a-c]$", "", regex=True),
            "pN": cells["pN_stage"].str.replace(r"(?<=\d)[a-c]$", "", regex=True),
            "location": cells["primary_tumor_site"],
            "p16": cells["hpv_association_p16"],
        }
    )
