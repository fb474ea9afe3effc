"""Peak memory of the features step by the number of spots.

    python benchmarks/memory.py SPOT.jpg ... --weights FILE [--n 10 200]

The given spots are repeated under other names until there are n; each count runs in a process of
its own. A small encoder (torchvision/mobilenet_v3_small) makes hundreds of full-size spots a matter
of minutes: what could grow, decoded pictures, tiles, features and tables, is the same.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import torch

from histosurv.features.encoders import Encoder
from histosurv.features.extract import extract
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.tile_table import tabulate


def peak_gb(paths: list[str], n: int, weights: Path) -> float:
    """Peak memory of this process after the step on n spots."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = []
        for number in range(n):
            source = Path(paths[number % len(paths)]).resolve()
            images.append(folder / f"spot_{number:04d}{source.suffix}")
            images[-1].symlink_to(source)
        names = [image.stem for image in images]
        spots = pd.DataFrame({"spot_id": names, "patient_id": "p", "image": list(map(str, images))})
        # Cut the distinct pictures only: the tables are the same for their copies.
        first = tabulate(spots.iloc[: len(paths)], SpotSettings())
        tables = [
            (
                first.spots.iloc[[number % len(paths)]].assign(
                    spot_id=names[number], image=str(images[number])
                ),
                first.tiles[first.tiles["spot_id"] == names[number % len(paths)]].assign(
                    spot_id=names[number]
                ),
            )
            for number in range(n)
        ]
        rows, tiles = (pd.concat(parts) for parts in zip(*tables, strict=True))
        encoder = Encoder(weights, torch.device("cpu"))
        extract(rows, tiles, encoder, folder / "store", SpotSettings(), threads=2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    """Print the peak of every count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spots", nargs="+")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--n", type=int, nargs="+", default=[10, 200])
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(f"{peak_gb(options.spots, options.child, options.weights):.3f}")
        return
    for n in options.n:
        command = [sys.executable, __file__, *options.spots, "--weights", options.weights]
        command += ["--child", n]
        run = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True)
        print(f"{n} spots: {run.stdout.strip()} GB", flush=True)


if __name__ == "__main__":
    main()
