"""Time TIAToolbox computing VGG-16 fc2 features of plain spot images.

Measured: the wall time of one `DeepFeatureExtractor.run` over all images, from opening the first
image to the last zarr store (features and coordinates) written by the engine itself. Not timed:
imports, building the network. The network is wrapped in the toolbox's `ModelABC`; its preprocessing
(scale to 0..1, ImageNet mean and deviation) runs per tile in the toolbox's data set, as the toolbox
has it. Defaults kept: batches of 8, no worker processes (num_workers 0), fp32, NCHW,
device "cpu", threads as torch sets them, progress bars on; torch.compile is asked for by default
but the toolbox itself leaves it out where there is no GPU. Said by us: 224 px, stride 224, baseline
resolution, 0.25 um per pixel (the images carry no scale) and no tissue mask; tiles that reach over
the edge are padded, as is its default, so that a 3500 x 3500 image gives 16 x 16 tiles. The log is
turned down to warnings, for it would go to standard output. Environment:
`python -m venv tiatoolbox && tiatoolbox/bin/pip install tiatoolbox==2.1.3` (6.5 GB, on Linux with
the CUDA build of torch). TIAToolbox is under the BSD 3-Clause License; nothing of it is copied
here, only its public interface is called.

Usage: python tiatoolbox_features.py --weights vgg16.safetensors --out DIR IMAGE.jpg [...]
"""

import logging
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import tiatoolbox
import torch
import zarr
from feature_timing import MPP, TILE, fc2_network, parser, print_result, tile_transform
from tiatoolbox.models.engine.deep_feature_extractor import DeepFeatureExtractor
from tiatoolbox.models.engine.io_config import IOPatchPredictorConfig
from tiatoolbox.models.models_abc import ModelABC


class Fc2(ModelABC):
    """VGG-16 up to fc2 as a TIAToolbox model."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.network = fc2_network(weights)
        self.preproc_func = tile_transform()

    def forward(self, tiles: torch.Tensor) -> torch.Tensor:
        """Return one row of features per tile."""
        return self.network(tiles)

    @staticmethod
    def infer_batch(
        model: torch.nn.Module, batch_data: torch.Tensor, *, device: str
    ) -> list[np.ndarray]:
        """Return the features of a batch in a list of one, as the extractor expects them."""
        model.eval()
        with torch.inference_mode():
            return [model(batch_data.to(device)).cpu().numpy()]


def main() -> None:
    """Time all images given and print one line of JSON."""
    args = parser(__doc__).parse_args()
    tiatoolbox.logger.setLevel(logging.WARNING)
    extractor = DeepFeatureExtractor(model=Fc2(args.weights))
    resolution = [{"units": "baseline", "resolution": 1.0}]
    config = IOPatchPredictorConfig(
        input_resolutions=resolution,
        output_resolutions=resolution,
        patch_input_shape=(TILE, TILE),
        stride_shape=(TILE, TILE),
    )
    start = time.perf_counter()
    stores = extractor.run(
        images=args.images,
        patch_mode=False,
        ioconfig=config,
        auto_get_mask=False,
        wsireader_kwargs={"mpp": (MPP, MPP)},
        save_dir=args.out,
        output_type="zarr",
    )
    seconds = time.perf_counter() - start
    shapes = [zarr.open(stores[image], mode="r")["features"].shape for image in args.images]
    print_result("tiatoolbox", version("tiatoolbox"), shapes, seconds)


if __name__ == "__main__":
    main()
