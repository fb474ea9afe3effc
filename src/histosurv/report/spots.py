"""What the report shows of the pixels: verdicts, contact sheets, slides, stain."""

import base64
import io
import json
from pathlib import Path

import pandas as pd
from markupsafe import Markup
from PIL import Image

from histosurv.report.figures.stain import draw_stain
from histosurv.spots.quality import REMARKS, UNUSABLE
from histosurv.spots.tile_table import read_quality

PICTURES_MB = 6.0  # of one report; what is beyond is named, not shown
SHEET_PX, OVERLAY_PX = 1300, 1100


def spot_section(folder: Path, n_batches: int) -> dict:
    """Everything that the section on spots shows.

    Parameters
    ----------
    folder : pathlib.Path
        The room's results: ``quality/``, ``contact/`` and, where there are slides, ``cores/``.
    n_batches : int
        Number of batches.

    Returns
    -------
    dict
        ``n``, ``n_used``, ``reasons`` and ``remarks`` (text and count), ``scales``, ``slides``,
        ``pictures`` (title, data address, alternative text), ``unseen`` (files not shown) and
        ``stain`` (SVG, empty without a fitted stain).
    """
    batches = [f"{number:04d}" for number in range(n_batches)]
    quality = pd.concat(
        [read_quality(folder / "quality" / f"{batch}.csv") for batch in batches], ignore_index=True
    )
    codes = quality["reasons"].str.split().explode().value_counts()
    verdicts = {path.stem: json.loads(path.read_text("utf-8"))
                for path in sorted((folder / "cores").glob("*.json"))}  # fmt: skip
    used = quality[quality["usable"] == 1]
    pictures, unseen = _pictures(
        [(f"Slide {name}", folder / "cores" / f"{name}.png", OVERLAY_PX) for name in verdicts]
        + [
            (f"Contact sheet {i + 1} of {n_batches}", folder / "contact" / f"{batch}.jpg", SHEET_PX)
            for i, batch in enumerate(batches)
        ]
    )
    return {
        "n": len(quality),
        "n_used": len(used),
        "reasons": [(UNUSABLE[code], n) for code, n in codes.items() if code in UNUSABLE],
        "remarks": [(REMARKS[code], n) for code, n in codes.items() if code in REMARKS],
        "scales": _scales(used),
        "tissue": used["tissue_fraction"].describe(percentiles=[0.5]),
        "slides": [{"name": name} | verdict for name, verdict in verdicts.items()],
        "pictures": pictures,
        "unseen": unseen,
        "stain": Markup(draw_stain(used)),  # noqa: S704 - matplotlib's own output
    }


def _scales(used: pd.DataFrame) -> str:
    """Where micrometres per pixel come from, in words."""
    counts = used["mpp_source"].value_counts()
    names = {"table": "from the table", "file": "from the image file", "unknown": "not known"}
    parts = []
    for source, name in names.items():
        if source in counts:
            mpp = used.loc[used["mpp_source"] == source, "mpp"]
            values = "" if mpp.isna().all() else f" ({mpp.min():.3g} to {mpp.max():.3g})"
            parts.append(f"{name} for {counts[source]} spots{values}")
    return "; ".join(parts)


def _pictures(wanted: list[tuple[str, Path, int]]) -> tuple[list[dict], list[str]]:
    """Pictures as data addresses as long as the page's budget lasts, and the names of the rest."""
    shown, unseen, spent = [], [], 0
    for title, path, width in wanted:
        if spent > PICTURES_MB * 1e6:
            unseen.append(f"{path.parent.name}/{path.name}")
            continue
        with Image.open(path) as picture:
            picture = picture.convert("RGB")
            picture.thumbnail((width, 4 * width))
            stream = io.BytesIO()
            picture.save(stream, "JPEG", quality=78)
        text = base64.b64encode(stream.getvalue()).decode("ascii")
        spent += len(text)
        shown.append({"title": title, "data": f"data:image/jpeg;base64,{text}"})
    return shown, unseen
