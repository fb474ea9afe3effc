"""Read, check and join the patient table and the spot table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from histosurv.cohort.columns import read_table, refuse_duplicates, require_columns
from histosurv.cohort.endpoint import label_60m
from histosurv.errors import InputError

REGION = ["x", "y", "width", "height"]


@dataclass(frozen=True)
class Cohort:
    """A checked cohort.

    Attributes
    ----------
    patients : pandas.DataFrame
        Sorted by ``patient_id``; ``label_60m`` added.
    spots : pandas.DataFrame
        Sorted by ``spot_id``; every spot has its patient and every patient a spot; ``image`` is
        relative to the working folder.
    exclusions : pandas.DataFrame
        ``id``, ``stage`` of the flow, ``reason``: one row per row that was left out.
    """

    patients: pd.DataFrame
    spots: pd.DataFrame
    exclusions: pd.DataFrame

    def batch(self, number: int, spots_per_job: int) -> pd.DataFrame:
        """Rows of one batch: spots in the order of their ids, cut into runs of equal length."""
        return self.spots.iloc[number * spots_per_job : (number + 1) * spots_per_job]


def read_patients(
    path: Path, *, readers: Sequence[str] = (), strata: Sequence[str] = ()
) -> pd.DataFrame:
    """Read the patient table and add the five-year label.

    Parameters
    ----------
    path : pathlib.Path
        The table.
    readers : sequence of str
        Columns with pathologists' calls, which become ``low``, ``high`` or empty.
    strata : sequence of str
        Columns that the folds are to be balanced by.

    Raises
    ------
    InputError
        A cell that does not fit, a repeated id, days in the months column, one and the same
        outcome for everybody, a reader's or a stratum's column that is missing, or a reader's call
        that is something else.
    """
    patients = read_table(path, "patients")
    refuse_duplicates(patients, "patient_id", path)
    middle = patients["time_months"].median()
    if middle > 400:
        raise InputError(
            f"{path}, column time_months: the median is {middle:g}, which looks like days; "
            "divide by 30.4375"
        )
    if (patients["event"] == patients["event"].iloc[0]).all():
        raise InputError(
            f"{path}, column event: every patient has event {patients['event'].iloc[0]}; without "
            "both deaths and survivors there is nothing to learn; check the coding (0, 1, 2)"
        )
    require_columns(patients, readers, path, "cohort: readers")
    require_columns(patients, strata, path, "cohort: strata")
    for reader in readers:
        patients[reader] = _calls(patients, reader, path)
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    return patients.sort_values("patient_id", kind="stable")


def read_spots(path: Path, *, with_images: bool = True) -> pd.DataFrame:
    """Read the spot table, sorted by spot.

    Parameters
    ----------
    path : pathlib.Path
        The table.
    with_images : bool
        Check that every row names an image that exists; False where features are imported.

    Raises
    ------
    InputError
        A cell that does not fit, a repeated id, half a region, or a missing image.
    """
    path = Path(path)
    spots = read_table(path, "spots")
    refuse_duplicates(spots, "spot_id", path)
    named = [name for name in REGION if name in spots]
    if named and len(named) < len(REGION):
        raise InputError(
            f"{path}, row 1: a region needs x, y, width and height; found {', '.join(named)} only"
        )
    if named:
        partly = spots[REGION].isna().any(axis=1) & spots[REGION].notna().any(axis=1)
        if partly.any():
            raise InputError(
                f"{path}, row {spots.index[partly][0]}: a region needs x, y, width and height; "
                "fill all four or none"
            )
    if with_images:
        spots = _with_images(spots, path)
    return spots.sort_values("spot_id", kind="stable")


def read_cohort(
    patients_path: Path,
    spots_path: Path,
    *,
    unmatched: Literal["error", "exclude"] = "error",
    with_images: bool = True,
    readers: Sequence[str] = (),
    strata: Sequence[str] = (),
) -> Cohort:
    """Read both tables and join them.

    Parameters
    ----------
    patients_path, spots_path : pathlib.Path
        The two input tables.
    unmatched : {'error', 'exclude'}
        What to do with a spot of an unknown patient or a patient without spots: stop, or leave
        the row out and list it.
    with_images : bool
        As in `read_spots`.
    readers, strata : sequence of str
        As in `read_patients`.

    Raises
    ------
    InputError
        As in `read_patients` and `read_spots`, a row without its counterpart, or one picture
        under two patients.
    """
    patients = read_patients(patients_path, readers=readers, strata=strata)
    spots = read_spots(spots_path, with_images=with_images)
    orphans = ~spots["patient_id"].isin(patients["patient_id"])
    bare = ~patients["patient_id"].isin(spots["patient_id"])
    if unmatched == "error":
        _stop_at_unmatched(patients[bare], patients_path, spots[orphans], spots_path)
    if bare.all():
        raise InputError(f"{spots_path}: no spot belongs to a patient of {patients_path}")
    exclusions = pd.DataFrame(
        [
            (spot, "spot table", "patient not in the patient table")
            for spot in spots.spot_id[orphans]
        ]
        + [(patient, "patient table", "no spot") for patient in patients.patient_id[bare]],
        columns=["id", "stage", "reason"],
    )
    if with_images:
        _refuse_shared_pictures(spots[~orphans], spots_path)
    return Cohort(patients[~bare], spots[~orphans], exclusions)


def read_checked_spots(path: Path) -> pd.DataFrame:
    """Read the spot table that `histosurv cohort` wrote; its images are not looked for again."""
    return read_table(path, "spots")


def _calls(patients: pd.DataFrame, reader: str, path: Path) -> pd.Series:
    calls = patients[reader].astype(str).str.lower()
    wrong = ~calls.isin(["low", "high", ""])
    if wrong.any():
        row = patients.index[wrong][0]
        raise InputError(
            f"{path}, row {row}, column {reader}: {patients.at[row, reader]!r} is not low, high or "
            "empty (a pathologist's call); correct the cell"
        )
    return calls


def _with_images(spots: pd.DataFrame, path: Path) -> pd.DataFrame:
    if "image" not in spots:
        raise InputError(
            f"{path}, row 1: column image is missing (image or slide file of the spot); add it"
        )
    for row, image in spots["image"].items():
        if not image:
            raise InputError(f"{path}, row {row}, column image: empty; name the image file")
        if not (path.parent / image).is_file():
            raise InputError(
                f"{path}, row {row}, column image: {path.parent / image} is not there; "
                "correct the path (relative to the table's folder) or bring the file"
            )
    return spots.assign(image=[str(path.parent / image) for image in spots["image"]])


def _refuse_shared_pictures(spots: pd.DataFrame, path: Path) -> None:
    """One picture under two patients would let a model meet its test patient while it learns."""
    place = ["image", *(name for name in REGION if name in spots)]
    owner = spots.groupby(place, dropna=False)["patient_id"].transform("first")
    wrong = spots.index[owner != spots["patient_id"]]
    if len(wrong):
        row = wrong[0]
        raise InputError(
            f"{path}, row {row}: spot {spots.at[row, 'spot_id']!r} of patient "
            f"{spots.at[row, 'patient_id']!r} is the same picture as one of {owner[row]!r}; "
            "correct the image or the patient"
        )


def _stop_at_unmatched(
    bare: pd.DataFrame, patients_path: Path, orphans: pd.DataFrame, spots_path: Path
) -> None:
    mend = "correct the id, or set `unmatched: exclude` in the config to leave such rows out"
    if len(orphans):
        row = orphans.index[0]
        raise InputError(
            f"{spots_path}, row {row}, column patient_id: spot {orphans.at[row, 'spot_id']!r} "
            f"belongs to {orphans.at[row, 'patient_id']!r}, who is not in {patients_path}; {mend}"
        )
    if len(bare):
        row = bare.index[0]
        raise InputError(
            f"{patients_path}, row {row}: patient {bare.at[row, 'patient_id']!r} has no spot in "
            f"{spots_path}; {mend}"
        )
