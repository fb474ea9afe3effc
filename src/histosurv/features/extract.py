"""From tiles to features, a batch of spots at a time.

Threads that decode, threads that compute and one that writes work on different spots at once; what
is in memory is a few spots, however many the batch has.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from histosurv.cohort.tables import REGION
from histosurv.errors import InputError
from histosurv.features.encoders import Encoder
from histosurv.features.index import index_of
from histosurv.features.store import is_current, spot_file, write_features
from histosurv.features.throughput import Clock
from histosurv.parallel import ordered_map
from histosurv.progress import say, track
from histosurv.publish import clear_partials
from histosurv.spots.preparation import SpotSettings, encoded_tiles, in_sequence
from histosurv.spots.reader import PictureShelf, image_sha256

PLACE = (*REGION, "mpp")
MOST_UNWRITTEN = 4  # spots that may wait for a slow disk


@dataclass(eq=False)
class Cut:
    """One spot on its way.

    Attributes
    ----------
    spot_id : str
        Its name.
    path : pathlib.Path
        File to write.
    known : dict
        What the file says of its origin.
    coords : numpy.ndarray
        (n_tiles, 2) int, pixels of the full resolution.
    tiles : torch.Tensor
        (n_distinct, side, side, 3) uint8; nothing where the file there is already the right one.
    places : numpy.ndarray
        (n_tiles,) int: which of the distinct tiles each tile is.
    parts : list of torch.Tensor
        Features of the distinct tiles, as far as they are computed.
    """

    spot_id: str
    path: Path
    known: dict
    coords: np.ndarray
    tiles: torch.Tensor = field(default_factory=lambda: torch.empty(0))
    places: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    parts: list[torch.Tensor] = field(default_factory=list)


Share = tuple[Cut, torch.Tensor]  # some of a spot's tiles


def extract(
    spots: pd.DataFrame,
    tiles: pd.DataFrame,
    encoder: Encoder,
    store: Path,
    settings: SpotSettings,
    *,
    dtype: str = "float32",
    threads: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute what is missing of a batch's features.

    Parameters
    ----------
    spots, tiles : pandas.DataFrame
        Spot table and tile table of the batch, as from `histosurv.spots.tile_table`.
    encoder : Encoder
        The network.
    store : pathlib.Path
        Folder of the feature files. A file that is undamaged and of the same recipe, image and
        tiles is taken over; anything else is computed and replaced.
    settings : SpotSettings
        How spots are cut.
    dtype : {'float32', 'float16'}
        How features are kept.
    threads : int
        Cores to use; they do not change a number.

    Returns
    -------
    index : pandas.DataFrame
        ``spot_id, status, reason, file, n_tiles, n_features, sha256``. A spot that cannot be used
        has the status ``excluded`` and no file.
    throughput : pandas.DataFrame
        One row, as in `histosurv.features.throughput`.

    Raises
    ------
    InputError
        The tables are of two batches, a picture changed since it was cut, or there is no room.
    """
    on_cpu = encoder.device.type == "cpu"
    workers = threads if on_cpu else 2  # on the GPU one copies while the other computes
    readers = max(1, threads // 2) if on_cpu else threads
    job = _Job(tiles, encoder, store, settings, dtype)
    clear_partials(store)
    usable = spots[spots["usable"] == 1]
    strange = usable.loc[~usable["spot_id"].isin(job.tables), "spot_id"]
    if len(strange):
        raise InputError(
            f"--tiles: has no tiles of spot {strange.iloc[0]!r} of --quality; give the two tables "
            "of one batch"
        )
    n_computed = 0
    unwritten: list[Future] = []
    with track(None, "features", "tile", total=len(tiles)) as bar, ThreadPoolExecutor(1) as disk:
        missing = job.missing(ordered_map(job.bring, usable.to_dict("records"), readers), bar)
        groups = _groups(missing, encoder.group_tiles, packs=encoder.packs_spots)
        for group, parts in ordered_map(job.encode, groups, workers, ahead=2):
            for (spot, _), part in zip(group, parts, strict=True):
                spot.parts.append(part)
                bar.update(len(part))
                if sum(map(len, spot.parts)) < len(spot.tiles):
                    continue
                bar.update(len(spot.coords) - len(spot.tiles))
                spot.tiles = torch.empty(0)  # a view would keep all of them
                n_computed += 1
                unwritten.append(disk.submit(job.write, spot))
                while len(unwritten) > MOST_UNWRITTEN:
                    unwritten.pop(0).result()
        for future in unwritten:
            future.result()
    job.clock.add("spots", n_computed)
    job.clock.add("taken_over", len(usable) - n_computed)
    say(
        f"features: {n_computed} spots computed, {len(usable) - n_computed} taken over, "
        f"{len(spots) - len(usable)} excluded"
    )
    return index_of(spots, store), job.clock.row(encoder, threads, workers)


class _Job:
    """What the threads of a batch do, and what they share."""

    def __init__(
        self,
        tiles: pd.DataFrame,
        encoder: Encoder,
        store: Path,
        settings: SpotSettings,
        dtype: str,
    ) -> None:
        self.tables = dict(iter(tiles.groupby("spot_id")))
        self.encoder = encoder
        self.store = store
        self.settings = settings
        self.dtype = dtype
        self.shelf = PictureShelf()
        self.clock = Clock()

    def _recipe(self) -> dict[str, str]:
        return self.encoder.recipe | self.settings.recipe() | {"stored": self.dtype}

    def bring(self, spot: dict) -> Cut:
        """A spot with its tiles; without, where the right features are there already."""
        with self.clock.of("decode"):
            table = self.tables[spot["spot_id"]]
            is_kept = table["keep"].to_numpy() == 1
            is_used = in_sequence(table, self.settings.background)
            corners = table[["x", "y"]].to_numpy(float)
            place = [None if pd.isna(spot[name]) else float(spot[name]) for name in PLACE]
            brought = Cut(
                spot_id=spot["spot_id"],
                path=spot_file(self.store, spot["spot_id"]),
                known={
                    "recipe": self._recipe(),
                    "image_sha256": image_sha256(spot["image"]),
                    "place": json.dumps(place),
                },
                coords=corners[is_used].round().astype(np.int64),
            )
            if is_current(brought.path, brought.coords, **brought.known):
                return brought
            tiles = encoded_tiles(spot, corners, is_used, self.shelf, self.settings)
            if image_sha256(spot["image"]) != brought.known["image_sha256"]:
                raise InputError(f"{spot['image']}: was replaced while it was read; run again")
            is_glass = ~is_kept[is_used] & (self.settings.background == "once")
            firsts, brought.places = _distinct(tiles, is_glass)
            brought.tiles = torch.from_numpy(tiles[firsts] if len(firsts) < len(tiles) else tiles)
            if self.encoder.device.type != "cpu":
                brought.tiles = brought.tiles.pin_memory()
            return brought

    def missing(self, spots: Iterable[Cut], bar: tqdm) -> Iterator[Cut]:
        """Spots that must be computed."""
        for spot in spots:
            if len(spot.tiles):
                self.clock.add("tiles", len(spot.coords))
                self.clock.add("distinct_tiles", len(spot.tiles))
                yield spot
            else:
                bar.update(len(spot.coords))

    def encode(self, group: list[Share]) -> tuple[list[Share], Sequence[torch.Tensor]]:
        """A group with the features of each share."""
        with self.clock.of("compute"):
            features = self.encoder.encode([tiles for _, tiles in group])
        return group, features.split([len(tiles) for _, tiles in group])

    def write(self, spot: Cut) -> None:
        """Publish the features of a spot."""
        with self.clock.of("write"):
            features = torch.cat(spot.parts).numpy().astype(self.dtype)[spot.places]
            side_level0 = float(self.tables[spot.spot_id]["size_px"].iloc[0])
            side = (self.settings.geometry.tile_px, side_level0)
            # A full GPU may have made the batches smaller meanwhile.
            known = spot.known | {"recipe": self._recipe()}
            write_features(spot.path, features, spot.coords, tile_px=side, **known)


def _distinct(tiles: np.ndarray, is_glass: np.ndarray) -> tuple[list[int], np.ndarray]:
    """First of each kind of tile, and the kind of every tile: blank ones are encoded once."""
    kinds: dict[bytes, int] = {}
    firsts: list[int] = []
    places = np.empty(len(tiles), int)
    for number, (tile, glass) in enumerate(zip(tiles, is_glass, strict=True)):
        key = b"glass" if glass else hashlib.sha256(tile).digest()
        if key not in kinds:
            kinds[key] = len(firsts)
            firsts.append(number)
        places[number] = kinds[key]
    return firsts, places


def _groups(cuts: Iterable[Cut], size: int, *, packs: bool) -> Iterator[list[Share]]:
    """Tiles that travel together: of one spot, or, where that changes no number, of several."""
    group: list[Share] = []
    room = size
    for spot in cuts:
        start = 0
        while start < len(spot.tiles):
            share = spot.tiles[start : start + room]
            group.append((spot, share))
            start, room = start + len(share), room - len(share)
            if not room or (start == len(spot.tiles) and not packs):
                yield group
                group, room = [], size
    if group:
        yield group
