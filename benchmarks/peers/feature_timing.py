"""What the `*_features.py` scripts of this folder share: the command line, VGG-16, the JSON line.

Not a benchmark itself. It needs nothing but torch, torchvision and safetensors, so that it can be
imported in the environment of every peer tool.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torchvision.models import vgg16
from torchvision.transforms import Compose, Normalize, ToTensor

TILE = 224
MPP = 0.25
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return the command line that all scripts have, described by the script's docstring."""
    words = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words.add_argument("images", nargs="+", type=Path, metavar="IMAGE.jpg")
    words.add_argument(
        "--weights", type=Path, required=True, help="safetensors, torchvision's VGG-16 names"
    )
    words.add_argument("--out", type=Path, required=True, help="folder, must not exist yet")
    return words


def fc2_network(weights: Path) -> torch.nn.Module:
    """Return VGG-16 up to the ReLU after its second fully connected layer, fp32, eval mode."""
    network = vgg16(weights=None, init_weights=False)
    network.load_state_dict(load_file(weights))
    network.classifier = network.classifier[:5]
    return network.eval()


def tile_transform() -> Compose:
    """Return the change from an RGB tile (PIL image or HWC array) to the network's input."""
    return Compose([ToTensor(), Normalize(MEAN, STD)])


def print_result(
    tool: str, version: str, shapes: Sequence[tuple[int, ...]], seconds: float
) -> None:
    """Print one line of JSON; `shapes` holds the shape of each image's stored feature table."""
    tiles = sum(shape[0] for shape in shapes)
    widths = {shape[1] for shape in shapes}
    if len(widths) != 1:
        raise ValueError(f"feature tables of unlike or no width: {sorted(widths)}")
    result = {
        "tool": tool,
        "version": version,
        "images": len(shapes),
        "tiles": tiles,
        "seconds": round(seconds, 4),
        "tiles_per_second": round(tiles / seconds, 2),
        "n_features": widths.pop(),
    }
    print(json.dumps(result))
