"""From JPEG spots of 3500 px to feature files, beside peers, in turns.

    python benchmarks/features.py SPOT.jpg ... --peer tiatoolbox=PATH/TO/ITS/bin/python
        [--peer lazyslide=...] [--peer slideflow=...] [--rounds 3]

Ours is the features step: decode, cut, VGG-16 to fc2 (4096 numbers), one synced HDF5 file a spot;
in bf16 where the processor has it and in fp32, on all cores. `model alone` is the same network on
tiles in memory, taken in the same process. Peers are the scripts in `peers/`, each at its defaults
on its own files; the plain loop runs in our own environment. Importing and building the networks is
not timed on any side. Every side runs in a fresh process; sides alternate; medians are printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
OUR_SPOTS = 3  # of a round; a peer gets one, for it takes as long


def ours(paths: list[str], weights: str, out: Path, precision: str) -> dict:
    """Rates of the features step and of the network alone."""
    import pandas as pd
    import torch

    from histosurv.features.encoders import Encoder
    from histosurv.features.extract import extract
    from histosurv.parallel import ordered_map
    from histosurv.spots.preparation import SpotSettings
    from histosurv.spots.tile_table import tabulate

    threads = os.cpu_count() or 1
    encoder = Encoder(Path(weights), torch.device("cpu"), precision=precision)
    spots = pd.DataFrame(
        {"spot_id": [Path(p).stem for p in paths], "patient_id": "", "image": paths}
    )
    start = time.perf_counter()
    done = tabulate(spots, SpotSettings(), threads)
    tabulated = time.perf_counter() - start
    tiles = torch.randint(0, 256, (encoder.group_tiles, 224, 224, 3), dtype=torch.uint8)

    def alone() -> float:
        start = time.perf_counter()
        n_groups = 2 * threads
        for _ in ordered_map(lambda _: encoder.encode([tiles]), range(n_groups), threads):
            pass
        return n_groups * len(tiles) / (time.perf_counter() - start)

    _, times = extract(done.spots, done.tiles, encoder, out, SpotSettings(), threads=threads)
    row = times.iloc[0]
    return {
        "tiles_per_second": row["tiles_per_s"],
        "encoded_per_second": row["distinct_tiles"] / row["seconds"],
        "with_tiles_step": row["tiles"] / (row["seconds"] + tabulated),
        "model_alone": alone(),
        "decode_s": row["decode_s"],
        "compute_s": row["compute_s"],
        "wait_s": row["wait_s"],
        "write_s": row["write_s"],
        "peak_memory_gb": row["peak_memory_gb"],
    }


def measure(side: str, python: str, paths: list[str], weights: str) -> dict:
    """One side in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        if side.startswith("histosurv"):
            rest = ["--child", side.split()[1], *paths[:OUR_SPOTS]]
            command = [python, __file__, "--weights", weights, "--out", f"{folder}/out", *rest]
        else:
            name, *flags = side.split()
            script = str(PEERS / f"{name}_features.py")
            command = [python, script, "--weights", weights, "--out", f"{folder}/out", *flags]
            command.append(paths[0])
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
        run = subprocess.run(command, capture_output=True, text=True, env=environment)
    if run.returncode:
        sys.exit(f"{side}: {run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def main() -> None:
    """Take turns and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spots", nargs="+", help="JPEG files of 3500 x 3500 px")
    parser.add_argument(
        "--peer", action="append", default=[], help="name=python of its environment"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--weights", required=True, help="file of `histosurv weights random`")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(ours(options.spots, options.weights, options.out, options.child)))
        return
    sides = {"histosurv auto": sys.executable, "histosurv fp32": sys.executable}
    sides["plain_loop"] = sys.executable
    for peer in options.peer:
        name, _, python = peer.partition("=")
        sides[name] = python
        if name == "slideflow":
            sides["slideflow --channels-last"] = python
    found: dict[str, list[dict]] = {side: [] for side in sides}
    for round_ in range(options.rounds):
        for side, python in sides.items():
            spots = options.spots[round_ % len(options.spots) :] + options.spots
            found[side].append(measure(side, python, spots, options.weights))
            print(side, json.dumps(found[side][-1]), file=sys.stderr, flush=True)

    def middle(side: str, key: str) -> float:
        return statistics.median(one[key] for one in found[side])

    fast, exact = (middle(f"histosurv {p}", "tiles_per_second") for p in ("auto", "fp32"))
    print("| side | tiles/s, median (range) | histosurv auto is | histosurv fp32 is |")
    print("|---|---|---|---|")
    for side in sides:
        rates = [one["tiles_per_second"] for one in found[side]]
        rate = statistics.median(rates)
        print(f"| {side} | {rate:.1f} ({min(rates):.1f} to {max(rates):.1f}) "
              f"| {fast / rate:.1f} x | {exact / rate:.1f} x |")  # fmt: skip
    for side in ("histosurv auto", "histosurv fp32"):
        share = statistics.median(
            one["encoded_per_second"] / one["model_alone"] for one in found[side]
        )
        print(f"{side}: model alone {middle(side, 'model_alone'):.1f} tiles/s; the step encodes at "
              f"{share:.0%} of it; with the tiles step {middle(side, 'with_tiles_step'):.1f} "
              f"tiles/s; peak memory {middle(side, 'peak_memory_gb'):.2f} GB")  # fmt: skip


if __name__ == "__main__":
    main()
