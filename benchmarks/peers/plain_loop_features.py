"""Time a plain PyTorch loop computing VGG-16 fc2 features of spot images.

No tool of others, but the loop most of them come down to (TRIDENT's, for one): open the JPEG with
Pillow, crop each tile in a torch data set, turn it into a normalised fp32 tensor there (torchvision
ToTensor, Normalize), batch, run the network, gather, write one HDF5 file per image (data sets
`features` and `coords`). Measured: the wall time from opening the first image to the last HDF5 file
closed. Not timed: imports, building the network. Fixed: batches of 32, no worker processes
(num_workers 0), fp32, NCHW, eager mode, the CPU, threads as torch sets them. Whole tiles only, so
that a 3500 x 3500 image gives 15 x 15. Environment: the project's own (torch, torchvision,
safetensors, h5py, Pillow). Written for this benchmark, nothing copied from anywhere.

Usage: python plain_loop_features.py --weights vgg16.safetensors --out DIR IMAGE.jpg [...]
"""

import time
from pathlib import Path

import h5py
import torch
from feature_timing import TILE, fc2_network, parser, print_result, tile_transform
from PIL import Image
from torch.utils.data import DataLoader, Dataset

BATCH = 32


class Tiles(Dataset):
    """The whole tiles of one image, row by row, as normalised tensors."""

    def __init__(self, image: Path) -> None:
        self.picture = Image.open(image).convert("RGB")
        columns, rows = (side // TILE for side in self.picture.size)
        self.corners = [(x * TILE, y * TILE) for y in range(rows) for x in range(columns)]
        self.transform = tile_transform()

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.corners)

    def __getitem__(self, index: int) -> torch.Tensor:
        """Return one tile as the network takes it."""
        x, y = self.corners[index]
        return self.transform(self.picture.crop((x, y, x + TILE, y + TILE)))


def store_features(image: Path, network: torch.nn.Module, out: Path) -> tuple[int, ...]:
    """Compute and store the features of one image and return the shape of their table."""
    tiles = Tiles(image)
    with torch.inference_mode():
        batches = DataLoader(tiles, batch_size=BATCH, num_workers=0)
        features = torch.cat([network(batch) for batch in batches]).numpy()
    with h5py.File(out / f"{image.stem}.h5", "w") as file:
        file["features"] = features
        file["coords"] = tiles.corners
    return features.shape


def main() -> None:
    """Time all images given and print one line of JSON."""
    args = parser(__doc__).parse_args()
    network = fc2_network(args.weights)
    args.out.mkdir(parents=True)
    start = time.perf_counter()
    shapes = [store_features(image, network, args.out) for image in args.images]
    seconds = time.perf_counter() - start
    print_result("plain_loop", f"torch {torch.__version__}", shapes, seconds)


if __name__ == "__main__":
    main()
