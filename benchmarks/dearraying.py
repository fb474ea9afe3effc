"""De-arraying beside a peer, on drawn arrays of 8 x 12 cores of 100 px.

    python benchmarks/dearraying.py --peer PATH/TO/PEER/bin/python [--n 10]

A cell is right when its reported centre lies within 30 px of the true one. Ours may refuse an array
(no cell is reported then) or a single core; wrong is what is reported as sure and lies elsewhere.
The peer never abstains.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tests.spots.drawn_arrays import DrawnArray, Layout, draw
from tests.spots.drawn_verdicts import expected_of

from histosurv.spots.dearray import dearray
from histosurv.spots.reconcile import SURE_CORE

PEER = Path(__file__).parent / "peers" / "dearrayer_grid.py"
NEAR_PX = 30
KINDS = {
    "easy": {"missing": 0.05, "turn_degrees": 2},
    "jitter of 25 px": {"jitter_px": 25},
    "debris": {"debris": 25, "missing": 0.05},
    "outer column lost": {"lost_columns": (11,), "missing": 0.03},
    "outer row lost": {"lost_rows": (0,), "missing": 0.03},
    "turned by 15 degrees": {"turn_degrees": 15, "missing": 0.05},
}


def score(drawn: DrawnArray, cells: list[tuple[int, int, float, float]]) -> tuple[int, int]:
    """Cells that are right and wrong, among the present ones."""
    right = wrong = 0
    for row, column, x, y in cells:
        if drawn.present[row, column]:
            near = np.hypot(*(drawn.centres[row, column] - (x, y))) < NEAR_PX
            right, wrong = right + near, wrong + (not near)
    return right, wrong


def ours(drawn: DrawnArray) -> tuple[list, float, bool]:
    """Sure cells, seconds, and whether the grid as a whole was refused."""
    start = time.perf_counter()
    grid = dearray(drawn.picture, expected_of(drawn), drawn.layout.core_px)
    seconds = time.perf_counter() - start
    sure = grid.cores[(grid.cores["present"] == 1) & (grid.cores["confidence"] >= SURE_CORE)]
    cells = [] if grid.doubts else [(c.row - 1, c.column - 1, c.x, c.y) for c in sure.itertuples()]
    return cells, seconds, bool(grid.doubts)


def peer(arrays: dict[str, DrawnArray], python: str) -> dict:
    """What the peer says of all arrays."""
    with tempfile.TemporaryDirectory() as folder:
        for name, drawn in arrays.items():
            Image.fromarray(drawn.picture).save(f"{folder}/{name}.png")
            layout = {"rows": 8, "columns": 12, "core_diameter_px": 100, "pitch_px": [140, 140]}
            Path(folder, f"{name}.json").write_text(json.dumps(layout))
        out = Path(folder, "out.txt")
        command = [python, "-W", "ignore", str(PEER), folder, str(out)]
        subprocess.run(command, capture_output=True, check=True)
        return json.loads(out.read_text())


def main() -> None:
    """Draw, run both sides, print one line per kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", help="Python of the peer's environment")
    parser.add_argument("--n", type=int, default=10, help="arrays per kind")
    options = parser.parse_args()
    for kind, layout in KINDS.items():
        arrays = {f"a{seed}": draw(Layout(seed=seed, **layout)) for seed in range(options.n)}
        total = sum(int(drawn.present.sum()) for drawn in arrays.values())
        mine = {name: ours(drawn) for name, drawn in arrays.items()}
        right, wrong = np.sum([score(arrays[n], cells) for n, (cells, *_) in mine.items()], axis=0)
        seconds = statistics.median(seconds for _, seconds, _ in mine.values())
        refused = sum(refused for *_, refused in mine.values())
        print(f"{kind:22s} {total:4d} cores  ours: right {right / total:6.1%}  wrong {wrong}  "
              f"refused {refused} of {options.n} arrays  {seconds:.2f} s", flush=True)  # fmt: skip
        if options.peer:
            theirs = peer(arrays, options.peer)
            told = {name: entry.get("cells", []) for name, entry in theirs.items()}
            right, wrong = np.sum([score(arrays[name], told[name]) for name in told], axis=0)
            failed = sum("error" in entry for entry in theirs.values())
            seconds = statistics.median(e["seconds"] for e in theirs.values() if "seconds" in e)
            print(f"{'':30s}peer: right {right / total:6.1%}  wrong {wrong}  "
                  f"failed {failed} of {options.n} arrays  {seconds:.2f} s")  # fmt: skip


if __name__ == "__main__":
    main()
