"""What all adapters do: read the tables of a release by their own columns, write ours."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.columns import MISSING
from histosurv.cohort.tables import read_patients
from histosurv.errors import InputError
from histosurv.publish import write_table

DAYS_PER_MONTH = 30.4375  # 365.25 / 12
ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}  # stages, which are words here

LeftOut = list[tuple[str, str]]  # id and reason of what cannot be taken


@dataclass(frozen=True)
class Table:
    """A table of a release.

    Attributes
    ----------
    path : pathlib.Path
        Its file.
    cells : pandas.DataFrame
        All as text, empty where the release has nothing; the index counts as `line` does.
    line : str
        What a mistake is told by: ``row`` of a CSV (the header is row 1), ``record`` of a JSON.
    """

    path: Path
    cells: pd.DataFrame
    line: str = "row"

    def refuse(self, bad: pd.Series, column: str, what: str, mend: str) -> None:
        """Stop at the first cell of a column that is bad."""
        if bad.any():
            at = bad.index[bad][0]
            raise InputError(
                f"{self.path}, {self.line} {at}, column {column}: {self.cells.at[at, column]!r} "
                f"{what}; {mend}"
            )

    def refuse_odd_ids(self, column: str) -> None:
        """Stop at the first id that is empty or stands there twice."""
        ids = self.cells[column]
        self.refuse(ids == "", column, "is empty", f"fill it or take the {self.line} out")
        self.refuse(ids.duplicated(), column, "stands there twice", "keep one of the two")

    def numbers(self, column: str, *, lowest: float = -np.inf) -> pd.Series:
        """A column as numbers, missing where it is empty."""
        cells = self.cells[column]
        numbers = pd.to_numeric(cells.where(cells != ""), errors="coerce").astype(float)
        self.refuse((cells != "") & numbers.isna(), column, "is not a number", "correct the cell")
        self.refuse(numbers < lowest, column, f"is below {lowest:g}", "correct the cell")
        return numbers

    def coded(self, column: str, codes: Mapping[str, object]) -> pd.Series:
        """A column in our codes; a word that the release is not known to use stops."""
        words = self.cells[column].str.lower()
        known = ", ".join(repr(word) for word in codes)
        self.refuse(
            ~words.isin(codes),
            column,
            f"is none of the release's words ({known})",
            "correct the cell, or say how the new word is to be coded",
        )
        return words.map(codes)


def read_csv(path: Path, columns: Mapping[str, str]) -> Table:
    """Read a CSV table of a release, separated by commas, semicolons or tabs.

    Parameters
    ----------
    path : pathlib.Path
        UTF-8 file with a header.
    columns : mapping of str to str
        Columns that must be there, with what the release says by them.

    Raises
    ------
    InputError
        It cannot be read, a row is cut off, or a column is missing.
    """
    text = _text(path)
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: no readable CSV ({error}); bring it as released") from None
    names = [name.strip() for name in lines[0]] if lines else []
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{path}, row 1: column {twice[0]!r} stands there twice; keep one")
    rows = {at: row for at, row in enumerate(lines[1:], start=2) if any(map(str.strip, row))}
    for at, row in rows.items():
        if len(row) != len(names):
            raise InputError(
                f"{path}, row {at}: {len(row)} cells under a header of {len(names)}; bring the "
                "table as released"
            )
    cells = pd.DataFrame(list(rows.values()), columns=names, index=list(rows), dtype=object)
    return _checked(Table(path, cells), columns, "row 1: column")


def read_json(path: Path, columns: Mapping[str, str]) -> Table:
    """Read a JSON table of a release, a list of records; as `read_csv`."""
    try:
        records = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: is no JSON ({error}); bring it as released") from None
    if not isinstance(records, list) or not all(isinstance(of, dict) for of in records):
        raise InputError(f"{path}: is no list of records; bring it as released")
    cells = pd.DataFrame(records, index=range(1, len(records) + 1), dtype=object)
    return _checked(Table(path, cells, "record"), columns, "no record has the key")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"{path}: is not there; name the folder of the unpacked release, with its files where "
            "the release has them"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); bring it again") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: letters are not in UTF-8; bring it as released") from None


def _checked(table: Table, columns: Mapping[str, str], where: str) -> Table:
    for name, meaning in columns.items():
        if name not in table.cells:
            raise InputError(
                f"{table.path}: {where} {name} ({meaning}) as the release calls it is missing; "
                f"found {', '.join(map(str, table.cells.columns)) or 'nothing'}; bring the table "
                "as released"
            )
    if table.cells.empty:
        raise InputError(f"{table.path}: has no rows; bring the table as released")
    cells = table.cells.astype(object).where(table.cells.notna(), "").map(str).map(str.strip)
    cells = cells.mask(cells.map(str.lower).isin(MISSING), "")
    return Table(table.path, cells, table.line)


def refuse_to_overwrite(out: Path) -> None:
    """Stop where an earlier call, or somebody's own work, would be lost."""
    if (out / "patients.csv").exists():
        raise InputError(
            f"{out / 'patients.csv'}: is there already; take it away, or name another folder"
        )


def write_patients(patients: pd.DataFrame, left_out: LeftOut, out: Path) -> list[str]:
    """Write the patient table and who could not be taken; last, for it tells that all is done.

    Raises
    ------
    InputError
        The table is none that the workflow would take.
    """
    if left_out:
        write_table(pd.DataFrame(left_out, columns=["id", "reason"]), out / "left_out.csv")
    write_table(patients, out / "patients.csv")
    read_patients(out / "patients.csv")
    counts = patients["event"].value_counts()
    told = ", ".join(f"{counts.get(event, 0)} with event {event}" for event in (0, 1, 2))
    said = [f"{out / 'patients.csv'}: {len(patients)} patients, {told}"]
    if left_out:
        said.append(f"{out / 'left_out.csv'}: {len(left_out)} that cannot be taken, and why")
    return said
