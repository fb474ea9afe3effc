"""The cores of one slide: found in its overview, or as a person has checked them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from histosurv.cohort.columns import read_table
from histosurv.cohort.slides import EMPTY, cell_name, expected_cores
from histosurv.errors import InputError
from histosurv.spots.dearray import dearray
from histosurv.spots.qupath import read_geojson, read_qptma
from histosurv.spots.reader import opened
from histosurv.spots.reconcile import SURE_CORE

OVERVIEW_PX = 2400  # longer side of the overview
MARGIN = 1.1  # side of a core's box in core diameters
COLUMNS = [
    "row",
    "column",
    "name",
    "patient_id",
    "present",
    "confidence",
    "coverage",
    "centre_x",
    "centre_y",
    "x",
    "y",
    "width",
    "height",
]


@dataclass(frozen=True)
class SlideCores:
    """Cores of one slide.

    Attributes
    ----------
    cores : pandas.DataFrame
        `COLUMNS`, one row per cell; centre and box in pixels of the full resolution. ``patient_id``
        may be ``empty`` or ``control``.
    overview : numpy.ndarray
        (height, width, 3) uint8.
    downsample : float
        Pixels of the full resolution per pixel of the overview.
    doubts, remarks : list of str
        Why the grid is not sure (empty = sure), and what else a user should know.
    source : str
        ``found`` in the picture, or the name of the override.
    """

    cores: pd.DataFrame
    overview: np.ndarray
    downsample: float
    doubts: list[str]
    remarks: list[str]
    source: str

    def verdict(self) -> dict:
        """What was decided, for the report."""
        present = self.cores["present"] == 1
        wanted = self.cores["patient_id"] != EMPTY
        return {
            "sure": not self.doubts,
            "source": self.source,
            "n_cells": len(self.cores),
            "n_expected": int(wanted.sum()),
            "n_present": int((present & wanted).sum()),
            "n_unsure": int((present & wanted & (self.cores["confidence"] < SURE_CORE)).sum()),
            "doubts": self.doubts,
            "remarks": self.remarks,
        }


def find_cores(
    image: str,
    cells: pd.DataFrame,
    *,
    rows: int,
    columns: int,
    core_diameter_um: float,
    mpp: float | None = None,
    override: str = "",
) -> SlideCores:
    """Find the cores of a slide and give each its cell.

    Parameters
    ----------
    image : str
        Slide or overview picture.
    cells : pandas.DataFrame
        The array's map, as from `histosurv.cohort.slides.read_map`.
    rows, columns : int
        Size of the array.
    core_diameter_um : float
        Diameter of a core.
    mpp : float, optional
        Micrometres per pixel; the file's without it, and without either the size is estimated.
    override : str
        Core table, GeoJSON or .qptma that is used as it is.
    """
    with opened(image) as picture:
        size = picture.size
        overview = picture.thumbnail(OVERVIEW_PX)
        mpp = mpp or picture.mpp()
    downsample = size[0] / overview.shape[1]
    core_px = core_diameter_um / mpp if mpp else None
    if override:
        cores = _read_override(Path(override), cells, rows, columns)
        _refuse_odd_boxes(cores, Path(override), size)
        doubts, remarks = [], _order_remarks(cores)
    else:
        expected = expected_cores(cells, rows, columns)
        grid = dearray(overview, expected, core_px / downsample if core_px else None)
        cores, doubts, remarks = grid.cores, grid.doubts, grid.remarks
        cores = cores.rename(columns={"x": "centre_x", "y": "centre_y"})
        cores[["centre_x", "centre_y"]] *= downsample
        side = MARGIN * (core_px or grid.core_px * downsample)
        cores["width"] = cores["height"] = round(side)
        cores["x"], cores["y"] = cores["centre_x"] - side / 2, cores["centre_y"] - side / 2
        if mpp is None:
            remarks = [*remarks, "no scale is known; the size of the cores is estimated"]
    cores = _inside(cores, size)
    cores["name"] = [cell_name(*cell) for cell in zip(cores["row"], cores["column"], strict=True)]
    if "patient_id" not in cores:
        cores = cores.merge(cells[["row", "column", "patient_id"]], on=["row", "column"])
    return SlideCores(
        cores[COLUMNS], overview, downsample, doubts, remarks, Path(override).name or "found"
    )


def read_cores(path: Path) -> pd.DataFrame:
    """Read a core table of `histosurv dearray`."""
    text = {"patient_id": str, "name": str}
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values={"x": [""], "y": [""]})


def with_cores(spots: pd.DataFrame, folder: Path | None) -> pd.DataFrame:
    """Give the spots of slides the boxes that de-arraying found.

    Parameters
    ----------
    spots : pandas.DataFrame
        Rows of the checked spot table.
    folder : pathlib.Path or None
        Folder of the core tables, ``{slide_id}.csv``.

    Returns
    -------
    pandas.DataFrame
        The rows with ``x, y, width, height``, and with ``reason``, the code of why a core cannot
        be used; empty where it can.
    """
    spots = spots.copy()
    spots["reason"] = ""
    if "tma_slide" not in spots or (spots["tma_slide"] == "").all():
        return spots
    if folder is None:
        raise InputError(
            "spots are cells of whole slides; run `histosurv dearray` for each slide and name the "
            "folder of the core tables with --cores"
        )
    for slide_id, group in spots[spots["tma_slide"] != ""].groupby("tma_slide"):
        cores = read_cores(folder / f"{slide_id}.csv").set_index(["row", "column"])
        cells = group[["tma_row", "tma_column"]].astype(int)
        found = cores.loc[list(cells.itertuples(index=False, name=None))]
        for side in ("x", "y", "width", "height"):
            spots.loc[group.index, side] = found[side].to_numpy()
        unsure = found["confidence"].to_numpy() < SURE_CORE
        present = found["present"].to_numpy() == 1
        spots.loc[group.index, "reason"] = np.where(
            ~present, "core_missing", np.where(unsure, "core_unsure", "")
        )
    return spots


def _inside(cores: pd.DataFrame, size: tuple[int, int]) -> pd.DataFrame:
    """Boxes in whole pixels, moved into the slide where they leave it."""
    cores = cores.copy()
    for side, start, length in (("width", "x", size[0]), ("height", "y", size[1])):
        cores[side] = np.minimum(cores[side].round(), length).astype(int)
        cores[start] = cores[start].round().clip(0, length - cores[side]).astype("Int64")
    return cores


def _read_override(path: Path, cells: pd.DataFrame, rows: int, columns: int) -> pd.DataFrame:
    """Cores that a person has checked; a cell that the file leaves out is missing."""
    if path.suffix.lower() in (".geojson", ".json"):
        cores = read_geojson(path, rows, columns)
    elif path.suffix.lower() == ".qptma":
        cores = read_qptma(path, rows, columns)
    else:
        cores = _read_core_csv(path, rows, columns)
    if cores.empty:
        raise InputError(f"{path}: holds no core; name a core table of this slide")
    twice = cores.duplicated(["row", "column"])
    if twice.any():
        name = cell_name(*cores.loc[twice, ["row", "column"]].iloc[0])
        raise InputError(f"{path}: cell {name} stands there twice; keep one")
    merged = cells[["row", "column", "patient_id"]].merge(
        cores, on=["row", "column"], how="left", suffixes=("", "_given")
    )
    if "patient_id_given" in merged:
        given = merged["patient_id_given"].fillna("")
        other = merged[(given != "") & (given != merged["patient_id"])]
        if len(other):
            core = other.iloc[0]
            raise InputError(
                f"{path}: core {cell_name(core['row'], core['column'])} is "
                f"{core['patient_id_given']!r} here and {core['patient_id']!r} in the map; make "
                "them agree"
            )
    merged["present"] = merged["present"].fillna(0).astype(int)
    if not merged["present"].any():
        raise InputError(f"{path}: marks no core as present; name a core table of this slide")
    nowhere = merged["present"].eq(1) & merged[["x", "y", "width", "height"]].isna().any(axis=1)
    if nowhere.any():
        name = cell_name(*merged.loc[nowhere, ["row", "column"]].iloc[0])
        raise InputError(f"{path}: core {name} has no box; fill x, y, width and height")
    for side, other in (("width", "height"), ("height", "width")):
        merged[side] = merged[side].fillna(merged[other]).fillna(cores[side].median())
    if "confidence" not in merged:
        merged["confidence"] = 1.0
    return merged.assign(
        confidence=merged["confidence"].fillna(1.0),
        coverage=np.nan,
        centre_x=merged["x"] + merged["width"] / 2,
        centre_y=merged["y"] + merged["height"] / 2,
    )


def _refuse_odd_boxes(cores: pd.DataFrame, path: Path, size: tuple[int, int]) -> None:
    """Stop at a box that is off the slide, no box, or on another core."""
    present = cores[cores["present"] == 1]
    names = [cell_name(*cell) for cell in present[["row", "column"]].itertuples(index=False)]
    usual = present[["width", "height"]].median().min()
    off = (
        ~present["centre_x"].between(0, size[0])
        | ~present["centre_y"].between(0, size[1])
        | ~(present[["width", "height"]].min(axis=1) >= max(1.0, 0.3 * usual))
    ).to_numpy()
    if off.any():
        raise InputError(
            f"{path}: the box of core {names[off.argmax()]} is off the slide of {size[0]} x "
            f"{size[1]} px, or far smaller than the others; correct it (pixels of the full "
            "resolution)"
        )
    near = cKDTree(present[["centre_x", "centre_y"]]).query_pairs(usual / 2)
    for one, other in sorted(near)[:1]:
        raise InputError(
            f"{path}: cores {names[one]} and {names[other]} lie on one another; correct a box"
        )


def _order_remarks(cores: pd.DataFrame) -> list[str]:
    """Say so where rows do not go down, or columns not to the right."""
    present = cores[cores["present"] == 1]
    down = present.groupby("row")["centre_y"].median()
    right = present.groupby("column")["centre_x"].median()
    if down.is_monotonic_increasing and right.is_monotonic_increasing:
        return []
    return [
        "in the checked table rows do not go down, or columns not to the right: right for a slide "
        "that lies otherwise than its map, wrong for names that are exchanged"
    ]


def _read_core_csv(path: Path, rows: int, columns: int) -> pd.DataFrame:
    cores = read_table(path, "cores")
    for row, cell in cores[["row", "column"]].iterrows():
        if cell["row"] > rows or cell["column"] > columns:
            raise InputError(
                f"{path}, row {row}: cell {cell_name(cell['row'], cell['column'])} lies outside "
                f"the {rows} x {columns} array; correct it"
            )
    numbers = ["row", "column", "x", "y", "width", "height", "present", "confidence"]
    named = [*numbers, "patient_id"] if "patient_id" in cores else numbers
    cores = cores.reindex(columns=named)
    return cores.astype(dict.fromkeys(numbers, float)).astype({"row": int, "column": int})
