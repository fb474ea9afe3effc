"""Time dearrayer finding the grid of spots in tissue-microarray overviews, and keep what it found.

Measured, for every overview: the seconds of the one call that detects the grid; reading the file,
the change to grey and the inversion are done before (dearrayer looks for light spots on dark ground
and fails or goes astray on a brightfield picture as it is). It is told the core diameter and the
number of rows and columns; it has no parameter for the pitch; all else is left at its default,
save that `--no-convex-hull` leaves out the step that takes most of its time (its own option, which
it says sometimes gives worse results). Its answer for each place is the detected core or, where it
saw none, the crossing of the lines it fitted through row and column. One small drawn grid is
detected first without being timed, for the libraries below load parts of themselves at the first
call. Environment: `python -m venv dearrayer && dearrayer/bin/pip install dearrayer==0.1.0`.
dearrayer is under the GNU General Public License, version 3 or later; nothing of it is copied here,
only its public interface is called.

Usage: python dearrayer_grid.py FOLDER OUT.json [--no-convex-hull]

FOLDER holds NAME.png (RGB, brightfield), each with NAME.json:
{"rows": 8, "columns": 12, "core_diameter_px": 100, "pitch_px": [140, 140]}
OUT.json holds for each NAME {"seconds": s, "n_detected": n, "cells": [[row, column, x, y], ...]},
rows and columns counted from 0, x and y in pixels of the overview; or {"error": text}.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from dearrayer.models import GridCell, TissueMicroarray
from dearrayer.services import GridDetectingService, GridDetectingServiceParameters
from PIL import Image

Image.MAX_IMAGE_PIXELS = None  # overviews are large and our own


def inverted(path: Path) -> np.ndarray:
    """Read an overview as light tissue on dark glass."""
    with Image.open(path) as picture:
        return 255 - np.asarray(picture.convert("L"))


def find_grid(image: np.ndarray, layout: dict, *, convex_hull: bool) -> dict:
    """Detect the grid of one inverted overview and say where its places are."""
    rows, columns = layout["rows"], layout["columns"]
    tma = TissueMicroarray(image)
    parameters = GridDetectingServiceParameters(
        core_diameter=round(layout["core_diameter_px"]),
        row_labels=[str(row) for row in range(rows)],
        column_labels=[str(column) for column in range(columns)],
        use_convex_hull=convex_hull,
    )
    service = GridDetectingService()
    start = time.perf_counter()
    grid = service(tma, parameters)
    seconds = time.perf_counter() - start
    cells = []
    for row, column in np.ndindex(rows, columns):
        core = grid.get_or_predict(GridCell(col_label=str(column), row_label=str(row)))
        if core is not None and np.isfinite(core.position.as_tuple()).all():
            # Both coordinates are given as a fraction of the longer side.
            x, y = (float(part) * max(image.shape) for part in core.position.as_tuple())
            cells.append([row, column, round(x, 2), round(y, 2)])
    if not cells:
        raise ValueError("no core found")
    return {"seconds": round(seconds, 4), "n_detected": len(grid.detected_cores), "cells": cells}


def warm_up() -> None:
    """Detect a drawn grid of 2 x 3 cores, not timed."""
    y, x = np.mgrid[:280, :420]
    image = np.where(np.hypot(x % 140 - 70, y % 140 - 70) < 50, 120, 12).astype(np.uint8)
    layout = {"rows": 2, "columns": 3, "core_diameter_px": 100}
    find_grid(image, layout, convex_hull=True)


def main() -> None:
    """Run over a folder and write the answers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--no-convex-hull", dest="convex_hull", action="store_false")
    given = parser.parse_args()
    warm_up()
    answers = {}
    for path in sorted(given.folder.glob("*.png")):
        layout = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        try:
            answers[path.stem] = find_grid(inverted(path), layout, convex_hull=given.convex_hull)
        except Exception as error:  # noqa: BLE001 -- whatever fails is the answer of the tool
            answers[path.stem] = {"error": f"{type(error).__name__}: {error}"}
    given.out.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
