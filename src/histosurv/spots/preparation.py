"""From a row of the spot table to pixels at the working resolution, with the tiles laid over them.

Both the tile table and the features begin here, so that both see the same pixels.
"""

from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd

from histosurv.cohort.tables import REGION
from histosurv.errors import InputError
from histosurv.spots.reader import Picture, PictureShelf, Region
from histosurv.spots.stain import normalise
from histosurv.spots.tiling import Frame, Geometry, cut, frame
from histosurv.spots.tissue import Masks, find_masks

SMALLEST_VIEW = 0.4  # of a core's diameter: a picture that shows less has a wrong scale
LARGEST_TISSUE = 1.6  # of a core's diameter: tissue that is larger has one, too


@dataclass(frozen=True)
class SpotSettings:
    """The config's ``spots:``.

    Attributes
    ----------
    geometry : Geometry
        How spots are cut.
    background : {'keep', 'once', 'drop'}
        Tiles of bare glass are encoded each, one for all of a spot, or not at all.
    stain : {'none', 'macenko', 'reinhard'}
        Normalisation of colours before encoding.
    colour_profile : {'ignore', 'srgb'}
        What is done with an embedded colour profile.
    core_diameter_um : float
        Diameter of a core, to hold micrometres per pixel against; 0 = not known.
    """

    geometry: Geometry = field(default_factory=Geometry)
    background: str = "keep"
    stain: str = "none"
    colour_profile: str = "ignore"
    core_diameter_um: float = 0.0

    @classmethod
    def of(cls, settings: dict) -> "SpotSettings":
        """Settings from the config's ``spots:``, whose keys are the fields' names."""
        names = {of.name for of in fields(Geometry)}
        own = {key: value for key, value in settings.items() if key not in names}
        geometry = {key: value for key, value in settings.items() if key in names}
        return cls(geometry=Geometry(**geometry), **own)

    def recipe(self) -> dict[str, str]:
        """What decides the pixels that are encoded, for the feature files."""
        g = self.geometry
        return {
            "tiles": f"{g.tile_px} px, fit {g.fit}, grid {g.grid or 'as needed'}, order {g.order}"
            + (f" (seed {g.order_seed})" if g.order == "random" else ""),
            "resolution": f"{g.mpp:g} um/px" if g.mpp else "as scanned",
            "background": self.background,
            "stain": self.stain,
            "colour_profile": self.colour_profile,
        }


@dataclass(frozen=True)
class Scale:
    """Micrometres per pixel of a spot's image.

    Attributes
    ----------
    mpp : float or None
        The value in use; None = not known.
    source : str
        ``table``, ``file`` or ``unknown``.
    is_odd : bool
        The file states a value that cannot be true, and the table none.
    """

    mpp: float | None
    source: str
    is_odd: bool


def region_of(spot: dict, picture: Picture) -> Region:
    """Region of a row of the spot table: the whole picture where it names none."""
    if any(pd.isna(spot.get(name, np.nan)) for name in REGION):
        return (0, 0, *picture.size)
    x, y, width, height = (int(spot[name]) for name in REGION)
    return x, y, width, height


def scale_of(spot: dict, picture: Picture) -> Scale:
    """The table's micrometres per pixel override the file's."""
    given = spot.get("mpp", np.nan)
    if pd.notna(given):
        return Scale(float(given), "table", is_odd=False)
    stated = picture.mpp()
    if stated is not None:
        return Scale(stated, "file", is_odd=False)
    return Scale(None, "unknown", is_odd=picture.stated_mpp is not None)


def lay(
    spot: dict, picture: Picture, region: Region, scale: Scale, settings: SpotSettings
) -> tuple[np.ndarray, Frame]:
    """Pixels of one spot at the working resolution, and the tiles on it.

    Parameters
    ----------
    spot : dict
        Row of the spot table.
    picture : Picture
        Its image.
    region, scale
        As from `region_of` and `scale_of`.
    settings : SpotSettings
        What is done to it.

    Returns
    -------
    pixels : numpy.ndarray
        (height, width, 3) uint8, of the size `Frame.read_px`: not yet padded, colours as scanned.
    frame : Frame
        The tiles.

    Raises
    ------
    InputError
        The spot cannot be read, or does not fit the geometry.
    """
    try:
        tiles = frame(region[2:], settings.geometry, mpp=scale.mpp, spot_id=spot["spot_id"])
    except InputError as error:
        raise InputError(f"{spot['image']}: {error}", error.code) from None
    return picture.read(region, tiles.read_px), tiles


def prepare(pixels: np.ndarray, tiles: Frame) -> tuple[np.ndarray, Masks]:
    """The canvas that tiles are cut from, padded where the frame says so, and its masks.

    Parameters
    ----------
    pixels, tiles
        As from `lay`.

    Returns
    -------
    pixels : numpy.ndarray
        (height, width, 3) uint8, of the size `Frame.canvas_px`.
    masks : Masks
        Tissue, ink and folds of the canvas.
    """
    masks = find_masks(pixels)
    if tiles.canvas_px != tiles.read_px:
        # Padding is bare glass of the spot's own colour.
        canvas = np.empty((*tiles.canvas_px[::-1], 3), np.uint8)
        canvas[:] = masks.white.round()
        left, top = tiles.pad_px
        canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        pixels, masks = canvas, find_masks(canvas)
    return pixels, masks


def final(pixels: np.ndarray, tiles: Frame, settings: SpotSettings) -> np.ndarray:
    """Pixels as they are encoded, from those of `lay`: padded, the stain normalised.

    Masks are made only where one of the two is asked for.
    """
    if tiles.canvas_px == tiles.read_px and settings.stain == "none":
        return pixels
    pixels, masks = prepare(pixels, tiles)
    return normalise(pixels, masks, settings.stain)


def in_sequence(tiles: pd.DataFrame, background: str) -> np.ndarray:
    """(n_tiles,) which rows of a tile table are encoded: all but bare glass that is dropped."""
    return (tiles["keep"] == 1).to_numpy() | (background != "drop")


def encoded_tiles(
    spot: dict, corners: np.ndarray, chosen: np.ndarray, shelf: PictureShelf, settings: SpotSettings
) -> np.ndarray:
    """Some tiles of a spot that was cut before, as they are encoded.

    Parameters
    ----------
    spot : dict
        Row of the quality table.
    corners : numpy.ndarray
        (n_tiles, 2) ``x`` and ``y`` of all its rows in the tile table.
    chosen : numpy.ndarray
        Which of them: a mask, or positions.
    shelf : PictureShelf
        Where its image is opened, or open already.
    settings : SpotSettings
        How it was cut.

    Returns
    -------
    numpy.ndarray
        (n_chosen, side, side, 3) uint8.

    Raises
    ------
    InputError
        The image cannot be read any more, or is another one.
    """
    picture = shelf.open(spot["image"], use_profile=settings.colour_profile == "srgb")
    region, scale = region_of(spot, picture), scale_of(spot, picture)
    pixels, tiles = lay(spot, picture, region, scale, settings)
    laid = tiles.level0(region[:2])
    if laid.shape != corners.shape or not np.allclose(laid, corners, rtol=0, atol=0.01):
        raise InputError(
            f"{spot['image']}: is another picture than the one that was cut into tiles; run the "
            "step `tiles` again"
        )
    return cut(final(pixels, tiles, settings), tiles.corners[chosen], tiles.tile_px)
