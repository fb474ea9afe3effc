"""Read a CSV table and hold it against its schema, cell by cell."""

import codecs
import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.config import schema_path
from histosurv.errors import InputError, did_you_mean
from histosurv.files import read_yaml

_LONE_RETURN = re.compile(r"\r(?!\n)")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # of Excel since 2007, and before
LIKE_A_COLUMN = 0.8  # `age` and `stage` are less alike
# What other programs write for a number that is not there, where a schema lets it be missing.
MISSING = {"nan", "na", "null", "none", "inf", "-inf", "+inf", "infinity", "-infinity"}
# Words for a covariate that is not known, those of grades and TNM stages among them.
_UNKNOWN = {"", "na", "n/a", "nan", "null", "none", "unknown", "?", "x", "gx", "tx", "nx", "mx"}


def is_unknown(cells: pd.Series) -> pd.Series:
    """Which cells of a covariate say that nobody knows it."""
    return cells.astype("string").fillna("").str.strip().str.lower().isin(_UNKNOWN)


def read_table(path: Path, schema_name: str) -> pd.DataFrame:
    """Read a table as text and type the columns that its schema names.

    Parameters
    ----------
    path : pathlib.Path
        UTF-8 CSV file with a header.
    schema_name : str
        Name of the schema: ``patients``, ``spots``, ``scores`` and so on.

    Returns
    -------
    pandas.DataFrame
        One row per line. ``string`` columns are text ('' = empty), ``number`` columns float64,
        ``integer`` columns Int64 (empty cells missing); columns that the schema does not name
        stay text. The index is the row as a spreadsheet counts it: the header is row 1.

    Raises
    ------
    InputError
        The file cannot be read, a required column is missing, or a cell does not fit.
    """
    path = Path(path)
    schema = read_yaml(schema_path(schema_name))
    table = _read_text(path, schema["title"])
    for name in schema["required"]:
        if name not in table:
            meaning = schema["properties"][name]["description"]
            raise InputError(
                f"{path}, row 1: column {name} is missing ({meaning}); "
                f"found {', '.join(table.columns)}; add it or rename one"
            )
    for name, rule in schema["properties"].items():
        if name in table:
            table[name] = _typed(table[name], rule, path, required=name in schema["required"])
    return table


def refuse_duplicates(table: pd.DataFrame, column: str, path: Path) -> None:
    """Stop at the first value that appears twice in a column of ids."""
    repeated = table.index[table[column].duplicated()]
    if len(repeated):
        row, value = repeated[0], table.at[repeated[0], column]
        first = table.index[table[column] == value][0]
        raise InputError(
            f"{path}, row {row}, column {column}: {value!r} stands in row {first} already; "
            "keep one row of the two or correct the id"
        )


def require_columns(table: pd.DataFrame, names: Iterable[str], path: Path, key: str) -> None:
    """Stop at the first column that the user names under `key` and the table lacks."""
    names = list(names)
    for name in names:
        if name not in table:
            others = [column for column in table.columns if column not in names]
            near = did_you_mean(name, others, LIKE_A_COLUMN)
            raise InputError(
                f"{path}, row 1: column {name} is missing (named under {key}); "
                f"{near or 'add it or take the name out'}"
            )


def and_others(bad: pd.Series) -> str:
    """In which rows a mistake stands besides the first, to end the advice to mend that one."""
    rows = [str(row) for row in bad.index[bad][1:]]
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    which = "that of row" if len(rows) == 1 else "those of rows"
    return f", and {which} {', '.join(rows[:5])}{more}" if rows else ""


def header_of(path: Path | str, schema_name: str) -> list[str]:
    """Names of the columns of a table that may have any of them.

    Raises
    ------
    InputError
        As `read_table`.
    """
    return list(_read_text(Path(path), read_yaml(schema_path(schema_name))["title"]).columns)


def _read_text(path: Path, title: str) -> pd.DataFrame:
    """All cells as text; blank lines are no rows, but they are counted."""
    rows = _rows(path, title)
    header = [name.strip() for name in rows[0]] if rows else []
    while header and not header[-1]:  # spreadsheets write empty columns at the end
        header.pop()
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and mark in header[0]:
            raise InputError(f"{path}, row 1: columns are separated by {name}; save with commas")
    for name in header:
        if header.count(name) > 1:
            raise InputError(f"{path}, row 1: column {name!r} stands there twice; keep one")
    cells, numbers = [], []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if any(cell.strip() for cell in row[len(header) :]) or len(row) < len(header):
            raise InputError(
                f"{path}, row {number}: {len(row)} cells under a header of {len(header)}; "
                "correct the row (a comma within a cell needs quotes round the cell)"
            )
        cells.append([cell.strip() for cell in row[: len(header)]])
        numbers.append(number)
    if not cells:
        raise InputError(f"{path}: the {title} has no rows; fill it")
    for number, row in zip([1, *numbers], [header, *cells], strict=True):
        for cell in row:
            if "\r" in cell and _LONE_RETURN.search(cell):
                raise InputError(
                    f"{path}, row {number}: {cell!r} holds a carriage return, which would end the "
                    "row when it is written again; take it out"
                )
    return pd.DataFrame(cells, columns=header, index=numbers, dtype=object)


def _rows(path: Path, title: str) -> list[list[str]]:
    content = b""
    try:
        content = path.read_bytes()
        if content.startswith(_WORKBOOKS):
            raise InputError(f"{path}: this is an Excel workbook; save it as CSV UTF-8")
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise InputError(f"{path}: is in UTF-16 ('Unicode text'); save it as CSV UTF-8")
        content = content.removeprefix(codecs.BOM_UTF8)
        text = content.decode("utf-8")
        if "\0" in text:
            raise InputError(f"{path}: holds bytes that are no text; save it as CSV UTF-8")
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except FileNotFoundError:
        raise InputError(
            f"{path}: the {title} is not there; correct the path, or simulate a cohort with "
            "`histosurv demo FOLDER`"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a CSV file") from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}, line {line}: letters are not in UTF-8; save it as CSV UTF-8"
        ) from None
    except csv.Error as error:
        raise InputError(f"{path}: no readable CSV ({error}); look for a stray quote") from None


def _typed(cells: pd.Series, rule: dict, path: Path, *, required: bool) -> pd.Series:
    """Turn the cells of one column into the type its rule names, or stop at the first misfit."""

    def stop_at(bad: pd.Series, what: str) -> None:
        if bad.any():
            row = bad.index[bad][0]
            raise InputError(
                f"{path}, row {row}, column {cells.name}: {cells[row]!r} {what} "
                f"({rule['description']}); correct the cell{and_others(bad)}"
            )

    may_miss = "null" in rule["type"]
    if may_miss:
        cells = cells.mask(cells.str.lower().isin(MISSING), "")
    empty = cells == ""
    if required and not may_miss:
        stop_at(empty, "is empty")
    if rule["type"] == "string":
        return cells
    numbers = pd.to_numeric(cells.where(~empty), errors="coerce").astype(float)
    is_none = ~empty & ~np.isfinite(numbers)
    stop_at(is_none & cells.str.fullmatch(r"\d+,\d+"), "has a comma in place of the point")
    stop_at(is_none, "is not a number")
    stop_at(numbers.abs() > 1e9, "is too large to be true")
    if rule["type"] == "integer":
        stop_at(~empty & (numbers % 1 != 0), "is not a whole number")
    if "enum" in rule:
        allowed = " or ".join(str(value) for value in rule["enum"])
        stop_at(~empty & ~numbers.isin(rule["enum"]), f"is not {allowed}")
    if "minimum" in rule:
        stop_at(numbers < rule["minimum"], f"is below {rule['minimum']}")
    if "maximum" in rule:
        stop_at(numbers > rule["maximum"], f"is above {rule['maximum']}")
    if "exclusiveMinimum" in rule:
        stop_at(numbers <= rule["exclusiveMinimum"], f"is not above {rule['exclusiveMinimum']}")
    return numbers.astype("Int64") if rule["type"] == "integer" else numbers
