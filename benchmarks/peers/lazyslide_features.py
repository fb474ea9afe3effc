"""Time LazySlide computing VGG-16 fc2 features of spot images rewritten as tiled TIFF.

LazySlide does not open a plain JPEG. Each image is therefore rewritten before the clock starts as a
tiled pyramidal TIFF (three levels, tiles of 256 px, deflate, hence without loss; 0.25 um per pixel
in its resolution tags) in a temporary folder. Reading deflate tiles took OpenSlide no longer than
reading JPEG tiles. Measured: the wall time from `open_wsi` of the first TIFF over `find_tissues`,
`tile_tissues` (224 px, 0.25 um per pixel) and `feature_extraction` to the last zarr store written
by `write`. Not timed: imports, building the network, the rewriting. The transform (scale to 0..1,
ImageNet mean and deviation) runs per tile in the tool's data set. Defaults kept: batches of 32, no
worker processes (num_workers 0), no mixed precision (fp32), no torch.compile, NCHW, threads as
torch sets them, progress bar on, OpenSlide as reader, and the choice of the device: a GPU where
there is one, so hide it (CUDA_VISIBLE_DEVICES=) to time the CPU. By default it makes whole tiles
only, on a grid it starts at each piece of tissue, and drops those with more than 30 % background,
so it makes fewer tiles than 15 x 15; tiles per second counts the tiles it made. Environment:
`python -m venv lazyslide && lazyslide/bin/pip install lazyslide==0.13.0` (on Linux with the CUDA
build of torch; safetensors and tifffile come along). LazySlide is under the MIT License; nothing of
it is copied here, only its public interface is called.

Usage: python lazyslide_features.py --weights vgg16.safetensors --out DIR IMAGE.jpg [...]
"""

import sys
import tempfile
import time
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path

import lazyslide as zs
import numpy as np
import tifffile
import torch
from feature_timing import MPP, TILE, fc2_network, parser, print_result, tile_transform
from PIL import Image
from wsidata import open_wsi

LEVELS = 3


def tiled_tiff(image: Path, folder: Path) -> Path:
    """Rewrite an image as a tiled pyramidal TIFF and return where it lies."""
    path = folder / f"{image.stem}.tif"
    with Image.open(image) as picture, tifffile.TiffWriter(path) as tiff:
        rgb = picture.convert("RGB")
        for level in range(LEVELS):
            pixels_per_cm = 1e4 / (MPP * 2**level)
            tiff.write(
                np.asarray(rgb.reduce(2**level)),
                tile=(256, 256),
                photometric="rgb",
                compression="zlib",
                resolution=(pixels_per_cm, pixels_per_cm),
                resolutionunit="CENTIMETER",
                subfiletype=1 if level else 0,
            )
    return path


def store_features(tiff: Path, network: torch.nn.Module, out: Path) -> tuple[int, ...]:
    """Compute and store the features of one image and return the shape of their table."""
    wsi = open_wsi(tiff, store=str(out / f"{tiff.stem}.zarr"))
    zs.pp.find_tissues(wsi)
    zs.pp.tile_tissues(wsi, TILE, mpp=MPP)
    zs.tl.feature_extraction(wsi, network, transform=tile_transform(), key_added="vgg16_fc2")
    wsi.write()
    return wsi.tables["vgg16_fc2"].shape


def main() -> None:
    """Time all images given and print one line of JSON."""
    args = parser(__doc__).parse_args()
    network = fc2_network(args.weights)
    args.out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        tiffs = [tiled_tiff(image, Path(folder)) for image in args.images]
        with redirect_stdout(sys.stderr):  # the progress bar
            start = time.perf_counter()
            shapes = [store_features(tiff, network, args.out) for tiff in tiffs]
            seconds = time.perf_counter() - start
    print_result("lazyslide", version("lazyslide"), shapes, seconds)


if __name__ == "__main__":
    main()
