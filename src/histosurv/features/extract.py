"""From tiles to features, a batch of spots at a time.

Threads that decode, threads that compute and one that writes work on different spots at once; what
is in memory is a few spots, however many the batch has.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from histosurv.cohort.tables import REGION
from histosurv.errors import InputError
from histosurv.features.encoders import Encoder
from histosurv.features.store import file_sha256, is_current, shape_of, spot_file, write_features
from histosurv.features.throughput import Clock
from histosurv.parallel import ordered_map
from histosurv.progress import say, track
from histosurv.publish import partial_name
from histosurv.spots.preparation import SpotSettings, final, lay, region_of, scale_of
from histosurv.spots.reader import PictureShelf, image_sha256
from histosurv.spots.tiling import cut

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
    tiles: torch.Tensor
    places: np.ndarray
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
    """
    _refuse_tile_px(settings, encoder)
    clock = Clock()
    on_cpu = encoder.device.type == "cpu"
    workers = threads if on_cpu else 2  # on the GPU one copies while the other computes
    readers = max(1, threads // 8) if on_cpu else threads
    tables = dict(iter(tiles.groupby("spot_id")))
    usable = spots[spots["usable"] == 1]
    shelf = PictureShelf()
    recipe = encoder.recipe | settings.recipe() | {"stored": dtype}

    def bring(spot: dict) -> Cut:
        with clock.of("decode"):
            return _cut(spot, tables[spot["spot_id"]], shelf, store, settings, recipe, on_cpu)

    def encode(group: list[Share]) -> tuple[list[Share], torch.Tensor]:
        with clock.of("compute"):
            return group, encoder.encode([tiles for _, tiles in group])

    def write(spot: Cut) -> None:
        with clock.of("write"):
            features = torch.cat(spot.parts).numpy().astype(dtype)[spot.places]
            side = (settings.geometry.tile_px, float(tables[spot.spot_id]["size_px"].iloc[0]))
            write_features(spot.path, features, spot.coords, tile_px=side, **spot.known)

    n_computed = 0
    unwritten: list[Future] = []
    cuts = ordered_map(bring, usable.to_dict("records"), readers)
    with track(None, "features", "tile", total=len(tiles)) as bar, ThreadPoolExecutor(1) as disk:
        missing = _missing(cuts, bar, clock)
        groups = _groups(missing, encoder.group_tiles, packs=encoder.packs_spots)
        for group, features in ordered_map(encode, groups, workers, ahead=2):
            for (spot, _), part in zip(
                group, features.split([len(tiles) for _, tiles in group]), strict=True
            ):
                spot.parts.append(part)
                bar.update(len(part))
                if sum(map(len, spot.parts)) < len(spot.tiles):
                    continue
                bar.update(len(spot.coords) - len(spot.tiles))
                spot.tiles = torch.empty(0)  # a view would keep all of them
                n_computed += 1
                unwritten.append(disk.submit(write, spot))
                while len(unwritten) > MOST_UNWRITTEN:
                    unwritten.pop(0).result()
        for future in unwritten:
            future.result()
    shelf.close()
    clock.add("spots", n_computed)
    clock.add("taken_over", len(usable) - n_computed)
    say(
        f"features: {n_computed} spots computed, {len(usable) - n_computed} taken over, "
        f"{len(spots) - len(usable)} excluded"
    )
    return index_of(spots, store), clock.row(encoder, threads, workers)


def index_of(spots: pd.DataFrame, store: Path) -> pd.DataFrame:
    """Index of a batch: every spot with its file, its size and its hash, or why it has none."""
    rows = []
    for spot in spots.to_dict("records"):
        if spot.get("usable", 1) != 1:
            rows.append((spot["spot_id"], "excluded", spot["message"], "", 0, 0, ""))
            continue
        path = spot_file(store, spot["spot_id"])
        rows.append((spot["spot_id"], "done", "", path.name, *shape_of(path), file_sha256(path)))
    columns = ["spot_id", "status", "reason", "file", "n_tiles", "n_features", "sha256"]
    return pd.DataFrame(rows, columns=columns)


def _cut(
    spot: dict,
    table: pd.DataFrame,
    shelf: PictureShelf,
    store: Path,
    settings: SpotSettings,
    recipe: dict,
    on_cpu: bool,
) -> Cut:
    """Tiles of a spot whose features are missing; no tiles where they are there."""
    is_kept = table["keep"].to_numpy() == 1
    is_used = is_kept | (settings.background != "drop")
    corners = table[["x", "y"]].to_numpy(float)
    place = [None if pd.isna(spot[name]) else spot[name] for name in (*REGION, "mpp")]
    cut_spot = Cut(
        spot_id=spot["spot_id"],
        path=spot_file(store, spot["spot_id"]),
        known={
            "recipe": recipe,
            "image_sha256": image_sha256(spot["image"]),
            "place": json.dumps(place),
        },
        coords=corners[is_used].round().astype(np.int64),
        tiles=torch.empty(0),
        places=np.empty(0, int),
    )
    if is_current(cut_spot.path, cut_spot.coords, **cut_spot.known):
        partial_name(cut_spot.path).unlink(missing_ok=True)  # of a job that was killed
        return cut_spot
    picture = shelf.open(spot["image"], use_profile=settings.colour_profile == "srgb")
    region, scale = region_of(spot, picture), scale_of(spot, picture)
    pixels, frame = lay(spot, picture, region, scale, settings)
    laid = frame.level0(region[:2])
    if laid.shape != corners.shape or not np.allclose(laid, corners, atol=0.01):
        raise InputError(
            f"{spot['image']}: is another picture than the one that was cut into tiles; run the "
            "step `tiles` again"
        )
    pixels = final(pixels, frame, settings)
    tiles = cut(pixels, frame.corners[is_used], frame.tile_px)
    glass = ~is_kept[is_used] & (settings.background == "once")
    firsts, cut_spot.places = _distinct(tiles, glass)
    if len(firsts) < len(tiles):
        tiles = tiles[firsts]
    cut_spot.tiles = torch.from_numpy(tiles)
    if not on_cpu:
        cut_spot.tiles = cut_spot.tiles.pin_memory()
    return cut_spot


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


def _missing(cuts: Iterable[Cut], bar, clock: Clock) -> Iterator[Cut]:
    """Spots that must be computed."""
    for spot in cuts:
        if len(spot.tiles):
            clock.add("tiles", len(spot.coords))
            clock.add("distinct_tiles", len(spot.tiles))
            yield spot
        else:
            bar.update(len(spot.coords))


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


def _refuse_tile_px(settings: SpotSettings, encoder: Encoder) -> None:
    side = settings.geometry.tile_px
    if encoder.tile_px not in (0, side):
        raise InputError(
            f"spots: tile_px: {side} px; {encoder.recipe['encoder']} takes tiles of "
            f"{encoder.tile_px} px only"
        )
