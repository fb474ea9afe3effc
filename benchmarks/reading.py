"""Reading and tiling real-sized spots with an encoder that does nothing, beside a peer.

    python benchmarks/reading.py SPOT.jpg ... [--peer PATH/TO/PEER/bin/python] [--rounds 5]

Both sides open JPEG files of 3500 px, cut 256 tiles of 224 px out of each and take the channel
means of every tile (the same expression), in turns; the medians over the rounds and their ratio are
printed. Ours reads two spots at a time, as the workflow's steps do; `tiles step` is the whole step
with tissue, ink, folds, sharpness, stain and thumbnails. The peer is `peers/tiatoolbox_tiles.py`.
"""

import argparse
import json
import resource
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.parallel import ordered_map
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.reader import opened
from histosurv.spots.tile_table import tabulate
from histosurv.spots.tiling import Geometry, frame

PEER = Path(__file__).parent / "peers" / "tiatoolbox_tiles.py"
THREADS = 2


def read_and_cut(path: str) -> np.ndarray:
    """Channel means of the tiles of one spot, decoded once."""
    with opened(path) as picture:
        tiles = frame(picture.size, Geometry())
        pixels = picture.read((0, 0, *picture.size), tiles.read_px)
    side = tiles.tile_px
    return np.stack(
        [pixels[y : y + side, x : x + side].mean(axis=0).mean(axis=0) for x, y in tiles.corners]
    )


def ours(paths: list[str]) -> float:
    """Tiles per second."""
    start = time.perf_counter()
    n_tiles = sum(len(means) for means in ordered_map(read_and_cut, paths, THREADS))
    return n_tiles / (time.perf_counter() - start)


def whole_step(paths: list[str]) -> float:
    """Tiles per second of the step that judges them, too."""
    spots = pd.DataFrame({"spot_id": paths, "patient_id": "p", "image": paths})
    start = time.perf_counter()
    done = tabulate(spots, SpotSettings(), THREADS)
    return len(done.tiles) / (time.perf_counter() - start)


def peer(paths: list[str], python: str) -> float:
    """Tiles per second of the peer, imports not counted."""
    command = [python, str(PEER), *paths]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])["tiles_per_second"]


def main() -> None:
    """Take turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spots", nargs="+", help="JPEG files of 3500 x 3500 px")
    parser.add_argument("--peer", help="Python of the peer's environment")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sides = {"histosurv": ours, "histosurv, tiles step": whole_step}
    if options.peer:
        sides["tiatoolbox"] = lambda paths: peer(paths, options.peer)
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, side in sides.items():
            rates[name].append(side(options.spots))
    for name, values in rates.items():
        middle = statistics.median(values)
        ratio = statistics.median(rates["histosurv"]) / middle
        print(f"{name:22s} {middle:7.0f} tiles/s ({min(values):.0f} to {max(values):.0f})  "
              f"ours is {ratio:.1f} times as fast")  # fmt: skip
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
