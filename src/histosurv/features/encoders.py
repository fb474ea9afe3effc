"""One network on one device: groups of tiles in, features out, the same whoever shares the job.

Single-precision sums are rounded otherwise when the batch or the number of threads is another. So
neither is left to chance: on the CPU a group of tiles belongs to one spot and to one thread, and
many threads work on many groups; on the GPU every group has the same shape.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import load_file

from histosurv.device import has_bf16
from histosurv.errors import InputError
from histosurv.features.networks import (
    Network,
    filled,
    read_grey_levels,
    vgg16,
    without_head,
)
from histosurv.features.weights import read_header
from histosurv.files import file_sha256
from histosurv.progress import say

# Raise it when reading, tiling or encoding changes so that the same files would give other numbers.
RECIPE_VERSION = "3"


class Encoder:
    """A network that turns tiles into features.

    Parameters
    ----------
    path : pathlib.Path
        Weights as written by `histosurv.features.weights.prepare_weights`.
    device : torch.device
        Where to compute.
    tile_px : int
        Side of the tiles to come.
    layer, relu : str
        Of VGG-16, as `histosurv.features.networks.vgg16`.
    precision : {'auto', 'bf16', 'fp32'}
        Arithmetic; ``auto`` is bf16 where the hardware has it. Features are float32 all the same.

    Attributes
    ----------
    name : str
        Of the network, as in the config.
    group_tiles : int
        Tiles that travel together.
    packs_spots : bool
        Whether tiles of several spots may share a group without changing a number.

    Raises
    ------
    InputError
        The weights file is not one of `prepare_weights`, the network does not take such tiles, or
        memory does not suffice for it.
    """

    def __init__(
        self,
        path: Path,
        device: torch.device,
        *,
        tile_px: int = 224,
        layer: str = "fc2",
        relu: str = "after",
        precision: str = "auto",
    ) -> None:
        header = read_header(path)
        self.name = header["encoder"]
        self.device = device
        self.precision = _supported(precision, device)
        if header["tile_px"] not in (0, tile_px):
            raise InputError(
                f"spots: tile_px: {tile_px} px; {self.name} takes tiles of {header['tile_px']} px "
                "only"
            )
        on_cpu = device.type == "cpu"
        self.group_tiles = 32 if on_cpu else 256
        # Convolutions of few tiles keep within the processor's caches.
        self._slice_tiles = 4 if on_cpu else self.group_tiles
        self._dtype = torch.bfloat16 if self.precision == "bf16" else torch.float32
        with _memory(device):
            network = _network(header, load_file(path), layer, relu).eval()
        how = header["preprocessing"]
        mean, std = (torch.tensor(how[name]) * 255 for name in ("mean", "std"))
        if self.precision == "bf16" and self.name == "vgg16":
            with torch.no_grad():
                mean, std = read_grey_levels(network, mean, std)
        self._mean, self._std = (value.view(3, 1, 1).to(device) for value in (mean, std))
        network = network.requires_grad_(False)
        with _memory(device):
            self._network = network.to(device, self._dtype, memory_format=torch.channels_last)
        if not on_cpu:  # the streams of the threads do not wait for this one
            torch.cuda.synchronize(device)
        self._own = threading.local()
        self._shrinking = threading.Lock()
        self._try(tile_px)
        self.packs_spots = not on_cpu and self._place_does_not_matter(tile_px)
        self._recipe = {
            "version": RECIPE_VERSION,
            "encoder": self.name,
            "layer": f"{layer} {relu} ReLU" if self.name == "vgg16" else "pooled",
            "precision": self.precision,
            "weights": header["source"],
            "fully_connected": header.get("fully_connected", header["source"]),
            "weights_sha256": file_sha256(path),
            "preprocessing": json.dumps(header["preprocessing"]),
            "device": device.type,
        }

    @property
    def recipe(self) -> dict[str, str]:
        """What decides the numbers, apart from the pixels; kept in every feature file."""
        groups = "" if self.packs_spots else " of one spot"
        batch = f"{self.group_tiles} tiles{groups}, {self._slice_tiles} at once"
        return self._recipe | {"batch": batch}

    @torch.inference_mode()
    def encode(self, parts: list[torch.Tensor]) -> torch.Tensor:
        """Features of one group of tiles; threads may call it at once.

        Parameters
        ----------
        parts : list of torch.Tensor
            (n, side, side, 3) uint8, RGB, together at most `group_tiles` tiles.

        Returns
        -------
        torch.Tensor
            (n_tiles, n_features) float32 on the CPU.

        Raises
        ------
        InputError
            Memory does not suffice.
        """
        with _memory(self.device):
            if self.device.type != "cpu":
                return self._on_gpu(parts)
            torch.set_num_threads(1)  # of the calling thread alone
            return self._forward(torch.cat(parts) if len(parts) > 1 else parts[0])

    def _on_gpu(self, parts: list[torch.Tensor]) -> torch.Tensor:
        """The same in a stream of the calling thread, so that one copies while another computes."""
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream(self.device)
        n_tiles = sum(len(part) for part in parts)
        with torch.cuda.stream(self._own.stream):
            shape = (self.group_tiles, *parts[0].shape[1:])
            batch = torch.zeros(shape, dtype=torch.uint8, device=self.device)
            start = 0
            for part in parts:
                batch[start : start + len(part)].copy_(part, non_blocking=True)
                start += len(part)
            features = self._forward(batch)
            result = torch.empty(features.shape, pin_memory=True)
            result.copy_(features, non_blocking=True)
            self._own.stream.synchronize()
        return result[:n_tiles].clone()

    def _forward(self, tiles: torch.Tensor) -> torch.Tensor:
        """Features of tiles on the device; fewer at once when memory does not suffice."""
        while True:
            size = self._slice_tiles
            try:
                trunk = [self._network.trunk(self._light(part)) for part in tiles.split(size)]
                return self._network.head(torch.cat(trunk)).float()
            except RuntimeError as error:
                if not _is_full(error) or size == 1:
                    raise
            # Outside of the handler, for the error keeps the tensors that were in the way.
            with self._shrinking:
                if self._slice_tiles == size:
                    self._slice_tiles = size // 2
                    say(f"features: memory is full; {size // 2} tiles at once from here on")
            torch.cuda.empty_cache()

    def _light(self, tiles: torch.Tensor) -> torch.Tensor:
        """Tiles as the weights expect them, channels last in memory."""
        light = tiles.permute(0, 3, 1, 2).float()
        return light.sub_(self._mean).div_(self._std).to(self._dtype)

    def _try(self, side: int) -> None:
        """Refuse tiles that the network cannot take, before a batch has begun."""
        tile = torch.full((1, side, side, 3), 255, dtype=torch.uint8)
        try:
            shape = self.encode([tile]).shape
        except (AssertionError, RuntimeError, ValueError) as error:
            raise InputError(
                f"spots: tile_px: {self.name} does not take tiles of {side} px "
                f"({' '.join(str(error).split())[:200]})"
            ) from None
        if len(shape) != 2:
            raise InputError(
                f"{self.name} gives {tuple(shape[1:])} numbers a tile, not one vector; set "
                "global_pool (token or avg) in model_args of its config.json"
            )

    def _place_does_not_matter(self, side: int) -> bool:
        """Whether a tile's features are the same, bit for bit, at any place in a group."""
        draw = torch.Generator().manual_seed(0)
        shape = (self.group_tiles, side, side, 3)
        tiles = torch.randint(0, 256, shape, generator=draw, dtype=torch.uint8)
        turned = torch.randperm(len(tiles), generator=draw)
        return torch.equal(self.encode([tiles])[turned], self.encode([tiles[turned]]))


@contextmanager
def _memory(device: torch.device) -> Iterator[None]:
    """One message where memory does not suffice for what a block does."""
    try:
        yield
    except RuntimeError as error:
        if not _is_full(error):
            raise
        on_cpu = device.type == "cpu"
        mend = "use fewer threads" if on_cpu else "set CUDA_VISIBLE_DEVICES= to compute on the CPU"
        raise InputError(
            f"features: {'this machine' if on_cpu else 'the GPU'} has not enough free memory for "
            f"the encoder; free some, or {mend}"
        ) from None


def _is_full(error: RuntimeError) -> bool:
    """Whether memory did not suffice; some libraries say it in words only."""
    told = ("ALLOC_FAILED", "allocate memory", "out of memory")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in told)


def _network(header: dict, state: dict[str, torch.Tensor], layer: str, relu: str) -> Network:
    if header["encoder"] == "vgg16":
        return vgg16(state, layer, relu)
    library = "torchvision" if header["encoder"].startswith("torchvision/") else "timm"
    name = header.get("architecture") or header["encoder"].partition("/")[2]
    model = filled(library, name, header["arguments"], header.get("pretrained_cfg"), state)
    return without_head(model, library, name, header["pooling"])


def _supported(precision: str, device: torch.device) -> str:
    """The precision that is used where another may be wished for.

    Raises
    ------
    InputError
        bf16 is asked for and the hardware has none.
    """
    is_there = has_bf16(device)
    if precision == "bf16" and not is_there:
        raise InputError(
            "features: precision: this machine has no bf16; set auto (or fp32) in the config"
        )
    return "bf16" if is_there and precision != "fp32" else "fp32"
