"""Read and check the patient table and the spot table."""

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from histosurv.cohort.columns import and_others, read_table, refuse_duplicates, require_columns
from histosurv.cohort.endpoint import HORIZON_MONTHS, heaped_at_horizon, label_60m
from histosurv.errors import InputError
from histosurv.files import batch_name

REGION = ["x", "y", "width", "height"]
OUTCOME = ["time_months", "event", "label_60m"]
HAIR_MONTHS = 0.001  # what a patient alive at the cut is moved beyond it
CELL = ["tma_slide", "tma_row", "tma_column"]


def read_patients(
    path: Path,
    *,
    readers: Sequence[str] = (),
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    administrative_cut: bool | None = None,
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
    covariates : sequence of str
        Columns that a clinical model learns from.
    administrative_cut : bool, optional
        Whether follow-up was cut at five years: if so, those alive at the cut are moved a hair
        beyond it; if not, a table that looks like it is refused, as is one whose follow-up ends
        before. Neither is asked by default.

    Raises
    ------
    InputError
        A cell that does not fit, a repeated id, days in the months column, one and the same
        outcome for everybody, follow-up that seems cut at five years or ends before, a named
        column that is missing, or a reader's call that is something else.
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
            f"{path}, column event: every patient has event {patients['event'].iloc[0]}; of one "
            "outcome alone nothing can be said; check the coding (0 alive, 1 death of the cancer, "
            "2 other death)"
        )
    require_columns(patients, readers, path, "cohort: readers")
    require_columns(patients, strata, path, "cohort: strata")
    require_columns(patients, covariates, path, "models: clinical")
    for reader in readers:
        patients[reader] = _calls(patients, reader, path)
    if administrative_cut is not None:
        patients["time_months"] = _beyond_the_cut(patients, path, allowed=administrative_cut)
        _refuse_short_follow_up(patients["time_months"], path)
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    return patients.sort_values("patient_id", kind="stable")


def read_spots(path: Path, *, with_images: bool = True, look: bool = True) -> pd.DataFrame:
    """Read the spot table, sorted by spot.

    Parameters
    ----------
    path : pathlib.Path
        The table.
    with_images : bool
        Check that every row names an image; False where features are imported.
    look : bool
        Look whether it is there, too.

    Raises
    ------
    InputError
        A cell that does not fit, a repeated id, half a region, or a missing image.
    """
    path = Path(path)
    spots = read_table(path, "spots")
    refuse_duplicates(spots, "spot_id", path)
    for name in CELL:
        if name in spots:
            raise InputError(
                f"{path}, row 1: column {name} is for cells of whole slides, which the slide table "
                "brings; take it out or rename it"
            )
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
    spots["listed_in"] = [f"{path}, row {row}" for row in spots.index]
    if with_images and look:
        refuse_missing_images(spots)
    return spots.sort_values("spot_id", kind="stable")


def read_indexes(features: Path, n_batches: int, *, first: int = 0) -> pd.DataFrame:
    """Read the indexes of all batches of a feature folder, or of those from `first` on.

    Returns
    -------
    pandas.DataFrame
        One row per spot: ``spot_id, status, reason, file, n_tiles, n_features, sha256``. Indexes
        of an older batch size that lie about are not read.
    """
    text = dict.fromkeys(("spot_id", "status", "reason", "file", "sha256"), str)
    paths = [features / "batches" / f"{batch_name(batch)}.csv" for batch in range(first, n_batches)]
    return pd.concat(pd.read_csv(path, dtype=text, keep_default_na=False) for path in paths)


def read_checked_spots(path: Path) -> pd.DataFrame:
    """Read the spot table that `histosurv cohort` wrote; its images are not looked for again."""
    return read_table(path, "spots")


def _beyond_the_cut(patients: pd.DataFrame, path: Path, *, allowed: bool) -> pd.Series:
    time = patients["time_months"]
    heaped = heaped_at_horizon(time, patients["event"])
    if heaped.any() and not allowed:
        raise InputError(
            f"{path}, column time_months: {heaped.sum()} living patients end at 60 months (row "
            f"{heaped.index[heaped][0]} is the first), as if follow-up had been cut there; they "
            "would not count as survivors; bring the whole follow-up, or set cohort: "
            "administrative_cut: true (--administrative-cut)"
        )
    return time.mask(heaped, HORIZON_MONTHS + HAIR_MONTHS)


def _refuse_short_follow_up(time: pd.Series, path: Path) -> None:
    last = time.max()
    if last > HORIZON_MONTHS:
        return
    years = " (or are these years? then multiply by 12)" if last < HORIZON_MONTHS / 2 else ""
    raise InputError(
        f"{path}, column time_months: follow-up ends at {last:g} months, and nobody is known to "
        f"have lived beyond {HORIZON_MONTHS:g}; five-year figures need longer follow-up{years}"
    )


def _calls(patients: pd.DataFrame, reader: str, path: Path) -> pd.Series:
    calls = patients[reader].astype(str).str.lower()
    wrong = ~calls.isin(["low", "high", ""])
    if wrong.any():
        row = patients.index[wrong][0]
        raise InputError(
            f"{path}, row {row}, column {reader}: {patients.at[row, reader]!r} is not low, high or "
            f"empty (a pathologist's call); correct the cell{and_others(wrong)}"
        )
    return calls


def refuse_missing_images(spots: pd.DataFrame) -> None:
    """Stop at the first spot whose image is not there, and count the others."""
    # A Path each takes longer than looking, and fails where a name is too long for a file.
    missing = spots[[not os.path.isfile(image) for image in spots["image"]]]  # noqa: PTH113
    if len(missing):
        image, place = missing["image"].iloc[0], missing["listed_in"].iloc[0]
        what = "is a folder" if os.path.isdir(image) else "is not there"  # noqa: PTH112
        n = len(missing) - 1
        others = f", and {n} other spot{' has' if n == 1 else 's have'} no image file" if n else ""
        mend = "write / in place of \\" if "\\" in image else "correct the path"
        raise InputError(
            f"{place}, column image: {image} {what}{others}; {mend} (relative to the table's "
            "folder) or bring the file"
        )


def _with_images(spots: pd.DataFrame, path: Path) -> pd.DataFrame:
    if "image" not in spots:
        raise InputError(
            f"{path}, row 1: column image is missing (image or slide file of the spot); add it"
        )
    empty = spots.index[spots["image"] == ""]
    if len(empty):
        raise InputError(f"{path}, row {empty[0]}, column image: empty; name the image file")
    return spots.assign(image=[str(path.parent / image) for image in spots["image"]])
