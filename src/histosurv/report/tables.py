"""Tables in which a number may be missing and a text is never."""

from pathlib import Path

import pandas as pd

_TEXT = ("score", "against", "subgroup", "note")


def read_metrics(path: Path) -> pd.DataFrame:
    """Read a metrics table; missing text is empty."""
    numbers = ["estimate", "lower", "upper", "p", "n", "events"]
    return read_numbers(path, numbers, dict.fromkeys(_TEXT, str))


def read_numbers(path: Path, numbers: list[str], text: dict[str, type]) -> pd.DataFrame:
    """A table in which an empty cell is a missing number, or an empty text."""
    empty = {name: [""] for name in numbers}
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=empty)
