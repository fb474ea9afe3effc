"""Who is in the cohort: the tables joined, and everybody who is left out listed."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd

from histosurv.cohort.slides import read_slides, spots_of_slides
from histosurv.cohort.tables import CELL, REGION, read_patients, read_spots
from histosurv.errors import InputError


@dataclass(frozen=True)
class Cohort:
    """A checked cohort.

    Attributes
    ----------
    patients : pandas.DataFrame
        Sorted by ``patient_id``; ``label_60m`` added.
    spots : pandas.DataFrame
        Sorted by ``spot_id``; every spot has its patient and every patient a spot; ``image`` is
        relative to the working folder, ``listed_in`` tells file and row.
    exclusions : pandas.DataFrame
        ``id``, ``stage`` of the flow, ``reason``: one row per row that was left out.
    slides : pandas.DataFrame or None
        Whole slides that spots are cells of, sorted by ``slide_id``; None without.
    """

    patients: pd.DataFrame
    spots: pd.DataFrame
    exclusions: pd.DataFrame
    slides: pd.DataFrame | None = None

    def batch(self, number: int, spots_per_job: int) -> pd.DataFrame:
        """Rows of one batch: spots in the order of their ids, cut into runs of equal length.

        Raises
        ------
        InputError
            There are fewer batches.
        """
        rows = self.spots.iloc[number * spots_per_job : (number + 1) * spots_per_job]
        if rows.empty:
            last = (len(self.spots) - 1) // spots_per_job
            raise InputError(
                f"--batch {number}: {len(self.spots)} spots, {spots_per_job} a batch, make batches "
                f"0 to {last}"
            )
        return rows

    def close(self, index: pd.DataFrame) -> "Cohort":
        """Take out the spots that have no features, and the patients who have no spot left.

        Parameters
        ----------
        index : pandas.DataFrame
            ``spot_id``, ``status`` (``done`` or not), ``reason`` and ``sha256`` of every spot.

        Raises
        ------
        InputError
            No spot is left, or two patients have the same features: copies of one picture.
        """
        unusable = index[index["status"] != "done"].set_index("spot_id")["reason"]
        lost = self.spots["spot_id"].isin(unusable.index)
        spots = self.spots[~lost]
        bare = ~self.patients["patient_id"].isin(spots["patient_id"])
        if spots.empty:
            raise InputError(
                f"none of the {len(self.spots)} spots can be used; the first: {unusable.iloc[0]}"
            )
        _refuse_copies(spots, index[index["status"] == "done"])
        left_out = [(spot, "picture", unusable[spot]) for spot in self.spots["spot_id"][lost]]
        left_out += [
            (patient, "patient", "no usable spot") for patient in self.patients["patient_id"][bare]
        ]
        exclusions = pd.concat([self.exclusions, _exclusions(left_out)], ignore_index=True)
        return Cohort(self.patients[~bare], spots, exclusions, self.slides)


def read_cohort(
    patients_path: Path,
    spots_path: Path | str | None = None,
    slides_path: Path | str | None = None,
    *,
    unmatched: Literal["error", "exclude"] = "error",
    with_images: bool = True,
    look: bool = True,
    readers: Sequence[str] = (),
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    administrative_cut: bool | None = None,
) -> Cohort:
    """Read the tables and join them.

    Parameters
    ----------
    patients_path : pathlib.Path
        Patient table.
    spots_path, slides_path : pathlib.Path or str, optional
        Spot table and table of whole slides; at least one of the two.
    unmatched : {'error', 'exclude'}
        What to do with a spot of an unknown patient or a patient without spots: stop, or leave
        the row out and list it.
    with_images, look : bool
        As in `read_spots`. To look at all images of a large cohort takes long: the workflow does
        it once, its steps for their own batch.
    readers, strata, covariates : sequence of str
    administrative_cut : bool, optional
        As in `read_patients`.

    Raises
    ------
    InputError
        As in `read_patients`, `read_spots` and `histosurv.cohort.slides`, a row without its
        counterpart, or one picture under two patients.
    """
    patients = read_patients(
        patients_path,
        readers=readers,
        strata=strata,
        covariates=covariates,
        administrative_cut=administrative_cut,
    )
    if not spots_path and not slides_path:
        raise InputError("neither a spot table nor a slide table is named; name one of them")
    spots = read_spots(spots_path, with_images=with_images, look=look) if spots_path else None
    slides = read_slides(slides_path, with_images=with_images) if slides_path else None
    if slides is not None:
        spots = _joined(spots, spots_of_slides(slides))
    orphans = ~spots["patient_id"].isin(patients["patient_id"])
    bare = ~patients["patient_id"].isin(spots["patient_id"])
    if unmatched == "error":
        _stop_at_unmatched(patients[bare], patients_path, spots[orphans])
    if bare.all():
        raise InputError(f"{patients_path}: no spot belongs to any of these patients")
    exclusions = _exclusions(
        [
            (spot, "spot table", "patient not in the patient table")
            for spot in spots.spot_id[orphans]
        ]
        + [(patient, "patient table", "no spot") for patient in patients.patient_id[bare]]
    )
    if with_images and look:
        _refuse_shared_pictures(spots[~orphans])
    return Cohort(patients[~bare], spots[~orphans], exclusions, slides)


def _exclusions(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "stage", "reason"])


def _joined(spots: pd.DataFrame | None, cells: pd.DataFrame) -> pd.DataFrame:
    """Spots of the spot table and cells of slides in one table."""
    if spots is None:
        return cells.sort_values("spot_id", kind="stable")
    both = pd.concat([spots, cells], ignore_index=True)
    twice = both["spot_id"].duplicated()
    if twice.any():
        row = both[twice].iloc[0]
        raise InputError(
            f"{row['listed_in']}: spot {row['spot_id']!r} is in the spot table already; rename one"
        )
    text = [name for name in both if both[name].dtype == object]
    both[text] = both[text].fillna("")
    return both.sort_values("spot_id", kind="stable")


def refuse_in_two_cohorts(spots: dict[str, pd.DataFrame]) -> None:
    """An external cohort that holds a picture of the development cohort validates nothing.

    Parameters
    ----------
    spots : dict of str to pandas.DataFrame
        Spots of each cohort by its name, with ``listed_in``. Ids may be the same by chance.

    Raises
    ------
    InputError
        The first spot that is in two of them.
    """
    named = [table.assign(patient_id=f"cohort {name}") for name, table in spots.items()]
    _refuse_shared_pictures(pd.concat(named, ignore_index=True))


def _refuse_copies(spots: pd.DataFrame, done: pd.DataFrame) -> None:
    """Copies of a picture under other names have the same features, byte by byte."""
    table = spots.merge(done[["spot_id", "sha256"]], on="spot_id")
    first = table.groupby("sha256")[["spot_id", "patient_id"]].transform("first")
    wrong = table[(first["patient_id"] != table["patient_id"]) & (table["sha256"] != "")]
    if len(wrong):
        spot, other = wrong.iloc[0], first.loc[wrong.index[0]]
        raise InputError(
            f"{spot['listed_in']}: spot {spot['spot_id']!r} of patient {spot['patient_id']!r} is a "
            f"copy of spot {other['spot_id']!r} of {other['patient_id']!r}; correct the image or "
            "the patient"
        )


def _refuse_shared_pictures(spots: pd.DataFrame) -> None:
    """One picture under two patients would let a model meet its test patient while it learns."""
    place = ["file", *(name for name in (*REGION, *CELL) if name in spots)]
    files = spots.assign(file=[_real(image) for image in spots["image"]])
    first = files.groupby(place, dropna=False)["patient_id"].transform("first")
    wrong = spots[first != spots["patient_id"]]
    if len(wrong):
        spot = wrong.iloc[0]
        name, patient, other = spot["spot_id"], spot["patient_id"], first[wrong.index[0]]
        raise InputError(
            f"{spot['listed_in']}: spot {name!r} of patient {patient!r} is the same picture as one "
            f"of {other!r}; correct the image or the patient"
        )


def _real(image: str) -> str:
    """File behind all links; folders, of which there are few, are followed once."""
    if os.path.islink(image):  # noqa: PTH114 - a Path for each takes longer than looking
        return os.path.realpath(image)
    folder, name = os.path.split(image)
    return os.path.join(_real_folder(folder), name)  # noqa: PTH118


_real_folder = cache(os.path.realpath)


def _stop_at_unmatched(bare: pd.DataFrame, patients_path: Path, orphans: pd.DataFrame) -> None:
    mend = "correct the id, or set `unmatched: exclude` in the config to leave such rows out"
    if len(orphans):
        spot = orphans.iloc[0]
        raise InputError(
            f"{spot['listed_in']}, column patient_id: spot {spot['spot_id']!r} belongs to "
            f"{spot['patient_id']!r}, who is not in {patients_path}; {mend}"
        )
    if len(bare):
        patient = bare["patient_id"].iloc[0]
        raise InputError(
            f"{patients_path}, row {bare.index[0]}: patient {patient!r} has no spot; {mend}"
        )
