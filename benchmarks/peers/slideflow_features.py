"""Time slideflow computing its own VGG-16 features (after the convolutions) of plain spot images.

Unlike the other `*_features.py` scripts: slideflow's "vgg16_imagenet" extractor drops the fully
connected layers and gives the 25 088 numbers before them, so that it does less work per tile and
stores more. It is measured as it is. Measured: the wall time from opening the first image as
`sf.WSI` (224 px, 56 um, told 0.25 um per pixel) over `extractor(wsi)` to the last HDF5 file
(`features` of the tiles it kept; slideflow returns an array and leaves its storing to the caller).
Not timed: imports, building the extractor. It wants to download torchvision's weights; it is given
those of `--weights` by way of torch's own download folder, here a temporary one. Defaults kept:
batches of 32, mixed precision on (on the CPU: bfloat16 autocast), NCHW (`channels_last` off),
features returned as fp16, libvips as reader with half as many worker processes as there are cores
(none on two cores; more are spawned anew for each image, and the time that takes counts), threads
as torch sets them, progress bar on, torch as backend. `--channels-last` passes
`channels_last=True`, its own option; weights stay as they are, only the batches are changed. Said
by us: the CPU. Whole tiles only, and by default it drops those of which more than 60 % are grey
(glass), so it makes fewer than 15 x 15; tiles per second counts the tiles it kept.
Environment (plain pip fails, for one of its requirements, pyrfr, does not build):
`python -m venv slideflow && slideflow/bin/pip install --no-deps slideflow==3.0.2`, then
`slideflow/bin/pip install "numpy<2" "setuptools<81" "pandas<3" "zarr<3" torch torchvision
safetensors h5py pyvips pyvips-binary opencv-python-headless scipy scikit-learn scikit-image
matplotlib imageio shapely seaborn fpdf2 tqdm click protobuf crc32c tabulate rasterio rich requests
packaging pyarrow parameterized umap-learn gdown`. slideflow 3.0.2 comes under the Apache License,
version 2.0 (its licence file and metadata; the head of its main module still names the GNU General
Public License, version 3); nothing of it is copied here, only its public interface is called.

Usage: python slideflow_features.py --weights vgg16.safetensors --out DIR [--channels-last]
       IMAGE.jpg [...]
"""

import sys
import tempfile
import time
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlparse

import h5py
import slideflow as sf
import torch
from feature_timing import MPP, TILE, parser, print_result
from safetensors.torch import load_file
from torchvision.models import VGG16_Weights


def build_extractor(weights: Path, *, channels_last: bool) -> sf.model.BaseFeatureExtractor:
    """Return slideflow's VGG-16 extractor on the CPU, with the weights given."""
    name = Path(urlparse(VGG16_Weights.DEFAULT.url).path).name
    options = {"channels_last": True} if channels_last else {}
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Path(folder, "checkpoints")
        checkpoints.mkdir()
        torch.save(load_file(weights), checkpoints / name)
        torch.hub.set_dir(folder)
        return sf.build_feature_extractor(
            "vgg16_imagenet", tile_px=TILE, device=torch.device("cpu"), **options
        )


def store_features(
    image: Path, extractor: sf.model.BaseFeatureExtractor, out: Path
) -> tuple[int, ...]:
    """Compute and store the features of one image and return the shape of their table."""
    wsi = sf.WSI(str(image), tile_px=TILE, tile_um=round(TILE * MPP), mpp=MPP)
    grid = extractor(wsi)
    features = grid.data[~grid.mask[..., 0]]
    with h5py.File(out / f"{image.stem}.h5", "w") as file:
        file["features"] = features
    return features.shape


def main() -> None:
    """Time all images given and print one line of JSON."""
    words = parser(__doc__)
    words.add_argument("--channels-last", action="store_true", help="slideflow's own option")
    args = words.parse_args()
    args.out.mkdir(parents=True)
    with redirect_stdout(sys.stderr):  # log and progress bar
        extractor = build_extractor(args.weights, channels_last=args.channels_last)
        start = time.perf_counter()
        shapes = [store_features(image, extractor, args.out) for image in args.images]
        seconds = time.perf_counter() - start
    tool = "slideflow --channels-last" if args.channels_last else "slideflow"
    print_result(tool, version("slideflow"), shapes, seconds)


if __name__ == "__main__":
    main()
