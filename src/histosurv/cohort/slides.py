"""Whole slides of tissue microarrays, and the maps that say whose core lies in which cell."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.columns import read_table, refuse_duplicates
from histosurv.errors import InputError

EMPTY, CONTROL = "empty", "control"  # words of a map that are no patients
_NAME = re.compile(r"[^\W_][\w .()+-]*")
_LONGEST = 200  # bytes, for endings are added


def read_slides(path: Path, *, with_images: bool = True) -> pd.DataFrame:
    """Read the slide table.

    Parameters
    ----------
    path : pathlib.Path
        The table.
    with_images : bool
        Check that the slides are there; False where features are imported.

    Returns
    -------
    pandas.DataFrame
        Sorted by ``slide_id``; ``image``, ``map`` and ``cores_override`` (perhaps empty) relative
        to the working folder.

    Raises
    ------
    InputError
        A cell that does not fit, a repeated id or image, or a file that is not there.
    """
    path = Path(path)
    slides = read_table(path, "slides")
    refuse_duplicates(slides, "slide_id", path)
    refuse_duplicates(slides, "image", path)
    for row, name in slides["slide_id"].items():
        if not _NAME.fullmatch(name) or len(name.encode()) > _LONGEST:
            raise InputError(
                f"{path}, row {row}, column slide_id: {name!r} cannot name a file; use letters, "
                f"digits, space and . ( ) + - _, {_LONGEST} bytes at most"
            )
        if name.endswith(".doubtful"):
            raise InputError(
                f"{path}, row {row}, column slide_id: {name!r} ends as the proposals of doubtful "
                "slides do; rename it"
            )
    for column in ("image", "map", "cores_override"):
        if column not in slides:
            slides[column] = ""
        look = with_images or column != "image"
        slides[column] = [
            _file(path, row, column, name, look=look) for row, name in slides[column].items()
        ]
    files = slides.assign(image=[str(Path(image).resolve()) for image in slides["image"]])
    refuse_duplicates(files, "image", path)
    return slides.sort_values("slide_id", kind="stable")


def read_map(path: Path, rows: int, columns: int) -> pd.DataFrame:
    """Read the map of one array.

    Parameters
    ----------
    path : pathlib.Path
        CSV with ``row``, ``column`` (numbers from 1, or letters) and ``patient_id``, which may be
        ``empty`` or ``control``.
    rows, columns : int
        Size of the array.

    Returns
    -------
    pandas.DataFrame
        One row per cell, row by row: ``row``, ``column`` as numbers from 1, ``patient_id`` and
        ``line``, the row of the file.

    Raises
    ------
    InputError
        A cell that is not there, stands twice, or lies outside.
    """
    path = Path(path)
    table = read_table(path, "map")
    for name, most in (("row", rows), ("column", columns)):
        numbers = []
        for line, cell in table[name].items():
            number = cell_number(cell)
            if number is None or not 1 <= number <= most:
                raise InputError(
                    f"{path}, row {line}, column {name}: {cell!r} is none of the {most} {name}s "
                    f"(1 to {most}, or A to {letters(most)}); correct the cell or the slide table"
                )
            numbers.append(number)
        table[name] = numbers
    table["line"] = table.index
    twice = table.duplicated(["row", "column"], keep="first")
    if twice.any():
        cell = table[twice].iloc[0]
        raise InputError(
            f"{path}, row {cell['line']}: cell {cell_name(cell['row'], cell['column'])} stands "
            "there twice; keep one"
        )
    if len(table) < rows * columns:
        known = set(zip(table["row"], table["column"], strict=True))
        row, column = next(
            (r + 1, c + 1) for r, c in np.ndindex(rows, columns) if (r + 1, c + 1) not in known
        )
        raise InputError(
            f"{path}: cell {cell_name(row, column)} is not there; list every cell of the {rows} x "
            f"{columns} array, those without a core as `{EMPTY}`"
        )
    for word in (EMPTY, CONTROL):
        table["patient_id"] = table["patient_id"].where(
            table["patient_id"].str.lower() != word, word
        )
    return table[["row", "column", "patient_id", "line"]].sort_values(["row", "column"])


def expected_cores(cells: pd.DataFrame, rows: int, columns: int) -> np.ndarray:
    """Whether the map gives each cell a core, (rows, columns) bool."""
    expected = np.zeros((rows, columns), bool)
    filled = cells[cells["patient_id"] != EMPTY]
    expected[filled["row"] - 1, filled["column"] - 1] = True
    return expected


def spots_of_slides(slides: pd.DataFrame) -> pd.DataFrame:
    """Rows of the spot table for every cell that belongs to a patient.

    Returns
    -------
    pandas.DataFrame
        ``spot_id`` (slide and cell), ``patient_id``, ``image``, ``mpp``, ``block``,
        ``tma_slide``, ``tma_row``, ``tma_column`` and ``listed_in``, file and row of the map.
    """
    parts = []
    for slide in slides.to_dict("records"):
        cells = read_map(slide["map"], slide["rows"], slide["columns"])
        cells = cells[~cells["patient_id"].isin([EMPTY, CONTROL])]
        names = [cell_name(*cell) for cell in zip(cells["row"], cells["column"], strict=True)]
        parts.append(
            pd.DataFrame(
                {
                    "spot_id": [f"{slide['slide_id']}_{name}" for name in names],
                    "patient_id": cells["patient_id"].to_numpy(),
                    "image": slide["image"],
                    "mpp": slide.get("mpp", np.nan),
                    "block": slide.get("block", "") or slide["slide_id"],
                    "tma_slide": slide["slide_id"],
                    "tma_row": cells["row"].to_numpy(),
                    "tma_column": cells["column"].to_numpy(),
                    "listed_in": [f"{slide['map']}, row {line}" for line in cells["line"]],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def cell_name(row: int, column: int) -> str:
    """Name of a cell counted from 1, as in QuPath: letter of the row, number of the column."""
    return f"{letters(row)}-{column}"


def cell_number(text: str) -> int | None:
    """Number of a row or column that is given as a number or as letters."""
    if text.isdecimal():
        return int(text)
    if re.fullmatch(r"[A-Za-z]{1,2}", text):
        number = 0
        for letter in text.upper():
            number = number * 26 + ord(letter) - ord("A") + 1
        return number
    return None


def letters(number: int) -> str:
    """1 is A, 26 is Z, 27 is AA."""
    name = ""
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(ord("A") + letter) + name
    return name


def _file(table: Path, row: int, column: str, name: str, *, look: bool) -> str:
    if not name:
        return ""
    path = table.parent / name
    if look and not path.is_file():
        raise InputError(
            f"{table}, row {row}, column {column}: {path} is not there; correct the path (relative "
            "to the table's folder) or bring the file"
        )
    return str(path)
