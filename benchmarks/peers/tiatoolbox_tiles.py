"""Time TIAToolbox cutting plain spot images into tiles, with a no-op encoder.

Measured: the wall time from opening the image files to the channel mean of every tile, with
TIAToolbox's own reader and its sliding-window patch extractor (224 px, stride 224, baseline
resolution, no tissue mask; tiles that reach over the edge are padded, as is its default, so that a
3500 x 3500 image gives 16 x 16 tiles). The images carry no scale, so the reader is told 0.25 um per
pixel. The mean stands for an encoder that costs nothing; each tile is used and dropped. Imports are
not timed. One process, thread pools as the library sets them. Environment:
`python -m venv tiatoolbox && tiatoolbox/bin/pip install tiatoolbox==2.1.3` (6.5 GB, on Linux with
the CUDA build of torch). TIAToolbox is under the BSD 3-Clause License; nothing of it is copied
here, only its public interface is called.

Usage: python tiatoolbox_tiles.py IMAGE.jpg [IMAGE2.jpg ...]
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tiatoolbox.tools.patchextraction import get_patch_extractor
from tiatoolbox.wsicore.wsireader import WSIReader

TILE = 224
MPP = 0.25


def tile_means(image: Path) -> np.ndarray:
    """Open an image and return the channel means of its tiles, one row per tile."""
    reader = WSIReader.open(image, mpp=(MPP, MPP))
    tiles = get_patch_extractor(
        "slidingwindow",
        input_img=reader,
        patch_size=(TILE, TILE),
        stride=(TILE, TILE),
        resolution=1.0,
        units="baseline",
    )
    # One axis after the other: the same means as axis=(0, 1) in a tenth of NumPy's time.
    return np.array([tile.mean(axis=0).mean(axis=0) for tile in tiles])


def main() -> None:
    """Time all images given and print one line of JSON."""
    images = [Path(name) for name in sys.argv[1:]]
    if not images:
        sys.exit("usage: python tiatoolbox_tiles.py IMAGE.jpg [IMAGE2.jpg ...]")
    start = time.perf_counter()
    means = [tile_means(image) for image in images]
    seconds = time.perf_counter() - start
    tiles = sum(len(rows) for rows in means)
    result = {
        "tool": "tiatoolbox",
        "version": version("tiatoolbox"),
        "images": len(images),
        "tiles": tiles,
        "seconds": round(seconds, 4),
        "tiles_per_second": round(tiles / seconds, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
