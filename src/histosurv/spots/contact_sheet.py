"""One picture of all spots of a batch: what was seen, taken for tissue, and decided."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_erosion

from histosurv.publish import published
from histosurv.spots.tiling import Frame
from histosurv.spots.tissue import Masks

SIDE_PX = 220
COLUMNS = 8
LABEL_PX = 34
# Told apart in grey, too: outline of tissue, of ink and folds, and the frame of a spot left out.
TISSUE, INK, FOLD, OUT = (0, 92, 175), (0, 158, 60), (230, 159, 0), (196, 30, 58)


@dataclass(frozen=True)
class Panel:
    """Place of one spot on the sheet: its picture with what is drawn on it, and its label."""

    picture: Image.Image
    title: str
    remark: str
    usable: bool


def make_panel(
    pixels: np.ndarray | None, masks: Masks | None, frame: Frame | None, row: dict
) -> Panel:
    """Draw one spot with the outline of its masks and the grid of its tiles.

    Parameters
    ----------
    pixels, masks, frame
        Of the prepared spot; None where it could not be read.
    row : dict
        Its row of the quality table.
    """
    picture = Image.new("RGB", (SIDE_PX, SIDE_PX), (225, 225, 225))
    if pixels is not None:
        scale = SIDE_PX / max(pixels.shape[:2])
        size = tuple(max(1, round(length * scale)) for length in pixels.shape[1::-1])
        small = Image.fromarray(masks.small).resize(size, Image.Resampling.BILINEAR)
        picture.paste(_outlined(small, masks), (0, 0))
        _draw_grid(picture, frame, scale)
    return Panel(picture, str(row["spot_id"]), row["reasons"].replace("_", " "), row["usable"])


def write_sheet(panels: list[Panel], path: Path) -> None:
    """Write the contact sheet of a batch as JPEG."""
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    step_x, step_y = SIDE_PX + 12, SIDE_PX + LABEL_PX + 12
    sheet = Image.new("RGB", (columns * step_x + 12, rows * step_y + 12), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for i, panel in enumerate(panels):
        x, y = 12 + i % columns * step_x, 12 + i // columns * step_y
        sheet.paste(panel.picture, (x, y))
        if not panel.usable:
            draw.rectangle((x - 3, y - 3, x + SIDE_PX + 2, y + SIDE_PX + 2), outline=OUT, width=3)
            draw.line((x, y, x + SIDE_PX, y + SIDE_PX), fill=OUT, width=3)
        remark = panel.remark if panel.usable else f"not used: {panel.remark}"
        draw.text((x, y + SIDE_PX + 3), _fitting(panel.title), (20, 20, 20), font())
        draw.text((x, y + SIDE_PX + 18), _fitting(remark), (90, 90, 90), font())
    with published(path) as temporary:
        sheet.save(temporary, "JPEG", quality=82)


def _outlined(small: Image.Image, masks: Masks) -> Image.Image:
    pixels = np.array(small)
    for mask, colour in ((masks.tissue, TISSUE), (masks.fold, FOLD), (masks.pen, INK)):
        fitted = Image.fromarray(mask.astype(np.uint8) * 255).resize(
            small.size, Image.Resampling.BOX
        )
        inside = np.asarray(fitted) > 127
        pixels[inside & ~binary_erosion(inside)] = colour
    return Image.fromarray(pixels)


def _draw_grid(picture: Image.Image, frame: Frame, scale: float) -> None:
    """Corners of the tiles as short ticks, which hide less than lines."""
    draw = ImageDraw.Draw(picture)
    for x, y in frame.corners * scale:
        draw.line((x, y, x + 3, y), fill=(120, 120, 120))
        draw.line((x, y, x, y + 3), fill=(120, 120, 120))


def _fitting(text: str) -> str:
    """Text that is one line and no wider than a panel."""
    text = " ".join(text.split())
    while text and font().getlength(text) > SIDE_PX:
        text = text.removesuffix("…")[:-1] + "…"
    return text


@cache
def font(size: int = 12) -> ImageFont.FreeTypeFont:
    """DejaVu comes with matplotlib and knows Latin, Greek and Cyrillic letters."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), size)
