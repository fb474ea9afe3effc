"""What the report shows of the pixels: verdicts, contact sheets, slides, stain."""

import base64
import io
import json
from pathlib import Path

import pandas as pd
from PIL import Image

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.stain import draw_stain
from histosurv.report.run import Run
from histosurv.report.wording import interval, number
from histosurv.spots.quality import REMARKS, UNUSABLE

SHEET_PX, OVERLAY_PX = 1100, 1000


def spots(run: Run) -> Content:
    """Verdicts on spots, pictures of them, their stain."""
    if run.quality is None:
        reason = "Features were imported: no picture was seen."
        items = dict.fromkeys(("findings", "spots", "stain"), Missing(reason))
        return Content(items=items, extra={"pictures": [], "unseen": [], "slides": []})
    quality, folder = run.quality, run.folder / "spots"
    used = quality[quality["usable"] == 1]
    slides = _slides(folder / "cores")
    wanted = [(f"Slide {s['name']}", folder / f"cores/{s['name']}.png", OVERLAY_PX) for s in slides]
    wanted += [
        (f"Contact sheet {i + 1} of {run.n_batches}", folder / f"contact/{batch}.jpg", SHEET_PX)
        for i, batch in enumerate(run.batches)
    ]
    pictures, unseen = _pictures(wanted, max(1.0, 6.0 - len(quality) / 1000))
    return Content(
        [_summary(quality, used), *_agreement(run)],
        {
            "findings": _findings(quality),
            "spots": Table(spot_rows(quality), is_sortable=True),
            "stain": _stain(used),
        },
        {"pictures": pictures, "unseen": unseen, "slides": slides},
        _warnings(quality, used, slides),
    )


def _summary(quality: pd.DataFrame, used: pd.DataFrame) -> str:
    tissue = used["tissue_fraction"]
    return (
        f"{len(used)} of {len(quality)} spots were used. Micrometres per pixel: {_scales(used)}. "
        f"Tissue covers {100 * tissue.median():.0f} % of a spot in the middle, at least "
        f"{100 * tissue.min():.0f} %."
    )


def _scales(used: pd.DataFrame) -> str:
    """Where micrometres per pixel come from, in words."""
    counts = used["mpp_source"].value_counts()
    names = {"table": "from the table", "file": "from the image file", "unknown": "not known"}
    parts = []
    for source, name in names.items():
        if source in counts:
            mpp = used.loc[used["mpp_source"] == source, "mpp"]
            values = " to ".join(dict.fromkeys(f"{of:.3g}" for of in (mpp.min(), mpp.max())))
            told = "" if mpp.isna().all() else f" ({values})"
            parts.append(f"{name} for {counts[source]} spots{told}")
    return "; ".join(parts)


def _agreement(run: Run) -> list[str]:
    """Agreement between the spots of a patient, where anybody has several."""
    row = run.row(run.primary, "icc_spots")
    if row is None:
        return []
    return [
        "Agreement between the spots of one patient, by the study's score of each (intraclass "
        f"correlation): {interval(row)}, {row['n']:.0f} patients with several spots."
    ]


def _findings(quality: pd.DataFrame) -> Table | Missing:
    codes = quality["reasons"].str.split().explode().value_counts()
    kinds = ((UNUSABLE, "left out, listed under Patients and spots"), (REMARKS, "used"))
    rows = [
        (names[code], str(n), what)
        for names, what in kinds
        for code, n in codes.items()
        if code in names
    ]
    if not rows:
        return Missing("No spot has a finding.")
    return Table(pd.DataFrame(rows, columns=["Finding", "Spots", "What was done"]))


def spot_rows(quality: pd.DataFrame) -> pd.DataFrame:
    """One line of text per spot."""
    names = UNUSABLE | REMARKS
    told = quality["reasons"].map(
        lambda of: "; ".join(names.get(code, code) for code in of.split())
    )
    return pd.DataFrame(
        {
            "Spot": quality["spot_id"],
            "Patient": quality["patient_id"],
            "Block": quality["block"].fillna(""),
            "Used": quality["usable"].map({1: "yes", 0: "no"}),
            "Tissue, %": [number(100 * of, 0) for of in quality["tissue_fraction"]],
            "Sharpness": [number(of) for of in quality["relative_sharpness"]],
            "µm/px": [number(of, 3) for of in quality["mpp"]],
            "Tiles": quality["n_tiles"].astype(str),
            "With tissue": quality["n_kept"].astype(str),
            "Remarks": told,
        }
    )


def _stain(used: pd.DataFrame) -> Plot | Missing:
    fitted = used[used["haematoxylin_r"].notna()]
    if fitted.empty:
        return Missing("No spot has a stain that could be fitted.")
    columns = ["spot_id", "block", *(f"{d}_{c}" for d in ("haematoxylin", "eosin") for c in "rgb")]
    n_blocks = fitted["block"].fillna("").replace("", None).nunique()
    note = f"{len(fitted)} spots, blocks: {n_blocks or 'none named'}."
    return Plot(draw_stain(fitted), fitted[columns], f"Stain vectors. {note}", note)


def _slides(folder: Path) -> list[dict]:
    """What was found on each whole slide."""
    return [
        {"name": path.stem} | json.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob("*.json"))
    ]


def _warnings(quality: pd.DataFrame, used: pd.DataFrame, slides: list[dict]) -> list[str]:
    found = []
    if len(used) < len(quality):
        codes = quality["reasons"].str.split().explode().value_counts()
        told = "; ".join(f"{UNUSABLE[code]}: {n}" for code, n in codes.items() if code in UNUSABLE)
        n_out = len(quality) - len(used)
        found.append(f"{n_out} of {len(quality)} spots could not be used ({told}).")
    if (used["mpp_source"] == "unknown").any():
        n = int((used["mpp_source"] == "unknown").sum())
        found.append(
            f"Micrometres per pixel are not known for {n} spots: whether all are of one scale was "
            "not checked. Give `mpp` in the spot table."
        )
    if any(slide["source"] == "found" and slide["remarks"] for slide in slides):
        found.append(
            "Not everything about the slides could be checked; see the remarks under Spots."
        )
    return found


def _pictures(
    wanted: list[tuple[str, Path, int]], budget_mb: float
) -> tuple[list[dict], list[str]]:
    """Pictures as data addresses as far as the budget reaches, and the names of the rest.

    The more spots a study has, the more room the other parts of its page take.
    """
    shown, unseen, spent = [], [], 0
    for title, path, width in wanted:
        with Image.open(path) as picture:
            picture = picture.convert("RGB")
            picture.thumbnail((width, 4 * width))
            data = data_address(picture, "JPEG", quality=72)
        if spent + len(data) > budget_mb * 1e6:
            unseen.append(f"{path.parent.name}/{path.name}")
            continue
        spent += len(data)
        shown.append({"title": title, "data": data, "size": picture.size})
    return shown, unseen


def data_address(picture: Image.Image, kind: str, **how: object) -> str:
    """A picture that stands in the page itself."""
    stream = io.BytesIO()
    picture.save(stream, kind, **how)
    text = base64.b64encode(stream.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{text}"
