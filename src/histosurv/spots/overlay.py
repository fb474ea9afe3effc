"""The picture by which a person checks a de-arrayed slide."""

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from histosurv.cohort.slides import CONTROL, EMPTY
from histosurv.publish import published
from histosurv.spots.contact_sheet import font
from histosurv.spots.cores import SlideCores
from histosurv.spots.reconcile import SURE_CORE

SURE, UNSURE, MISSING, NOBODY = (0, 92, 175), (213, 94, 0), (120, 120, 120), (170, 170, 170)


def write_overlay(slide: SlideCores, title: str, path: Path) -> None:
    """Draw the grid, the cells' names and the confidences over the overview, as PNG.

    A core that is used has a blue circle, one that is not sure an orange one, a missing one a grey
    cross; controls and empty cells are named as such. The verdict stands on top.
    """
    lines = [title, *_verdict(slide)]
    wrapped = [part for line in lines for part in textwrap.wrap(line, 150) or [""]]
    head = 20 * len(wrapped) + 16
    height, width = slide.overview.shape[:2]
    page = Image.new("RGB", (max(width, 900), height + head), (255, 255, 255))
    page.paste(Image.fromarray(slide.overview), (0, head))
    draw = ImageDraw.Draw(page)
    for i, line in enumerate(wrapped):
        draw.text((10, 8 + 20 * i), line, (20, 20, 20), font(15))
    cores = slide.cores.assign(
        px=slide.cores["centre_x"] / slide.downsample,
        py=slide.cores["centre_y"] / slide.downsample + head,
        radius=slide.cores["width"] / slide.downsample / 2,
    )
    _draw_lines(draw, cores)
    for core in cores[cores["px"].notna()].to_dict("records"):
        _draw_core(draw, core)
    with published(path) as temporary:
        page.save(temporary, "PNG", optimize=False, compress_level=6)


def _verdict(slide: SlideCores) -> list[str]:
    told = slide.verdict()
    counts = f"{told['n_present']} of {told['n_expected']} cores present"
    if slide.source != "found":
        return [f"{counts}; taken from {slide.source}"]
    if slide.doubts:
        return [f"NOT SURE: {doubt}" for doubt in slide.doubts] + slide.remarks
    return [f"sure; {counts}, {told['n_unsure']} of them not used as unsure", *slide.remarks]


def _draw_lines(draw: ImageDraw.ImageDraw, cores: pd.DataFrame) -> None:
    """Thin lines along rows and columns."""
    for line in ("row", "column"):
        for _, group in cores[cores["px"].notna()].groupby(line):
            points = [tuple(point) for point in group[["px", "py"]].to_numpy()]
            if len(points) > 1:
                draw.line(points, fill=(150, 190, 220), width=1)


def _draw_core(draw: ImageDraw.ImageDraw, core: dict) -> None:
    x, y, radius = core["px"], core["py"], core["radius"]
    name = core["name"]
    if core["patient_id"] in (EMPTY, CONTROL):
        name = f"{name} {core['patient_id']}"
    size = int(np.clip(radius / 2.4, 9, 40))
    if core["present"]:
        sure = core["confidence"] >= SURE_CORE
        colour = (NOBODY if core["patient_id"] == EMPTY else SURE) if sure else UNSURE
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, outline=colour, width=3)
        _label(draw, (x, y - size), name, colour, size)
        _label(draw, (x, y + 2), f"{core['confidence']:.2f}", colour, max(8, int(0.75 * size)))
    else:
        reach = radius / 3
        draw.line((x - reach, y - reach, x + reach, y + reach), fill=MISSING, width=2)
        draw.line((x - reach, y + reach, x + reach, y - reach), fill=MISSING, width=2)
        _label(draw, (x, y + reach), name, MISSING, size)


def _label(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, colour: tuple, size: int
) -> None:
    """Text centred at a place, with a white edge that keeps it readable on tissue."""
    draw.text(
        place, text, colour, font(size), anchor="ma", stroke_width=2, stroke_fill=(255, 255, 255)
    )
