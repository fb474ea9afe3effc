"""One way to read pixels, from any slide scanner's file and from any plain picture.

Whatever a converter would do in silence is done on purpose (`histosurv.spots.formats` lists it).
Of a slide only the pyramid is read, never its label or macro picture.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import local

import numpy as np
import openslide
from PIL import Image, UnidentifiedImageError

from histosurv.errors import InputError
from histosurv.files import file_sha256
from histosurv.progress import track
from histosurv.spots.formats import (
    decode,
    on_white,
    open_plain,
    orientation,
    plain_mpp,
    refuse_large,
    to_srgb,
)

PLAUSIBLE_MPP = (0.05, 20.0)  # micrometres per pixel; files state 0, 352.9 and worse
BLOCK_PX = 4096  # a slide is walked through in squares of this side

_SIDES = ("width", "height")

Region = tuple[int, int, int, int]


class Picture(ABC):
    """An opened image; sizes and regions in pixels of its full resolution.

    Attributes
    ----------
    path : str
        Its file.
    size : tuple of int
        Width and height.
    stated_mpp : float or None
        Micrometres per pixel as the file states them, plausible or not.
    """

    path: str
    size: tuple[int, int]
    stated_mpp: float | None = None

    @abstractmethod
    def read(self, region: Region, size: tuple[int, int]) -> np.ndarray:
        """Pixels of a region, resampled to a size: (height, width, 3) uint8, RGB."""

    @abstractmethod
    def thumbnail(self, max_px: int) -> np.ndarray:
        """The whole picture as RGB, its longer side at most `max_px`."""

    @abstractmethod
    def close(self) -> None:
        """Give file and memory back."""

    def mpp(self) -> float | None:
        """Micrometres per pixel, if the file states something plausible."""
        low, high = PLAUSIBLE_MPP
        stated = self.stated_mpp
        return stated if stated is not None and low <= stated <= high else None

    def _refuse_outside(self, region: Region) -> None:
        x, y, width, height = region
        if min(x, y) < 0 or x + width > self.size[0] or y + height > self.size[1]:
            raise InputError(
                f"{self.path}: region x={x} y={y} width={width} height={height} leaves the image "
                f"of {self.size[0]} x {self.size[1]} px; correct the region",
                code="wrong_region",
            )


def open_picture(path: str, *, use_profile: bool = False) -> Picture:
    """Open a slide or a plain picture.

    Parameters
    ----------
    path : str
        The file.
    use_profile : bool
        Convert colours to sRGB by the embedded profile; without it values are as stored.

    Raises
    ------
    InputError
        The file is no picture, or a damaged one.
    """
    with _told(path):
        vendor = openslide.OpenSlide.detect_format(path)
        if not vendor:
            return PlainPicture(path, use_profile=use_profile)
        try:
            return SlidePicture(path, use_profile=use_profile)
        except openslide.OpenSlideError as error:
            if vendor != "generic-tiff":
                raise
            try:  # a tiled TIFF that OpenSlide refuses may be readable as a plain one
                return PlainPicture(path, use_profile=use_profile)
            except InputError:
                raise error from None


@contextmanager
def opened(path: str, *, use_profile: bool = False) -> Iterator[Picture]:
    """`open_picture` for a ``with`` block."""
    picture = open_picture(path, use_profile=use_profile)
    try:
        yield picture
    finally:
        picture.close()


class PictureShelf(local):
    """The picture that a thread read last, kept open, for spots often share a slide."""

    picture: Picture | None = None
    state: tuple = ()

    def open(self, path: str, *, use_profile: bool) -> Picture:
        """Open a picture, or take the one that is open, unless its file was replaced."""
        now = Path(path).stat() if Path(path).exists() else None
        state = (path, now and now.st_size, now and now.st_mtime_ns)
        if self.picture is None or self.state != state:
            self.close()
            self.picture, self.state = open_picture(path, use_profile=use_profile), state
        return self.picture

    def close(self) -> None:
        """Close what is open."""
        if self.picture is not None:
            self.picture.close()
        self.picture = None


class SlidePicture(Picture):
    """A file that OpenSlide knows.

    A handle that has failed once stays failed, so it is closed and the next reading opens anew.
    """

    def __init__(self, path: str, *, use_profile: bool = False) -> None:
        self.path = path
        self._slide = openslide.OpenSlide(path)
        tile = [self._slide.properties.get(f"openslide.level[0].tile-{s}") for s in _SIDES]
        refuse_large(path, *(int(side or 0) for side in tile))  # OpenSlide decodes tiles whole
        self.size = self._slide.dimensions
        stated = self._slide.properties.get(openslide.PROPERTY_NAME_MPP_X)
        self.stated_mpp = float(stated) if stated else None
        profile = self._slide.color_profile
        self._profile = profile.tobytes() if profile is not None and use_profile else None

    def read(self, region: Region, size: tuple[int, int]) -> np.ndarray:
        """Read from the level that is just fine enough."""
        self._refuse_outside(region)
        x, y, width, height = region
        slide = self._handle()
        downsample = max(1.0, min(width / size[0], height / size[1]))
        level = slide.get_best_level_for_downsample(downsample * 1.001)
        factor = slide.level_downsamples[level]
        at_level = (max(1, round(width / factor)), max(1, round(height / factor)))
        refuse_large(self.path, *at_level)
        return np.asarray(_resampled(self._pixels((x, y), level, at_level), size))

    def thumbnail(self, max_px: int) -> np.ndarray:
        """Read block by block, for a slide without a pyramid may have ten billion pixels."""
        scale = min(1.0, max_px / max(self.size))
        target = tuple(max(1, round(length * scale)) for length in self.size)
        slide = self._handle()
        level = slide.get_best_level_for_downsample(1.001 / scale)
        factor = slide.level_downsamples[level]
        width, height = slide.level_dimensions[level]
        whole = Image.new("RGB", target, (255, 255, 255))
        blocks = [(x, y) for y in range(0, height, BLOCK_PX) for x in range(0, width, BLOCK_PX)]
        for x, y in track(blocks, "overview", "block") if len(blocks) > 64 else blocks:
            size = (min(BLOCK_PX, width - x), min(BLOCK_PX, height - y))
            place = [
                round(at * target[i % 2] / (width, height)[i % 2])
                for i, at in enumerate((x, y, x + size[0], y + size[1]))
            ]
            fitting = (max(1, place[2] - place[0]), max(1, place[3] - place[1]))
            block = self._pixels((round(x * factor), round(y * factor)), level, size)
            whole.paste(block.resize(fitting, Image.Resampling.BOX), (place[0], place[1]))
        return np.asarray(whole)

    def close(self) -> None:
        """Close the handle."""
        if self._slide is not None:
            self._slide.close()
        self._slide = None

    def _handle(self) -> openslide.OpenSlide:
        if self._slide is None:
            with _told(self.path):
                self._slide = openslide.OpenSlide(self.path)
        return self._slide

    def _pixels(self, place: tuple[int, int], level: int, size: tuple[int, int]) -> Image.Image:
        try:
            with _told(self.path):
                pixels = on_white(self._handle().read_region(place, level, size))
        except InputError:
            self.close()
            raise
        return to_srgb(pixels, self._profile) if self._profile else pixels


class PlainPicture(Picture):
    """A JPEG, PNG, TIFF, WebP, ... that is decoded once and cut in memory."""

    def __init__(self, path: str, *, use_profile: bool = False) -> None:
        self.path = path
        self._use_profile = use_profile
        self._pixels: Image.Image | None = None
        with _told(path), open_plain(path) as picture:
            width, height = picture.size
            self.size = (height, width) if orientation(picture) >= 5 else (width, height)
            self.stated_mpp = plain_mpp(picture)

    def read(self, region: Region, size: tuple[int, int]) -> np.ndarray:
        """Decode at the first call, cut at every one."""
        self._refuse_outside(region)
        x, y, width, height = region
        if self._pixels is None:
            with _told(self.path), open_plain(self.path) as picture:
                self._pixels = decode(self.path, picture, use_profile=self._use_profile)
        pixels = self._pixels
        if region != (0, 0, *self.size):
            pixels = pixels.crop((x, y, x + width, y + height))
        return np.asarray(_resampled(pixels, size))

    def thumbnail(self, max_px: int) -> np.ndarray:
        """Decode at once at a lower resolution where the format can."""
        with _told(self.path), open_plain(self.path) as picture:
            if not picture.info.get("progressive"):  # which is held in memory whole all the same
                picture.draft("RGB", (max_px, max_px))  # a JPEG is decoded smaller at once
            pixels = decode(self.path, picture, use_profile=self._use_profile)
            pixels.thumbnail((max_px, max_px))
        return np.asarray(pixels)

    def close(self) -> None:
        """Forget the pixels."""
        self._pixels = None


@lru_cache(maxsize=256)
def _sha256(image: str, size: int, modified_ns: int) -> str:
    return file_sha256(Path(image))


def image_sha256(image: str) -> str:
    """SHA-256 of an image file, so that a replaced picture is noticed; a slide is read once."""
    state = Path(image).stat()
    return _sha256(image, state.st_size, state.st_mtime_ns)


def _resampled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if picture.size == tuple(size):
        return picture
    return picture.resize(size, Image.Resampling.BICUBIC)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what the libraries raise into one line that names the file."""
    try:
        yield
    except UnidentifiedImageError:
        if Path(path).stat().st_size == 0:
            raise InputError(f"{path}: is empty (0 bytes); bring it again") from None
        raise InputError(
            f"{path}: no image of a known kind; bring a slide file, JPEG, PNG, TIFF or WebP"
        ) from None
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - damaged files make decoders raise anything
        # What no decoder should raise is named by its type: it may be an error of ours.
        expected = isinstance(error, (OSError, ValueError, SyntaxError, openslide.OpenSlideError))
        what = " ".join(str(error).split())
        if not expected or not what:
            what = f"{type(error).__name__} {what}".strip()
        raise InputError(f"{path}: cannot be decoded ({what}); bring an undamaged copy") from None
