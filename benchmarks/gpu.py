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
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torchvision
from PIL import Image
from precision import differences
from safetensors.torch import load_file

from histosurv.cohort.drawing import Stain, draw_spot
from histosurv.device import use_device
from histosurv.features.encoders import Encoder
from histosurv.features.extract import extract
from histosurv.features.store import read_features
from histosurv.features.weights import prepare_weights
from histosurv.parallel import ordered_map
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.reader import opened
from histosurv.spots.tile_table import tabulate

GFLOP_PER_TILE = 31.0  # multiplications and additions of VGG-16 to fc2 at 224 px
ON_GPU = torch.cuda.is_available()
THREADS = os.cpu_count() or 1


def draw(number: int, path: Path, side: int) -> None:
    """One spot as JPEG."""
    rng = np.random.default_rng(number)
    pixels = draw_spot(rng, 0.0, Stain.of_block(rng), spot_px=side, mpp=1000 / side)
    Image.fromarray(pixels).save(path, quality=90)


def synchronise() -> None:
    """Wait for the GPU."""
    if ON_GPU:
        torch.cuda.synchronize()


def rate(function: Callable[[], object], amount: float, seconds: float) -> float:
    """Amount per second: median of five turns after a warm-up."""
    for _ in range(3):
        function()
    synchronise()
    rates = []
    for _ in range(5):
        n, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds / 5:
            function()
            n += 1
            synchronise()
        rates.append(n * amount / (time.perf_counter() - start))
    return statistics.median(rates)


def matrix_peak(device: torch.device, seconds: float) -> float:
    """bf16 TFLOP/s of a large matrix product."""
    side = 8192 if ON_GPU else 512
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    return rate(lambda: a @ b, 2 * side**3 / 1e12, seconds)


class Fused(torch.nn.Module):
    """VGG-16 to fc2 with cuDNN's convolution, bias and ReLU in one call."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features."""
        for layer in self.model.features:
            if isinstance(layer, torch.nn.Conv2d):
                x = torch.cudnn_convolution_relu(
                    x, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, 1
                )
            elif isinstance(layer, torch.nn.MaxPool2d):
                x = layer(x)
        return self.model.classifier(torch.flatten(x, 1))


def model_alone(weights: Path, device: torch.device, seconds: float) -> dict[str, float]:
    """Tiles per second of the network on tiles that lie on the device, by how it is run."""
    model = torchvision.models.vgg16(weights=None)
    model.load_state_dict(load_file(weights))
    model.classifier = model.classifier[:5]
    model = model.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    found = {}
    batches = (32, 64, 128, 256, 512) if ON_GPU else (2,)
    with torch.inference_mode():
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            model = model.to(dtype)
            for batch in batches if name == "bf16" else batches[-2:]:
                x = torch.randn(batch, 3, 224, 224, device=device, dtype=dtype)
                x = x.contiguous(memory_format=torch.channels_last)
                found[f"{name}, eager, batch {batch}"] = rate(
                    lambda model=model, x=x: model(x), batch, seconds
                )
        batch = batches[-2] if ON_GPU else 2
        x = x[:batch].contiguous(memory_format=torch.channels_last)
        if ON_GPU:
            plain = x.contiguous(memory_format=torch.contiguous_format)
            other = model.to(memory_format=torch.contiguous_format)
            found[f"bf16, eager, channels first, batch {batch}"] = rate(
                lambda: other(plain), batch, seconds
            )
            model = model.to(memory_format=torch.channels_last)
            ways = {"cudnn conv+relu": Fused(model)}
            for mode in ("default", "max-autotune-no-cudagraphs", "reduce-overhead"):
                ways[f"torch.compile {mode}"] = torch.compile(model, mode=mode)
            for name, way in ways.items():
                try:
                    value = rate(lambda way=way: way(x), batch, seconds)
                except Exception as error:  # noqa: BLE001 - what does not run is a finding, too
                    value = f"failed: {type(error).__name__}: {str(error)[:200]}"
                found[f"bf16, {name}, batch {batch}"] = value
            torch.backends.cudnn.benchmark = True
            found[f"bf16, cudnn.benchmark, batch {batch}"] = rate(lambda: model(x), batch, seconds)
            torch.backends.cudnn.benchmark = False
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                model(x)
            found[f"bf16, CUDA graph, batch {batch}"] = rate(graph.replay, batch, seconds)
    return found


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


def whole_step(
    paths: list[Path], encoder: Encoder, out: Path, threads: int
) -> tuple[dict, dict[str, bytes]]:
    """The features step from JPEG to files, and the files."""
    names = [path.stem for path in paths]
    spots = pd.DataFrame({"spot_id": names, "patient_id": "p", "image": [str(p) for p in paths]})
    shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    done = tabulate(spots, SpotSettings(), THREADS)
    tabulated = time.perf_counter() - start
    _, times = extract(done.spots, done.tiles, encoder, out, SpotSettings(), threads=threads)
    row = times.iloc[0].to_dict() | {"tiles_step_seconds": round(tabulated, 2)}
    return row, {path.name: path.read_bytes() for path in out.glob("*.h5")}


def main() -> None:
    """Measure all of it; write after every part, so that a cut run leaves what it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--spots", type=int, default=420)
    parser.add_argument("--drawn", type=int, default=12)
    parser.add_argument("--side", type=int, default=3500)
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
    step, first = whole_step(paths, encoder, options.work / "first", THREADS)
    keep("whole step", step)
    keep("decoding, spots/s", decoding(drawn, options.seconds))
    some = paths[: max(2, options.spots // 8)]
    _, again = whole_step(some, encoder, options.work / "again", max(1, THREADS // 3))
    _, turned = whole_step(some[::-1], encoder, options.work / "turned", 2)
    keep("files that differ with other threads", [k for k in again if again[k] != first[k]])
    keep("files that differ in other order", [k for k in turned if turned[k] != first[k]])
    exact = Encoder(weights, torch.device("cpu"), precision="fp32")
    whole_step(paths[:1], exact, options.work / "exact", THREADS)
    reference = read_features(options.work / "exact" / "spot_0000.h5")
    found_here = read_features(options.work / "first" / "spot_0000.h5")
    keep("bf16 here against fp32 on the CPU", differences(found_here, reference))
    single = Encoder(weights, device, precision="fp32")
    whole_step(paths[:1], single, options.work / "single", THREADS)
    found_here = read_features(options.work / "single" / "spot_0000.h5")
    keep("fp32 here against fp32 on the CPU", differences(found_here, reference))
    keep("engine alone in fp32, tiles/s", engine_alone(single, options.seconds))
    keep("network alone, tiles/s", model_alone(weights, device, options.seconds))
    write_summary(found, options.out / "gpu.md")


def write_summary(found: dict, path: Path) -> None:
    """The table for a reader."""
    peak, step = found["matrix peak, bf16 TFLOP/s"], found["whole step"]
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
