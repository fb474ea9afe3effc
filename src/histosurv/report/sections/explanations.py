"""Where the risk comes from: maps over spots, and the tiles that weigh most."""

import numpy as np
import pandas as pd

from histosurv.report.content import Content, Missing, Plot
from histosurv.report.figures.tissue import draw_risk_maps, draw_tiles
from histosurv.report.gallery import read_gallery
from histosurv.report.run import Run
from histosurv.report.wording import name_of
from histosurv.spots.thumbnails import from_jpeg

OF_EACH = 3  # patients of every kind that are shown
MANY_FIRST = 0.2  # share of first tiles from which the reader is told
PICTURE_PX = 128  # longest side of a spot in the figure
KINDS = {
    "highest": "highest score",
    "lowest": "lowest score",
    "high_alive": "high score, yet alive at 5 years",
    "low_dead": "low score, yet dead of the cancer",
}


def explanations(run: Run) -> Content:
    """Risk maps and the gallery of tiles."""
    if run.attribution is None:
        why = "Contributions of tiles were not asked for (models: attribution: run)."
        return Content(items=dict.fromkeys(("risk_maps", "tiles"), Missing(why)))
    text = [
        f"The contribution of a tile is the log-odds that {name_of(run.explained).lower()} gives "
        "the patient less those without the tile, by the models of the first repeat, which had "
        "not seen the patient. It tells what the network reacts to, not why the patient died: "
        "tissue that merely goes with the cause looks the same, neighbours share their pattern, "
        "and what many tiles show alike is missed by leaving out one."
    ]
    return Content(text, {"risk_maps": _maps(run), "tiles": _tiles(run)})


def chosen(run: Run) -> pd.DataFrame:
    """Patients with the highest and lowest score, and those whose outcome contradicts it most.

    Returns
    -------
    pandas.DataFrame
        Rows of `Run.scored` with ``kind``; nobody is in two kinds.
    """
    table = run.scored(run.explained)
    table = table[table["patient_id"].isin(run.attribution["patient_id"])]
    down = table.sort_values(["value", "patient_id"], ascending=[False, True], kind="stable")
    up = down[::-1]
    ways = {
        "high_alive": down[(down["label_60m"] == 0) & down["is_high"]],
        "low_dead": up[(up["label_60m"] == 1) & ~up["is_high"]],
        "highest": down,
        "lowest": up,
    }
    taken, parts = set(), {}
    for kind, rows in ways.items():
        parts[kind] = rows[~rows["patient_id"].isin(taken)].head(OF_EACH).assign(kind=kind)
        taken |= set(parts[kind]["patient_id"])
    return pd.concat([parts[kind] for kind in KINDS], ignore_index=True)


def _maps(run: Run) -> Plot | Missing:
    if run.tiles is None:
        return Missing("Features were imported: there is no picture to lay the risk over.")
    places = run.places
    cases, tables, ratios = [], [], run.ratios
    for row in chosen(run).to_dict("records"):
        own = places[places["patient_id"] == row["patient_id"]]
        # Of several spots the one that speaks loudest.
        weight = own.groupby("spot_id")["contribution"].agg(lambda of: of.abs().sum())
        spot = weight.idxmax()
        tiles = own[own["spot_id"] == spot]
        picture = run.thumbnails.picture(spot)
        if picture is not None:
            picture = picture.convert("RGB")
            picture.thumbnail((PICTURE_PX, PICTURE_PX))
        cases.append(
            {
                "title": [KINDS[row["kind"]], f"{row['patient_id']}, score {row['value']:.2f}",
                          _outcome(row)],
                "picture": picture,
                "boxes": tiles[["left", "top", "wide", "high"]].to_numpy(),
                "ratio": ratios.get(spot, 1.0),
                "contributions": tiles["contribution"].to_numpy(),
            }
        )  # fmt: skip
        tables.append(tiles.assign(kind=row["kind"], score=row["value"]))
    if not cases:
        return Missing("No tested patient has a contribution of any tile.")
    table = pd.concat(tables, ignore_index=True)
    columns = [
        "kind",
        "patient_id",
        "score",
        "spot_id",
        "tile",
        "left",
        "top",
        "wide",
        "high",
        "contribution",
    ]
    alt = "Maps of " + "; ".join(
        f"{' '.join(case['title'])}: contributions {np.nanmin(case['contributions']):+.3f} to "
        f"{np.nanmax(case['contributions']):+.3f}"
        if np.isfinite(case["contributions"]).any()
        else f"{' '.join(case['title'])}: one tile"
        for case in cases
    )
    note = (
        "Of several spots of a patient the one with the largest contributions; who is discordant "
        "is not shown again among the highest and lowest."
    )
    return Plot(draw_risk_maps(cases), table[columns], f"{alt}.", note)


def _outcome(row: dict) -> str:
    ends = {0: "alive", 1: "died of the cancer", 2: "other death"}
    return f"{ends[row['event']]}, {row['time_months']:.0f} months"


def _tiles(run: Run) -> Plot | Missing:
    if not run.has_pictures:
        return Missing("Features were imported: there is no picture of a tile.")
    tiles, members = read_gallery(run.folder / "explanations")
    if tiles.empty:
        return Missing("No tile of a tested patient has a contribution.")
    pictures = [from_jpeg(members[name]) if name else None for name in tiles["member"]]
    alt = "; ".join(
        f"{(tiles['direction'] == kind).sum()} tiles that {verb} the risk"
        for kind, verb in (("raises", "raise"), ("lowers", "lower"))
    )
    n = tiles["patient_id"].nunique()
    first = (tiles["tile"] == 1).mean()
    note = f"From {n} patients; above each tile the patient and the contribution in log-odds."
    if run.explained == "lstm" and first > MANY_FIRST:
        note += (
            f" {first:.0%} of the tiles are the first of their sequence: a recurrent network "
            "starts there, and without it all later states shift."
        )
    return Plot(draw_tiles(tiles, pictures), tiles.drop(columns="member"), f"{alt}.", note)
