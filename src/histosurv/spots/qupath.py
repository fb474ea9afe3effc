"""Core tables as files that QuPath reads and writes.

GeoJSON carries the cores as named ellipses (annotations, which every version shows and lets move);
a ``.qptma`` file carries QuPath's own grid. Both are read back, and so is what QuPath itself
exports (objects of type ``tmaCore``).
"""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.slides import cell_name, cell_number
from histosurv.errors import InputError
from histosurv.publish import published
from histosurv.spots.reconcile import SURE_CORE

_COLOURS = {1: [0, 92, 175], 0: [120, 120, 120]}  # present, missing
_QPTMA_HEADER = ["Core name", "X", "Y", "Width", "Height", "Present", "Unique ID"]


def write_geojson(cores: pd.DataFrame, path: Path) -> None:
    """Write a core table as GeoJSON; coordinates are pixels of the full resolution."""
    angles = np.linspace(0, 2 * np.pi, 49)
    features = []
    for core in cores.to_dict("records"):
        x = core["x"] + core["width"] / 2 * (1 + np.cos(angles))
        y = core["y"] + core["height"] / 2 * (1 + np.sin(angles))
        ring = [[round(float(px), 1), round(float(py), 1)] for px, py in zip(x, y, strict=True)]
        ring[-1] = ring[0]
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [ring]},
                "properties": {
                    "objectType": "annotation",
                    "name": core["name"],
                    "color": _COLOURS[int(core["present"])],
                    "classification": {
                        "name": _class_of(core),
                        "color": _COLOURS[int(core["present"])],
                    },
                    "isMissing": not core["present"],
                    "metadata": {"Case ID": str(core.get("patient_id", ""))},
                    "measurements": {"confidence": round(float(core["confidence"]), 4)},
                },
            }
        )
    collection = {"type": "FeatureCollection", "features": features}
    with published(path) as temporary:
        temporary.write_text(json.dumps(collection, ensure_ascii=False, indent=1), "utf-8")


def write_qptma(cores: pd.DataFrame, image: str, path: Path) -> None:
    """Write a core table as QuPath's TMA grid."""
    lines = [
        image,
        Path(image).name,
        "",
        f"TMA grid width: {cores['column'].max()}",
        f"TMA grid height: {cores['row'].max()}",
        "\t".join(_QPTMA_HEADER),
    ]
    for core in cores.to_dict("records"):
        box = [str(int(core[side])) for side in ("x", "y", "width", "height")]
        # The grid has no word for unsure: such a core is confirmed by marking it as present.
        present = "true" if _class_of(core) == "Core" else "false"
        lines.append("\t".join([core["name"], *box, present, str(core.get("patient_id", ""))]))
    with published(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _class_of(core: dict) -> str:
    """What QuPath shows a core as; a person confirms an unsure one by making it a Core."""
    if not core["present"]:
        return "Missing"
    return "Core" if core["confidence"] >= SURE_CORE else "Unsure"


def read_geojson(path: Path, rows: int, columns: int) -> pd.DataFrame:
    """Read cores from GeoJSON.

    Returns
    -------
    pandas.DataFrame
        ``row, column, x, y, width, height, present``, box in pixels of the full resolution.

    Raises
    ------
    InputError
        No readable GeoJSON, or a core whose name is no cell of the array.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        features = content if isinstance(content, list) else content["features"]
        cores = [_core_of(path, feature, rows, columns) for feature in features]
    except InputError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise InputError(
            f"{path}: no readable GeoJSON of cores; export the objects of the slide from QuPath "
            "as a FeatureCollection"
        ) from None
    return pd.DataFrame([core for core in cores if core])


def read_qptma(path: Path, rows: int, columns: int) -> pd.DataFrame:
    """Read cores from QuPath's exported TMA grid; columns as `read_geojson`."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("Core name\t"))
        header = lines[start].split("\t")
        cores = []
        for line in filter(str.strip, lines[start + 1 :]):
            cells = dict(zip(header, line.split("\t"), strict=False))
            if not cells.get("X"):
                continue
            row, column = cell_of_name(path, cells["Core name"], rows, columns)
            box = {side.lower(): float(cells[side]) for side in ("X", "Y", "Width", "Height")}
            present = cells.get("Present", "true").strip().lower() == "true"
            who = cells.get("Unique ID", cells.get("Case ID", "")) or ""
            core = {"row": row, "column": column, **box, "present": int(present)}
            cores.append(core | {"patient_id": who.strip()})
    except (UnicodeDecodeError, StopIteration, KeyError, ValueError):
        raise InputError(f"{path}: no readable TMA grid; export it from QuPath anew") from None
    return pd.DataFrame(cores)


def cell_of_name(path: Path, name: str, rows: int, columns: int) -> tuple[int, int]:
    """Row and column of a core's name: ``A-1``, ``A1``, ``1-A`` or ``3-7``."""
    parts = re.findall(r"[A-Za-z]+|\d+", name)
    numbers = [cell_number(part) for part in parts]
    if len(parts) == 2 and None not in numbers:
        row, column = numbers
        if parts[0].isdecimal() and not parts[1].isdecimal():  # QuPath's "column first"
            row, column = column, row
        if 1 <= row <= rows and 1 <= column <= columns:
            return row, column
    raise InputError(
        f"{path}: core {name!r} is no cell of an array of {rows} rows and {columns} columns "
        f"({cell_name(1, 1)} to {cell_name(rows, columns)}); correct the name"
    )


def _core_of(path: Path, feature: dict, rows: int, columns: int) -> dict | None:
    """Cell and box of one feature; None for an object that is no core."""
    properties = feature.get("properties", {})
    kind = properties.get("objectType", properties.get("object_type", "annotation"))
    name = properties.get("name", "")
    if kind not in ("tmaCore", "tma_core", "TMACoreObject", "annotation") or not name:
        return None
    row, column = cell_of_name(path, name, rows, columns)
    geometry = feature["geometry"]
    points = np.array(geometry["coordinates"][0], float).reshape(-1, 2)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    missing = properties.get("isMissing", False)
    kind = (properties.get("classification") or {}).get("name", "")
    who = (properties.get("metadata") or {}).get("Case ID", "")
    return {"row": row, "column": column, "x": left, "y": top, "width": right - left} | {
        "height": bottom - top,
        "present": int(not missing and kind != "Missing"),
        "confidence": 0.5 if kind == "Unsure" else 1.0,
        "patient_id": str(who),
    }
