"""Everything that is written about one de-arrayed slide, or the no that stops it."""

import json
from pathlib import Path

from histosurv.errors import InputError
from histosurv.publish import published, write_table
from histosurv.spots.cores import SlideCores
from histosurv.spots.overlay import write_overlay
from histosurv.spots.qupath import write_geojson, write_qptma

ENDINGS = (".csv", ".png", ".geojson", ".qptma", ".json")


def publish_cores(slide: SlideCores, image: str, out: Path) -> None:
    """Write core table, overlay, GeoJSON, QuPath grid and verdict beside each other.

    Parameters
    ----------
    slide : SlideCores
        The cores.
    image : str
        The slide's file.
    out : pathlib.Path
        Core table to write, ``NAME.csv``; the others are called ``NAME.png`` (overlay),
        ``NAME.geojson``, ``NAME.qptma`` and ``NAME.json`` (verdict).

    Raises
    ------
    InputError
        The grid is not sure. Table and overlay are then written as ``NAME.doubtful.csv`` and
        ``.png`` only, for a person to correct and confirm.
    """
    doubtful = {ending: out.with_suffix(f".doubtful{ending}") for ending in (".csv", ".png")}
    title = f"{out.stem}: {Path(image).name}"
    if slide.doubts:
        for ending in ENDINGS:  # of an earlier run that was sure
            out.with_suffix(ending).unlink(missing_ok=True)
        write_table(slide.cores.round(4), doubtful[".csv"])
        write_overlay(slide, title, doubtful[".png"])
        raise InputError(
            f"{image}: {'; '.join(slide.doubts)}; look at {doubtful['.png']}, correct "
            f"{doubtful['.csv']} where it is wrong, and name a copy of it as cores_override"
        )
    for path in doubtful.values():
        path.unlink(missing_ok=True)
    located = slide.cores[slide.cores["centre_x"].notna()]
    write_overlay(slide, title, out.with_suffix(".png"))
    write_geojson(located, out.with_suffix(".geojson"))
    write_qptma(located, image, out.with_suffix(".qptma"))
    with published(out.with_suffix(".json")) as temporary:
        text = json.dumps(slide.verdict(), ensure_ascii=False, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
    write_table(slide.cores.round(4), out)
