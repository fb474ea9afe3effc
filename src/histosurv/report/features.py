"""What the report shows of the features: how they were made, and where the time went."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd

from histosurv.features.store import read_recipe
from histosurv.files import batch_name
from histosurv.models.sequences import read_indexes

_OF_ONE_FILE = "imported"  # names the file that a spot came from


def feature_section(features: Path, n_batches: int) -> dict:
    """Everything that the report says of the features.

    Parameters
    ----------
    features : pathlib.Path
        The room's results.
    n_batches : int
        Number of batches.

    Returns
    -------
    dict
        ``recipe`` (text of every key; where spots differ, each value with its number of spots),
        ``mixed`` (the keys in which they differ), ``width`` (numbers per tile) and ``recipes``
        (``n_spots, recipe`` of each way in which features were made, the commonest first).
    """
    index = read_indexes(features, n_batches)
    done = index[index["status"] == "done"]
    found: Counter[tuple] = Counter()
    for name in done["file"]:
        recipe = read_recipe(features / name)
        if _OF_ONE_FILE in recipe:
            recipe[_OF_ONE_FILE] = "computed elsewhere"
        found[tuple(recipe.items())] += 1
    recipes = [
        {"n_spots": n, "recipe": dict(recipe)}
        for recipe, n in sorted(found.items(), key=lambda item: (-item[1], sorted(item[0])))
    ]
    values: dict[str, Counter[str]] = {}
    for way in recipes:
        for key, value in way["recipe"].items():
            values.setdefault(key, Counter())[value] += way["n_spots"]
    mixed = [key for key, found in values.items() if len(found) > 1]
    return {
        "recipe": {key: _text(found) for key, found in values.items()},
        "mixed": mixed,
        "width": int(done["n_features"].iloc[0]),
        "recipes": recipes,
    }


def _text(found: Counter) -> str:
    if len(found) == 1:
        return _plain(next(iter(found)))
    return "; ".join(f"{_plain(value)} ({n} spots)" for value, n in found.most_common())


def _plain(value: str) -> str:
    """A value as text; of the preprocessing its mean and spread are left out."""
    if not value.startswith("{"):
        return value
    return json.loads(value)["name"]


def throughput_rows(folder: Path, n_batches: int) -> list[dict[str, str]]:
    """Where the time of the features went: rows of text, one per device and precision.

    No row where features were imported.
    """
    paths = [folder / f"{batch_name(number)}.csv" for number in range(n_batches)]
    tables = [pd.read_csv(path) for path in paths if path.is_file()]
    if not tables:
        return []
    jobs = pd.concat(tables)
    rows = []
    for (device, precision), of in jobs.groupby(["device", "precision"]):
        rate = of["tiles"].sum() / of["seconds"].sum()
        busy = of[["decode_s", "compute_s", "wait_s", "write_s"]].sum()
        rows.append(
            {
                "Device, precision": f"{device}, {precision}",
                "Jobs": f"{len(of)}",
                "Spots": f"{of['spots'].sum()} computed, {of['taken_over'].sum()} taken over",
                "Tiles": f"{of['tiles'].sum()} ({of['distinct_tiles'].sum()} distinct)",
                "Seconds": f"{of['seconds'].sum():.0f}",
                "Tiles per second": f"{rate:.1f}" if rate else "",
                "Seconds of": ", ".join(f"{name[:-2]} {busy[name]:.0f}" for name in busy.index),
                "Peak memory, GB": f"{of['peak_memory_gb'].max():.1f}",
            }
        )
    return rows
