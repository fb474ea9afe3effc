"""Read a CSV table and hold it against its schema, cell by cell."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from histosurv.config import schema_path
from histosurv.errors import InputError


def read_table(path: Path, schema_name: str) -> pd.DataFrame:
    """Read a table as text and type the columns that its schema names.

    Parameters
    ----------
    path : pathlib.Path
        UTF-8 CSV file with a header.
    schema_name : str
        Name of the schema (``patients`` or ``spots``).

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
    schema = yaml.safe_load(schema_path(schema_name).read_text(encoding="utf-8"))
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


def _read_text(path: Path, title: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False
        )
    except FileNotFoundError:
        raise InputError(
            f"{path}: the {title} is not there; correct the path, or simulate a cohort with "
            "`histosurv demo FOLDER`"
        ) from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, OSError) as error:
        what = " ".join(str(error).split())
        raise InputError(f"{path}: no readable UTF-8 CSV ({what}); save it as CSV UTF-8") from None
    if len(table.columns) == 1 and ";" in table.columns[0]:
        raise InputError(f"{path}, row 1: columns are separated by ';'; save it with commas")
    table = table.fillna("").apply(lambda column: column.str.strip())
    table.columns = table.columns.str.strip()
    table.index = pd.RangeIndex(2, len(table) + 2)
    table = table[(table != "").any(axis=1)]  # a blank line at the end is no patient
    if table.empty:
        raise InputError(f"{path}: the {title} has no rows; fill it")
    return table


def _typed(cells: pd.Series, rule: dict, path: Path, *, required: bool) -> pd.Series:
    """Turn the cells of one column into the type its rule names, or stop at the first misfit."""

    def stop_at(bad: pd.Series, what: str) -> None:
        if bad.any():
            row = bad.index[bad][0]
            raise InputError(
                f"{path}, row {row}, column {cells.name}: {cells[row]!r} {what} "
                f"({rule['description']}); correct the cell"
            )

    empty = cells == ""
    if required:
        stop_at(empty, "is empty")
    if rule["type"] == "string":
        return cells
    numbers = pd.to_numeric(cells.where(~empty), errors="coerce").astype(float)
    stop_at(~empty & ~np.isfinite(numbers), "is not a number")
    if rule["type"] == "integer":
        stop_at(~empty & (numbers % 1 != 0), "is not a whole number")
    if "enum" in rule:
        allowed = " or ".join(str(value) for value in rule["enum"])
        stop_at(~empty & ~numbers.isin(rule["enum"]), f"is not {allowed}")
    if "minimum" in rule:
        stop_at(numbers < rule["minimum"], f"is below {rule['minimum']}")
    if "exclusiveMinimum" in rule:
        stop_at(numbers <= rule["exclusiveMinimum"], f"is not above {rule['exclusiveMinimum']}")
    return numbers.astype("Int64") if rule["type"] == "integer" else numbers
