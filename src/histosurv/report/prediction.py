"""What a prediction leaves: JSON for programs, a table of tiles, a picture for people."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

import histosurv
from histosurv.config import primary_score, shown_network
from histosurv.errors import InputError
from histosurv.features.store import spot_file
from histosurv.files import file_sha256
from histosurv.models.bundle import Bundle
from histosurv.models.prediction import Newcomers
from histosurv.progress import say
from histosurv.publish import published, write_table
from histosurv.report.figures.prediction import draw_prediction
from histosurv.report.wording import name_of
from histosurv.spots.preparation import in_sequence

FILE = "prediction.json"


def write_prediction(
    bundle: Bundle, new: Newcomers, patients: list[dict], tiles: pd.DataFrame, out: Path
) -> None:
    """Write ``prediction.json``, ``tiles.csv`` and one PNG per patient.

    Parameters
    ----------
    bundle, new
        Of whom, by what.
    patients, tiles
        As from `histosurv.models.prediction.predict`.
    out : pathlib.Path
        The folder.
    """
    primary = primary_score(bundle.config)
    main = primary if primary in bundle.about["models"] else shown_network(bundle.config)
    content = {
        "histosurv": histosurv.__version__,
        "bundle": bundle.about["title"],
        "bundle_sha256": file_sha256(bundle.folder / "bundle.json"),
        "remarks": remarks(bundle, tiles),
        "patients": patients,
    }
    for remark in content["remarks"]:
        say(remark)
    write_table(tiles, out / "tiles.csv")
    reference = bundle.reference[bundle.reference["score"] == main]
    for record in patients:
        if not record["scores"]:
            continue
        told = record["scores"][main]
        picture = spot_file(out, record["patient_id"]).with_suffix(".png")
        mine = tiles[tiles["patient_id"] == record["patient_id"]]
        draw_prediction(record, main, reference, _pictures(bundle, new, mine), picture)
        say(
            f"{record['patient_id']}: {name_of(main)}: risk {told['risk_60m']:.3f} ({told['group']}"
            f" risk; higher than {told['percentile']:.0f} % of the development cohort); {picture}"
        )
        others = [
            f"{name_of(name)} {of['risk_60m']:.3f} ({of['group']})"
            for name, of in record["scores"].items()
            if name != main
        ]
        if others:
            say(f"{record['patient_id']}: by the other models: {', '.join(others)}")
    with published(out / FILE) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def refuse_another(out: Path, spots: pd.DataFrame) -> None:
    """Stop where the folder holds another prediction, which would be overwritten.

    Parameters
    ----------
    out : pathlib.Path
        The folder.
    spots : pandas.DataFrame
        ``patient_id`` and ``spot_id`` of those whose prediction is to be written.

    Raises
    ------
    InputError
        The one that is there is of other patients, or of other spots.
    """
    asked = set(zip(spots["patient_id"], spots["spot_id"], strict=True))
    try:
        there = json.loads((out / FILE).read_text("utf-8"))["patients"]
        told = {(of["patient_id"], spot["spot_id"]) for of in there for spot in of["spots"]}
    except (OSError, ValueError, KeyError, TypeError):  # none, or none of ours
        return
    if others := told - asked:
        patient, spot = min(others)
        raise InputError(
            f"--out {out}: holds the prediction of {patient!r} from spot {spot!r}; name another "
            "folder, or take it away"
        )


def remarks(bundle: Bundle, tiles: pd.DataFrame) -> list[str]:
    """What a reader must know of these figures."""
    told = []
    recipe = bundle.about["features"]["recipe"]
    if "random" in recipe.get("weights", "") + recipe.get("fully_connected", ""):
        told.append("the encoder's weights were (partly) drawn at random: for trying out only")
    n_folds = len(bundle.about["folds"])
    if n_folds > 1:
        told.append(
            f"the risk is the mean of {n_folds} folds' models; the scores that it is held against "
            "are by one model each, and spread somewhat more"
        )
    least, most = bundle.about["features"]["n_tiles"]
    for spot_id, n_tiles in tiles.groupby("spot_id").size().items():
        if not least <= n_tiles <= most:
            told.append(
                f"spot {spot_id!r} has {n_tiles} tiles, those of the development cohort {least} to "
                f"{most}: is it of the same size and resolution?"
            )
    return told


def _pictures(bundle: Bundle, new: Newcomers, tiles: pd.DataFrame) -> list[dict]:
    """Small pictures of a patient's spots with the place and contribution of each tile."""
    pictures = []
    for spot_id, mine in tiles.groupby("spot_id", sort=True):
        thumbnail = new.thumbnail(spot_id)
        if thumbnail is None:
            continue
        row = new.cut.spots.set_index("spot_id").loc[spot_id]
        places = new.cut.tiles[new.cut.tiles["spot_id"] == spot_id]
        places = places[in_sequence(places, bundle.config["spots"]["background"])]
        size = row[["width", "height"]].to_numpy(float)
        corners = (places[["x", "y"]] - [row["x"], row["y"]]).to_numpy() / size
        sides = places[["size_px"]].to_numpy() / size
        pictures.append(
            {
                "title": spot_id,
                "ratio": size[0] / size[1],
                "picture": thumbnail,
                "boxes": np.hstack([corners, sides]),
                "contributions": mine.sort_values("tile")["contribution"].to_numpy(),
            }
        )
    return pictures
