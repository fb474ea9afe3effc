"""Every patient: the score among those of the cohort, the outcome, the spots and their maps."""

import numpy as np
import pandas as pd
from PIL import Image

from histosurv.cohort.folds import blocks_of_patients
from histosurv.report.content import MOST_ROWS, Content, Missing, Table
from histosurv.report.figures.tissue import COLOURS, largest
from histosurv.report.run import Run
from histosurv.report.sections.spots import data_address
from histosurv.report.wording import name_of, number

PICTURES_MB = 3.0  # of all patients' spots together
# Longest side in pixels, and quality; the first that the budget allows is taken.
SIZES = ((192, 60), (128, 55), (96, 50), (64, 40), (48, 30), (32, 30))
LEVELS = 16  # colours of a map, of which one is none: four bits a tile
ENDS = {0: "alive", 1: "dead of the cancer", 2: "other death"}
LABELS = {0.0: "survived", 1.0: "dead of the cancer"}


def patients(run: Run) -> Content:
    """Table of all tested patients, and a panel for each."""
    if run.primary not in run.score_names:
        return Content(
            items={"patients": Missing("There is no score to show.")}, extra={"panels": []}
        )
    table = run.scored(run.primary)
    below = (table["value"].rank(method="min") - 1) / len(table) * 100
    table = table.assign(percentile=below, group=np.where(table["is_high"], "high", "low"))
    table = table.sort_values(["value", "patient_id"], ascending=[False, True], kind="stable")
    spots = run.spots.groupby("patient_id")["spot_id"].apply(list)
    table["spots"] = [list(spots.get(patient, [])) for patient in table["patient_id"]]
    rows = _rows(run, table)
    note = f"{name_of(run.primary)}; place is the share of the tested patients with a lower score."
    extra = {"panels": [], "n_hidden": max(0, len(table) - MOST_ROWS), "side_px": 0}
    pictures, extra["side_px"] = _pictures(run, [spot for of in table["spots"] for spot in of])
    maps, ratios = _maps(run), run.ratios
    places = {patient: f"patient-{number}" for number, patient in enumerate(table["patient_id"], 1)}
    links = tuple(f"#{places[patient]}" for patient in table["patient_id"])
    readers = [name for name in run.readers if name in table]
    for row in table.head(MOST_ROWS).to_dict("records"):
        extra["panels"].append(
            {
                "id": places[row["patient_id"]],
                "patient": row["patient_id"],
                "told": _told(row),
                "place": f"{row['percentile']:.1f}",
                "readers": [(name_of(name), row[name] or "no call") for name in readers],
                "spots": [
                    {"id": spot, "picture": pictures.get(spot, ""), "ratio": ratios.get(spot, 1)}
                    | maps.get(spot, {"map": ""})
                    for spot in row["spots"]
                ],
            }
        )
    return Content(
        items={"patients": Table(rows, note, is_sortable=True, links=links)}, extra=extra
    )


def _rows(run: Run, table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Patient": table["patient_id"],
            "Score": [number(of, 3) for of in table["value"]],
            "Risk": [number(of, 3) for of in table["risk_60m"]],
            "Place, %": [number(of, 0) for of in table["percentile"]],
            "Group": table["group"],
            "At five years": table["label_60m"].map(LABELS).fillna("unknown"),
            "Months": [f"{of:g}" for of in table["time_months"]],
            "Last seen": table["event"].map(ENDS),
            "Fold": table["fold"].astype(int).astype(str),
            "Spots": [str(len(of)) for of in table["spots"]],
            "Block": table["patient_id"].map(blocks_of_patients(run.spots)).fillna(""),
        }
    )


def _told(row: dict) -> str:
    risk = "" if pd.isna(row["risk_60m"]) else f", risk {row['risk_60m']:.0%}"
    label = LABELS.get(row["label_60m"], "unknown")
    return (
        f"Score {row['value']:.3f}{risk}: {row['group']} (from {row['threshold']:.3f} on), higher "
        f"than {row['percentile']:.0f} % of those tested. {ENDS[row['event']].capitalize()} at "
        f"{row['time_months']:g} months; at five years {label}. Fold {int(row['fold'])} (of the "
        "first repeat)."
    )


def _pictures(run: Run, spots: list[str]) -> tuple[dict[str, str], int]:
    """Small pictures of the spots in the largest size that the page has room for."""
    if not run.has_pictures:
        return {}, 0
    few = sorted(spots)[:: max(1, len(spots) // 40)]  # which tell what all of them will take
    for size in SIZES:
        mean = np.mean([len(_picture(run, spot, *size)) for spot in few] or [0])
        if mean * len(spots) <= PICTURES_MB * 1e6:
            # In the order of the archives, each of which is opened once.
            return {spot: _picture(run, spot, *size) for spot in sorted(spots)}, size[0]
    return {}, 0


def _picture(run: Run, spot: str, side: int, quality: int) -> str:
    picture = run.thumbnails.picture(spot)
    if picture is None:
        return ""
    picture = picture.convert("RGB")
    picture.thumbnail((side, side))
    return data_address(picture, "WEBP", quality=quality, method=6)


def _maps(run: Run) -> dict[str, dict]:
    """Map of every spot: one pixel a tile, and where it lies over the picture, in percent."""
    if run.attribution is None or run.tiles is None:
        return {}
    table = run.places
    scale = largest(table["contribution"].to_numpy())
    return {spot: _map(of, scale) for spot, of in table.groupby("spot_id")}


def _map(tiles: pd.DataFrame, scale: float) -> dict:
    columns, column = np.unique(tiles["left"], return_inverse=True)
    rows, row = np.unique(tiles["top"], return_inverse=True)
    value = tiles["contribution"].to_numpy(float)
    level = np.clip((value / scale + 1) / 2 * (LEVELS - 2), 0, LEVELS - 2).round() + 1
    pixels = np.zeros((len(rows), len(columns)), np.uint8)  # 0 is no tile
    pixels[row, column] = np.where(np.isfinite(level), level, 0)
    picture = Image.fromarray(pixels, "P")
    palette = COLOURS(np.linspace(0, 1, LEVELS - 1), bytes=True)[:, :3]
    picture.putpalette(b"\0\0\0" + palette.tobytes())
    told = tiles.loc[tiles["contribution"].abs().idxmax()] if np.isfinite(value).any() else None
    return {
        "map": data_address(picture, "PNG", optimize=True, transparency=0),
        "box": [round(100 * float(of), 1) for of in (
            tiles["left"].min(), tiles["top"].min(),
            (tiles["left"] + tiles["wide"]).max() - tiles["left"].min(),
            (tiles["top"] + tiles["high"]).max() - tiles["top"].min(),
        )],
        "most": "none" if told is None else f"{told['contribution']:+.3f} of tile {told['tile']}",
    }  # fmt: skip
