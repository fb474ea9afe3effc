"""Pixels of a spot as 8-bit RGB, from a plain image or a region of a slide.

Whatever a converter would do in silence is done on purpose or refused by name: grey becomes three
equal channels, a transparent pixel becomes white, the turn asked for by EXIF is made, CMYK and
16-bit colour are converted to 8-bit RGB; 16-bit grey, float and damaged files are refused. Of a
slide file only the pyramid is read, never its label or macro picture.
"""

import hashlib
from pathlib import Path

import numpy as np
import openslide
from PIL import Image, ImageOps

from histosurv.errors import InputError

MAX_REGION_PX = 20_000  # side of the largest region that is taken into memory
Image.MAX_IMAGE_PIXELS = MAX_REGION_PX**2  # Pillow's own limit is below it


def read_spot(image: str, region: tuple[int, int, int, int] | None = None) -> np.ndarray:
    """Read one spot.

    Parameters
    ----------
    image : str
        Path of a plain image or of a slide that OpenSlide knows.
    region : tuple of int, optional
        ``x, y, width, height`` in pixels of the full resolution; the whole image without it.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, RGB.

    Raises
    ------
    InputError
        The file cannot be decoded, or the region does not lie inside the image.
    """
    try:
        if openslide.OpenSlide.detect_format(image):
            picture = _from_slide(image, region)
        else:
            picture = _from_image(image, region)
    except InputError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _unreadable(image, error) from None
    except openslide.OpenSlideError as error:
        raise _unreadable(image, error) from None
    return np.asarray(picture)


def image_sha256(image: str) -> str:
    """SHA-256 of an image file, so that a replaced picture is noticed."""
    with Path(image).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _from_slide(image: str, region: tuple[int, int, int, int] | None) -> Image.Image:
    with openslide.OpenSlide(image) as slide:
        x, y, width, height = region or (0, 0, *slide.dimensions)
        _refuse_outside(image, (x, y, width, height), slide.dimensions)
        return _on_white(slide.read_region((x, y), 0, (width, height)))


def _from_image(image: str, region: tuple[int, int, int, int] | None) -> Image.Image:
    with Image.open(image) as picture:
        if picture.mode.startswith("I") or picture.mode == "F":
            raise InputError(
                f"{image}: 16-bit grey or float picture; save it with 8 bits per channel"
            )
        if not region:
            _refuse_outside(image, (0, 0, *picture.size), picture.size)
        picture = ImageOps.exif_transpose(picture)
        if picture.has_transparency_data:
            picture = _on_white(picture.convert("RGBA"))
        picture = picture.convert("RGB")
    if region:
        x, y, width, height = region
        _refuse_outside(image, region, picture.size)
        picture = picture.crop((x, y, x + width, y + height))
    return picture


def _on_white(picture: Image.Image) -> Image.Image:
    """Lay a picture with transparency on white, the colour of glass."""
    white = Image.new("RGB", picture.size, (255, 255, 255))
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def _refuse_outside(image: str, region: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    x, y, width, height = region
    if x + width > size[0] or y + height > size[1]:
        raise InputError(
            f"{image}: region x={x} y={y} width={width} height={height} leaves the image of "
            f"{size[0]} x {size[1]} px; correct the spot table"
        )
    if max(width, height) > MAX_REGION_PX:
        raise InputError(
            f"{image}: {width} x {height} px is no single spot (limit {MAX_REGION_PX} px a side); "
            "give the spot's region as x, y, width, height in the spot table"
        )


def _unreadable(image: str, error: Exception) -> InputError:
    what = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{image}: cannot be decoded ({what}); bring an undamaged copy")
