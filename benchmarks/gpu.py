"""Everything that is to be known of the features on one GPU, in one go.

    python benchmarks/gpu.py OUT_FOLDER [--spots 420] [--drawn 12] [--seconds 3]

Spots of 3500 px are drawn and saved as JPEG; `gpu.json` and `gpu.md` in the folder hold what was
measured: the matrix product's peak in bf16, VGG-16 to fc2 alone by batch and way of running it,
decoding (Pillow on all cores, nvJPEG), the whole step from JPEG to synced HDF5 files, whether other
thread counts and orders give the same bytes, and how far bf16 and the GPU are from single precision
on the CPU. `killing.py` runs on a GPU as it does elsewhere. Needs torch with CUDA and what the
package needs; no network. Without a GPU it runs through on the CPU, to test itself: keep it small.
"""

import argparse
import json
import os
import platform
import shutil
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torchvision
from gpu_network import GFLOP_PER_TILE, ON_GPU, model_alone, rate
from PIL import Image
from precision import differences

from histosurv.cohort.drawing import Stain, draw_spot
from histosurv.device import use_device
from histosurv.features.encoders import Encoder
from histosurv.features.extract import extract
from histosurv.features.store import read_features
from histosurv.features.weights import prepare_weights
from histosurv.parallel import ordered_map
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.reader import opened
from histosurv.spots.tile_table import Tabulated, tabulate

THREADS = os.cpu_count() or 1
WORKFLOW_THREADS = 8  # of a features job at most


def draw(number: int, path: Path, side: int) -> None:
    """One spot as JPEG."""
    rng = np.random.default_rng(number)
    pixels = draw_spot(rng, 0.0, Stain.of_block(rng), spot_px=side, mpp=1000 / side)
    Image.fromarray(pixels).save(path, quality=90)


def matrix_peak(device: torch.device, seconds: float) -> float:
    """bf16 TFLOP/s of a large matrix product."""
    side = 8192 if ON_GPU else 512
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    return rate(lambda: a @ b, 2 * side**3 / 1e12, seconds)


def engine_alone(encoder: Encoder, seconds: float) -> float:
    """Tiles per second of the engine from pinned memory to features on the host."""
    shape = (encoder.group_tiles, 224, 224, 3)
    tiles = torch.randint(0, 256, shape, dtype=torch.uint8)
    tiles = tiles.pin_memory() if ON_GPU else tiles
    n_groups = max(4, int(seconds * (30 if ON_GPU else 0.2)))

    def groups() -> None:
        for _ in ordered_map(lambda _: encoder.encode([tiles]), range(n_groups), 2, ahead=2):
            pass

    groups()
    start = time.perf_counter()
    groups()
    return n_groups * len(tiles) / (time.perf_counter() - start)


def decoding(paths: list[Path], seconds: float) -> dict[str, float]:
    """JPEG files of 3500 px per second."""

    def pillow(path: Path) -> None:
        with opened(str(path)) as picture:
            picture.read((0, 0, *picture.size), picture.size)

    def all_cores() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(pillow, paths))

    found = {f"Pillow, {THREADS} threads": rate(all_cores, len(paths), seconds)}
    if ON_GPU:
        files = [torchvision.io.read_file(str(path)) for path in paths]
        try:
            decode = torchvision.io.decode_jpeg
            found["nvJPEG, in one call"] = rate(
                lambda: decode(files, device="cuda"), len(files), seconds
            )
            ours = np.asarray(Image.open(paths[0]))
            theirs = decode(files[0], device="cuda").permute(1, 2, 0).cpu().numpy()
            difference = np.abs(ours.astype(int) - theirs)
            found["nvJPEG against Pillow, grey levels, greatest"] = float(difference.max())
            found["nvJPEG against Pillow, share of values that differ"] = float(
                (difference > 0).mean()
            )
        except RuntimeError as error:
            found["nvJPEG"] = f"failed: {str(error)[:200]}"
    return found


def tables(paths: list[Path], drawn: Tabulated) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spot and tile table of copies of the drawn spots, as if each had been cut by itself."""
    spots = drawn.spots.iloc[[int(path.stem[-4:]) % len(drawn.spots) for path in paths]]
    of = dict(iter(drawn.tiles.groupby("spot_id")))
    names = [path.stem for path in paths]
    tiles = [
        of[like].assign(spot_id=name) for like, name in zip(spots["spot_id"], names, strict=True)
    ]
    return spots.assign(spot_id=names, image=[str(path) for path in paths]), pd.concat(tiles)


def whole_step(
    of: tuple[pd.DataFrame, pd.DataFrame], encoder: Encoder, out: Path, threads: int
) -> dict:
    """The features step from JPEG to files: its row of figures."""
    shutil.rmtree(out, ignore_errors=True)
    _, times = extract(*of, encoder, out, SpotSettings(), threads=threads)
    return times.iloc[0].to_dict()


def contents(out: Path) -> dict[str, bytes]:
    """The files that a features step left."""
    return {path.name: path.read_bytes() for path in out.glob("*.h5")}


def middle(rows: list[dict]) -> dict:
    """The row with the median time, and all times."""
    ordered = sorted(rows, key=lambda row: row["seconds"])
    return ordered[len(rows) // 2] | {"all_seconds": [row["seconds"] for row in rows]}


def main() -> None:
    """Measure all of it; write after every part, so that a cut run leaves what it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--spots", type=int, default=420)
    parser.add_argument("--drawn", type=int, default=12)
    parser.add_argument("--side", type=int, default=3500)
    parser.add_argument("--rounds", type=int, default=3, help="of the whole step")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each rate")
    parser.add_argument("--work", type=Path, default=Path("/tmp/histosurv-gpu"))  # noqa: S108
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    options.work.mkdir(parents=True, exist_ok=True)
    device = use_device(THREADS)
    found: dict[str, object] = {
        "hardware": torch.cuda.get_device_name() if ON_GPU else platform.processor() or "CPU",
        "cores": THREADS,
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cudnn": torch.backends.cudnn.version(),
        "python": platform.python_version(),
    }

    def keep(name: str, value: object) -> None:
        found[name] = value
        (options.out / "gpu.json").write_text(json.dumps(found, indent=1, default=str))
        print(name, json.dumps(value, default=str), flush=True)

    weights = options.work / "encoder.safetensors"
    prepare_weights("vgg16", "random", weights)
    drawn = [options.work / f"drawn_{i}.jpg" for i in range(options.drawn)]
    missing = [(i, path) for i, path in enumerate(drawn) if not path.is_file()]
    with ProcessPoolExecutor(THREADS) as pool:
        list(pool.map(draw, *zip(*missing, strict=True), [options.side] * len(missing)))
    paths = []
    for number in range(options.spots):
        paths.append(options.work / f"spot_{number:04d}.jpg")
        paths[-1].unlink(missing_ok=True)
        paths[-1].write_bytes(drawn[number % options.drawn].read_bytes())

    keep("matrix peak, bf16 TFLOP/s", matrix_peak(device, options.seconds))
    encoder = Encoder(weights, device)
    keep("a tile's place in a batch matters", not encoder.packs_spots)
    keep("engine alone, tiles/s", engine_alone(encoder, options.seconds))
    names = [path.stem for path in drawn]
    of = {"spot_id": names, "patient_id": "p", "image": [str(path) for path in drawn]}
    cut = tabulate(pd.DataFrame(of), SpotSettings(), THREADS)
    store = {name: options.work / name for name in ("first", "again", "turned", "exact", "single")}
    for threads in sorted({THREADS, min(THREADS, WORKFLOW_THREADS)}, reverse=True):
        rows = [
            whole_step(tables(paths, cut), encoder, store["first"], threads)
            for _ in range(options.rounds)
        ]
        keep(f"whole step, {threads} threads", middle(rows))
    first = contents(store["first"])
    keep("decoding, spots/s", decoding(drawn, options.seconds))
    some = paths[: max(2, options.spots // 8)]
    whole_step(tables(some, cut), encoder, store["again"], max(1, THREADS // 3))
    whole_step(tables(some[::-1], cut), encoder, store["turned"], 2)
    for name, what in (("again", "with other threads"), ("turned", "in other order")):
        files = contents(store[name])
        keep(f"files that differ {what}", [k for k in files if files[k] != first[k]])
    exact = Encoder(weights, torch.device("cpu"), precision="fp32")
    single = Encoder(weights, device, precision="fp32")
    for name, one in (("exact", exact), ("single", single)):
        whole_step(tables(paths[:1], cut), one, store[name], THREADS)
    reference = read_features(store["exact"] / "spot_0000.h5")
    for name, what in (("first", "bf16"), ("single", "fp32")):
        here = read_features(store[name] / "spot_0000.h5")
        keep(f"{what} here against fp32 on the CPU", differences(here, reference))
    keep("engine alone in fp32, tiles/s", engine_alone(single, options.seconds))
    keep("network alone, tiles/s", model_alone(weights, device, options.seconds))
    write_summary(found, options.out / "gpu.md")


def write_summary(found: dict, path: Path) -> None:
    """The table for a reader."""
    peak, step = found["matrix peak, bf16 TFLOP/s"], found[f"whole step, {THREADS} threads"]
    rows = [("matrix product, bf16, TFLOP/s", peak, "")]
    rates = found["network alone, tiles/s"] | {
        "engine, pinned memory to host": found["engine alone, tiles/s"],
        "engine in fp32": found["engine alone in fp32, tiles/s"],
        "whole step, JPEG to files (distinct tiles)": step["distinct_tiles"] / step["seconds"],
        "whole step, JPEG to files (all tiles)": step["tiles_per_s"],
    }
    for name, value in rates.items():
        share = f"{value * GFLOP_PER_TILE / 1e3 / peak:.0%}" if isinstance(value, float) else ""
        rows.append((f"{name}, tiles/s", value, share))
    rows.append((f"{step['spots']:.0f} spots, seconds", step["seconds"], ""))
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{found['hardware']}, {found['cores']} cores, torch {found['torch']}\n\n")
        file.write("| what | measured | share of the matrix peak |\n|---|---|---|\n")
        for name, value, share in rows:
            text = f"{value:.1f}" if isinstance(value, float) else value
            file.write(f"| {name} | {text} | {share} |\n")


if __name__ == "__main__":
    main()
