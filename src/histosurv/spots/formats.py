"""Pictures that are no slides, as 8-bit RGB: what every odd kind of pixel becomes.

=====================  ==========================================================================
kind                   becomes
=====================  ==========================================================================
grey, bilevel          three equal channels
palette                the colours of the palette
16 bits a channel      the upper eight bits, in grey and in colour
CMYK, YCbCr            RGB by plain arithmetic, or by the embedded profile where that is asked for
transparent pixels     laid on white, the colour of glass
EXIF or TIFF turn      carried out: width and height are those a viewer shows
several frames         the first
float, 32 bits, CIELab  refused by name
=====================  ==========================================================================
"""

import io
import re

import numpy as np
import tifffile
from PIL import Image, ImageCms

from histosurv.errors import InputError

MAX_PIXELS = 100_000_000  # of one picture: 10,000 px a side, 1.4 GB with all that is made of it
FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF", "JPEG2000", "PPM")
Image.MAX_IMAGE_PIXELS = None  # `refuse_large` decides, before a pixel is decoded

_BITS, _ORIENTATION = 258, 274  # TIFF tags
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MICROMETRES = {2: 25_400.0, 3: 10_000.0}  # of TIFF's resolution units


def open_plain(image: str) -> Image.Image:
    """Open a picture and look at its header only."""
    Image.init()
    return Image.open(image, formats=FORMATS)


def refuse_large(image: str, width: int, height: int) -> None:
    """Stop before a picture is decoded that would fill the memory."""
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{image}: {width} x {height} px at once is no single spot (limit "
            f"{MAX_PIXELS // 10**6} megapixels); give the spot's region, or save the slide as a "
            "tiled pyramid"
        )


def orientation(picture: Image.Image) -> int:
    """EXIF's number of the turn a viewer makes, 1 = none.

    Of a PNG only what precedes the pixels is looked at: more would mean to decode it.
    """
    if picture.format == "PNG" and "exif" not in picture.info:
        return 1
    turn = picture.getexif().get(_ORIENTATION, 1)
    return turn if turn in _TRANSPOSED else 1


def decode(image: str, picture: Image.Image, *, use_profile: bool) -> Image.Image:
    """Decode a picture to 8-bit RGB, turned upright.

    Parameters
    ----------
    image : str
        Its path.
    picture : PIL.Image.Image
        From `open_plain`, perhaps in draft mode.
    use_profile : bool
        Convert to sRGB by the embedded colour profile, where there is one.

    Raises
    ------
    InputError
        A kind of pixel that has no plain meaning as a colour.
    """
    refuse_large(image, *picture.size)
    profile, turn = picture.info.get("icc_profile"), orientation(picture)
    if picture.format == "TIFF" and _needs_tifffile(picture):
        picture = Image.fromarray(_from_tifffile(image))
    picture.load()
    if turn in _TRANSPOSED:
        picture = picture.transpose(_TRANSPOSED[turn])
    if picture.mode.startswith("I"):
        picture = _upper_byte(image, picture)
    if picture.mode in ("F", "LAB"):
        raise InputError(
            f"{image}: pixels are {'float' if picture.mode == 'F' else 'CIELab'}; save it as RGB "
            "with 8 bits per channel"
        )
    if picture.has_transparency_data:
        picture = on_white(picture.convert("RGBA"))
    if use_profile and profile:
        picture = to_srgb(picture, profile)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def on_white(picture: Image.Image) -> Image.Image:
    """Lay a picture with transparency on white, the colour of glass."""
    white = Image.new("RGB", picture.size, (255, 255, 255))
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Convert by a colour profile; one that does not fit the pixels changes nothing."""
    if picture.mode not in ("L", "RGB", "CMYK"):
        picture = picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return picture


def plain_mpp(picture: Image.Image) -> float | None:
    """Micrometres per pixel as OME's description or a TIFF's resolution states them.

    The dots per inch of a JPEG or PNG are a habit of cameras and programs, and are not used.
    """
    described = str(_tag(picture, 270) or "")
    ome = re.search(r'PhysicalSizeX="([0-9.eE+-]+)"', described)
    unit = re.search(r'PhysicalSizeXUnit="([^"]+)"', described)
    # Pillow reads the description as Latin-1, which makes two letters of the micro sign.
    is_um = unit is None or re.fullmatch("(u|µ|\u03bc|Âµ|Î¼)m", unit[1])
    if "<OME" in described and ome and is_um:
        return float(ome[1])
    resolution, unit = _tag(picture, 282), _tag(picture, 296)
    if resolution and unit in _MICROMETRES and float(resolution) > 0:
        return _MICROMETRES[unit] / float(resolution)
    return None


def _tag(picture: Image.Image, number: int) -> object:
    tags = getattr(picture, "tag_v2", None)
    return tags.get(number) if tags is not None else None


def _needs_tifffile(picture: Image.Image) -> bool:
    """Whether Pillow is known to misread it: deep or float channels lying plane by plane."""
    bits = _tag(picture, _BITS) or (1,)
    return max(map(int, bits if isinstance(bits, tuple) else (bits,))) > 8


def _from_tifffile(image: str) -> np.ndarray:
    with tifffile.TiffFile(image) as file:
        page = file.pages[0]
        try:
            values = page.asarray()
        except ValueError as error:
            raise InputError(
                f"{image}: {' '.join(str(error).split())}; save it uncompressed or with 8 bits"
            ) from None
        if values.dtype != np.uint16:
            raise InputError(f"{image}: pixels are {values.dtype}; save it with 8 bits per channel")
        photometric = page.photometric.name
        if page.axes.startswith("S"):
            values = np.moveaxis(values, 0, -1)
    values = (values >> 8).astype(np.uint8)
    if photometric == "MINISWHITE":
        return 255 - values
    if photometric in ("MINISBLACK", "RGB") and values.ndim in (2, 3):
        return values if values.ndim == 2 else np.ascontiguousarray(values[..., :3])
    raise InputError(f"{image}: 16-bit {photometric.lower()} pixels; save it as 8-bit RGB")


def _upper_byte(image: str, picture: Image.Image) -> Image.Image:
    values = np.asarray(picture)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise InputError(f"{image}: pixels have 32 bits; save it with 8 bits per channel")
    return Image.fromarray((values >> 8).astype(np.uint8))
