"""Count how often de-arraying is right, abstains or is wrong on random drawn arrays.

    python benchmarks/random_grids.py --n 600 --out benchmarks/random_grids.csv

Three families are drawn: `hard` is the one of the tests (turned, bent, jittered, ragged, pale, with
debris, lost lines, block gaps and black frames), `full-size debris` adds pieces as large as cores,
`crooked` has more jitter than a punch leaves.
"""

import argparse
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import pandas as pd
from tests.spots.drawn_arrays import draw, hard_layout
from tests.spots.drawn_verdicts import expected_of, found_share, outcome

from histosurv.spots.dearray import dearray

FAMILIES = {
    "hard": {},
    "full-size debris": {"debris": 12, "debris_share": (0.5, 1.1)},
    "crooked": {"jitter_px": 22.0, "core_px": 70.0, "debris": 8},
}


def judge(task: tuple[str, int]) -> dict:
    """Draw one array, take it apart, and compare."""
    family, seed = task
    drawn = draw(hard_layout(seed, **FAMILIES[family]))
    expected = expected_of(drawn)
    start = time.perf_counter()
    grid = dearray(drawn.picture, expected, drawn.layout.core_px)
    seconds = time.perf_counter() - start
    told = outcome(drawn, grid)
    return {
        "family": family,
        "seed": seed,
        "cells": expected.size,
        "lines": "lost" if drawn.layout.lost_rows or drawn.layout.lost_columns else "all there",
        "outcome": told,
        "found": found_share(drawn, grid) if told == "right" else np.nan,
        "seconds": seconds,
        "doubt": grid.doubts[0] if grid.doubts else "",
    }


def main() -> None:
    """Run and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=600, help="arrays per family")
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--out", type=Path, help="table of all arrays")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.n)
    tasks = [(family, seed) for family in FAMILIES for seed in seeds]
    with Pool() as pool:
        table = pd.DataFrame(pool.map(judge, tasks, chunksize=8))
    for key, group in table.groupby(["family", "lines"]):
        counts = Counter(group["outcome"])
        print(
            f"{key[0]:18s} lines {key[1]:9s} n {len(group):5d}  right {counts['right']:5d}  "
            f"abstained {counts['abstained']:5d}  wrong {counts['wrong']:3d}  "
            f"cores found where right {group['found'].mean():.3f}  "
            f"median {group['seconds'].median():.2f} s, longest {group['seconds'].max():.2f} s"
        )
    if options.out:
        table.round(4).to_csv(options.out, index=False)


if __name__ == "__main__":
    main()
