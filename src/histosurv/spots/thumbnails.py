"""Small plain pictures of spots, for the report: colours as scanned, and nothing drawn on them.

Those of a batch lie in one ZIP. Its members are numbered, for an id may be no file name; the member
``index.csv`` (``spot_id, name``) tells whose they are.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from histosurv.errors import InputError
from histosurv.publish import write_archive
from histosurv.spots.reader import Picture, Region

SIDE_PX = 256
INDEX = "index.csv"


def make_thumbnail(pixels: np.ndarray, region: Region) -> bytes:
    """Draw a spot small.

    Parameters
    ----------
    pixels : numpy.ndarray
        (height, width, 3) uint8, the region at any resolution, not padded.
    region : tuple of int
        Left, top, width and height of the spot in pixels of the image's full resolution.

    Returns
    -------
    bytes
        JPEG, its longer side `SIDE_PX`, or less where there are fewer pixels. It shows the region
        and nothing else: what lies at x of the image is at ``(x - left) / width`` of it.
    """
    size = _small(region, min(SIDE_PX, max(pixels.shape[:2])))
    picture = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    return to_jpeg(picture)


def peek(picture: Picture, region: Region) -> bytes | None:
    """Thumbnail of a spot that is not read otherwise; None where it cannot be."""
    try:
        return make_thumbnail(picture.read(region, _small(region, SIDE_PX)), region)
    except InputError:
        return None


def to_jpeg(picture: Image.Image, quality: int = 80) -> bytes:
    """Encode a small picture."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def from_jpeg(content: bytes) -> Image.Image:
    """Decode a small picture."""
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def write_thumbnails(thumbnails: dict[str, bytes], path: Path) -> None:
    """Write the thumbnails of a batch.

    Parameters
    ----------
    thumbnails : dict of str to bytes
        JPEG by spot.
    path : pathlib.Path
        The ZIP; the same thumbnails give the same bytes.
    """
    names = {spot_id: f"{number:04d}.jpg" for number, spot_id in enumerate(thumbnails)}
    index = io.StringIO(newline="")
    # All in quotes: an id may hold whatever ends a line.
    rows = csv.writer(index, quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerows([("spot_id", "name"), *names.items()])
    pictures = {names[spot_id]: jpeg for spot_id, jpeg in thumbnails.items()}
    write_archive({INDEX: index.getvalue().encode()} | pictures, path)


class Thumbnails:
    """Thumbnails of many batches, each read when it is asked for.

    Parameters
    ----------
    paths : iterable of pathlib.Path
        Archives of `write_thumbnails`.

    Raises
    ------
    InputError
        When it is asked: an archive is missing or damaged.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(paths)
        self._held: Path | None = None
        self._members: dict[str, bytes] = {}

    def picture(self, spot_id: str) -> Image.Image | None:
        """The picture of a spot; None where the spot could not be read."""
        content = self.jpeg(spot_id)
        return None if content is None else from_jpeg(content)

    def jpeg(self, spot_id: str) -> bytes | None:
        """The same as the bytes of a JPEG file, for a page."""
        if spot_id not in self._places:
            return None
        path, name = self._places[spot_id]
        if path != self._held:
            # All of one archive, and of no other: opening it anew for every spot takes longer.
            with _opened(path) as archive:
                self._members = {name: archive.read(name) for name in archive.namelist()}
            self._held = path
        return self._members[name]

    @cached_property
    def _places(self) -> dict[str, tuple[Path, str]]:
        """Archive and member of every spot."""
        places = {}
        for path in self._paths:
            with _opened(path) as archive:
                text = io.StringIO(archive.read(INDEX).decode(), newline="")
            for row in csv.DictReader(text):
                places[row["spot_id"]] = path, row["name"]
        return places


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: no readable archive of thumbnails ({error}); mend it with: snakemake "
            "--forcerun tiles"
        ) from None


def _small(region: Region, side_px: int) -> tuple[int, int]:
    """Width and height of a region whose longer side is not longer than that."""
    scale = min(1.0, side_px / max(region[2:]))
    return tuple(max(1, round(length * scale)) for length in region[2:])
