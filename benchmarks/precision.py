"""How far features in bf16, and in half precision on disk, are from single precision.

    python benchmarks/precision.py SPOT.jpg ... --weights FILE [--weights FILE ...]

Weights are files of `histosurv weights`. Every spot is encoded in fp32 and, where the hardware has
it, in bf16, on the GPU where there is one; the figures are the worst over all tiles. `plain` is
torchvision's own VGG-16, one batch for the whole spot, all threads: what a script would do.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file

from histosurv.device import use_device
from histosurv.features.encoders import Encoder
from histosurv.features.weights import read_header
from histosurv.spots.reader import opened
from histosurv.spots.tiling import Geometry, cut, frame


def differences(one: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """How far features are from a reference, at worst over the tiles."""
    a, b = one.astype(np.float64), reference.astype(np.float64)
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    error = np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)
    return {
        "least cosine": float(cosine.min()),
        "greatest relative error (norm)": float(error.max()),
        "greatest difference / greatest value": float(np.abs(a - b).max() / b.max()),
    }


def tiles_of(path: str) -> torch.Tensor:
    """Tiles of a spot as it is."""
    with opened(path) as picture:
        laid = frame(picture.size, Geometry())
        return torch.from_numpy(
            cut(picture.read((0, 0, *picture.size), laid.read_px), laid.corners, laid.tile_px)
        )


def encoded(encoder: Encoder, tiles: torch.Tensor) -> np.ndarray:
    """Features of all tiles."""
    groups = tiles.split(encoder.group_tiles)
    return torch.cat([encoder.encode([group]) for group in groups]).numpy()


def plain(weights: Path, tiles: torch.Tensor) -> np.ndarray:
    """The same by torchvision alone, in single precision."""
    model = torchvision.models.vgg16(weights=None)
    model.load_state_dict(load_file(weights))
    model.classifier = model.classifier[:5]
    how = read_header(weights)["preprocessing"]
    light = torchvision.transforms.functional.normalize(
        tiles.permute(0, 3, 1, 2).float() / 255, how["mean"], how["std"]
    )
    torch.set_num_threads(2)
    with torch.inference_mode():
        return model.eval()(light).numpy()


def main() -> None:
    """Print the worst figures per weights file and way of computing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spots", nargs="+")
    parser.add_argument("--weights", action="append", type=Path, required=True)
    parser.add_argument("--plain-tiles", type=int, default=16, help="tiles a spot for `plain`")
    options = parser.parse_args()
    device = use_device(2)
    print("| weights | compared with fp32 | least cosine | relative error | largest difference |")
    print("|---|---|---|---|---|")
    for weights in options.weights:
        exact = Encoder(weights, device, precision="fp32")
        other = Encoder(weights, device, precision="auto")
        found: dict[str, list[dict[str, float]]] = {}
        for path in options.spots:
            tiles = tiles_of(path)
            reference = encoded(exact, tiles)
            sides = {
                f"{other.precision} on {device.type}": encoded(other, tiles),
                "fp32, kept as float16": reference.astype(np.float16),
            }
            for name, features in sides.items():
                found.setdefault(name, []).append(differences(features, reference))
            some = slice(None, None, max(1, len(tiles) // options.plain_tiles))
            found.setdefault("plain torchvision, fp32", []).append(
                differences(plain(weights, tiles[some]), reference[some])
            )
        source = read_header(weights)["source"].split(",")[0]
        for name, rows in found.items():
            least = min(row["least cosine"] for row in rows)
            error = max(row["greatest relative error (norm)"] for row in rows)
            largest = max(row["greatest difference / greatest value"] for row in rows)
            print(f"| {source} | {name} | {least:.7f} | {error:.2e} | {largest:.2e} |", flush=True)


if __name__ == "__main__":
    main()
