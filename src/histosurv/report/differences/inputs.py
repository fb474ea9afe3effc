"""Patients, spots, features and input tables of two runs."""

import pandas as pd

from histosurv.report.differences.part import Listing, Part, plural
from histosurv.report.differences.runs import Opened

OUTCOME = ["time_months", "event"]
ABSENT = "not in the study"

_DIGITS = 12  # of a digest, enough to tell two apart
_STAGES = {"patient_id": ("patient table", "patient"), "spot_id": ("spot table", "picture")}


def input_tables(a: Opened, b: Opened) -> Part:
    """Digests of the tables that the configs name, where both runs kept them."""
    title = "Input tables"
    reason = next((of.record for of in (a, b) if isinstance(of.record, str)), None)
    if reason is not None:
        return Part(title, f"not compared: {reason}", None)
    left, right = ({row["table"]: row for row in of.record["inputs"]} for of in (a, b))
    told = {
        name: [_table(left.get(name)), _table(right.get(name))]
        for name in dict.fromkeys([*left, *right])
    }
    digests = {name: [_sha256(of.get(name)) for of in (left, right)] for name in told}
    other = [name for name, (one, two) in digests.items() if None not in (one, two) and one != two]
    gone = [name for name, both in digests.items() if None in both]
    verdicts = [f"{plural(len(other), 'table')} with other bytes"] if other else []
    verdicts += [f"{plural(len(gone), 'table')} not there any more"] if gone else []
    caption = "Tables that differ, with the beginning of their SHA-256"
    rows = [[name, *told[name]] for name in (*other, *gone)]
    return Part(
        title,
        "; ".join(verdicts) or f"the same bytes, {plural(len(told), 'table')}",
        bool(other) or (None if gone else False),
        [Listing(caption, ["Table", "A", "B"], rows)],
    )


def patients(a: Opened, b: Opened) -> Part:
    """Patients added, removed, or with other values."""
    return _held_together("Patients", "patient", a, b, a.run.patients, b.run.patients)


def spots(a: Opened, b: Opened) -> Part:
    """Spots added, removed, or with other values; where their pictures lie is not asked."""
    left, right = (
        of.run.spots.drop(columns=["image", "listed_in"], errors="ignore") for of in (a, b)
    )
    return _held_together("Spots", "spot", a, b, left, right)


def features(a: Opened, b: Opened) -> Part:
    """Features of the spots that both runs used, by the SHA-256 of their files."""
    title = "Features"
    for of in (a, b):
        if isinstance(of.index, str):
            return Part(title, f"not compared: {of.index}", None)
    of_b = set(b.run.spots["spot_id"])
    both = [name for name in a.run.spots["spot_id"] if name in of_b]
    left, right = (of.index["sha256"].loc[both] for of in (a, b))
    rows = [
        [name, left[name][:_DIGITS], right[name][:_DIGITS]]
        for name in both
        if left[name] != right[name]
    ]
    told = plural(len(both), "spot")
    verdict = f"{len(rows)} of {told} in both with other features" if rows else f"the same, {told}"
    caption = "Spots with other features, with the beginning of their files' SHA-256"
    return Part(title, verdict, bool(rows), [Listing(caption, ["Spot", "A", "B"], rows, n_told=0)])


def _sha256(row: dict | None) -> str | None:
    """Digest of a table, empty where the study names none, None where it is gone."""
    return "" if row is None else row["sha256"]


def _table(row: dict | None) -> str:
    if row is None:
        return "none"
    if row["sha256"] is None:
        return f"{row['path']}, {row['note']}"
    return f"{row['path']}, {row['n_rows']} rows, {row['sha256'][:_DIGITS]}"


def _held_together(
    title: str, noun: str, a: Opened, b: Opened, left: pd.DataFrame, right: pd.DataFrame
) -> Part:
    """Two tables with one row per id, held against each other cell by cell."""
    key = f"{noun}_id"
    tables = [_as_text(table.set_index(key)) for table in (left, right)]
    only_a, only_b = (
        [name for name in tables[i].index if name not in tables[1 - i].index] for i in (0, 1)
    )
    both = [name for name in tables[0].index if name in tables[1].index]
    # The label follows from the outcome.
    columns = [name for name in tables[0] if name in tables[1] and name != "label_60m"]
    old, new = (table.loc[both, columns] for table in tables)
    differs = old != new
    changed = differs.any(axis=1)
    is_outcome = differs[[name for name in OUTCOME if name in columns]].any(axis=1)
    rows = [
        [name, *(_cells(table.loc[name], differs.loc[name]) for table in (old, new))]
        for name in changed.index[changed]
    ]
    rows += [[name, "in the study", _left_out(b, key, name)] for name in only_a]
    rows += [[name, _left_out(a, key, name), "in the study"] for name in only_b]
    counts = [
        (int(is_outcome.sum()), "with another outcome"),
        (int((changed & ~is_outcome).sum()), "with other values"),
        (len(only_a), "only in A"),
        (len(only_b), "only in B"),
    ]
    told = [f"{plural(n, noun)} {what}" for n, what in counts if n]
    told += _lone_columns("A", *tables) + _lone_columns("B", *tables[::-1])
    return Part(
        title,
        "; ".join(told) or f"the same, {plural(len(both), noun)}",
        bool(told),
        [Listing(f"{title} that differ", [title[:-1], "A", "B"], rows)],
    )


def _lone_columns(side: str, one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    return [f"column {name} only in {side}" for name in one if name not in other]


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(object).where(table.notna(), "").astype(str)


def _cells(row: pd.Series, differs: pd.Series) -> str:
    """Only the columns that differ."""
    return ", ".join(f"{name} {row[name] or 'empty'}" for name in row.index[differs])


def _left_out(of: Opened, key: str, name: str) -> str:
    """Why an id is not in a run."""
    rows = of.run.exclusions
    own = rows[(rows["id"] == name) & rows["stage"].isin(_STAGES[key])]
    return f"left out: {own['reason'].iloc[0]}" if len(own) else ABSENT
