"""A small finished run with all rooms furnished: models, features, and pictures if wanted."""

import io
import zipfile

import numpy as np
import pandas as pd
from PIL import Image
from tests.report.finished_run import IDS, RESAMPLES, N, make

from histosurv.cohort.drawing import Stain, draw_spot
from histosurv.features.store import write_features
from histosurv.models.inner import tuning_table
from histosurv.publish import write_table
from histosurv.report.run import Run
from histosurv.spots.thumbnails import write_thumbnails
from histosurv.spots.tile_table import SPOT_COLUMNS

RECIPE = {
    "encoder": "vgg16", "weights": "random, seed 1", "fully_connected": "random, seed 1",
    "layer": "fc2 after ReLU", "precision": "fp32",
}  # fmt: skip
PICTURES = {"import": "", "weights": "random"}


READERS = ["reader_1", "reader_2", "reader_3"]


def everything(rng, n=N):
    """Columns of a patient table that has all that can be asked for."""
    calls = {reader: rng.choice(["low", "high"], n) for reader in READERS}
    return calls | {
        "age": rng.integers(40, 90, n),
        "sex": rng.choice(["female", "male"], n),
        "grade": rng.integers(1, 4, n),
        "stage": rng.choice(["A", "B", "C"], n),
    }


def whole_run(
    folder, columns=None, *, pictures=None, grid=4, ids=IDS, resamples=RESAMPLES, **config
):
    """A run of which every table is there.

    Of `pictures` every spot has the same; each has `grid` by `grid` tiles.
    """
    given = {"models": {"baselines": ["logistic"], "clinical": []}}
    if pictures is not None:
        given["features"] = PICTURES
    run = make(folder, columns, ids=ids, resamples=resamples, **(given | config))
    _features(run)
    for name in run.models:
        for job in run.jobs:
            _model(run, name, job)
    for job in run.jobs:
        tested = run.folds[(run.folds["part"] == "test") & (run.folds["fold"] == int(job[-1]))]
        table = attributed(run, grid)
        table = table[table["patient_id"].isin(tested["patient_id"])]
        write_table(table, run.results / f"models/lstm/{job}/attribution.csv")
    if pictures is not None:
        add_pictures(run, pictures, grid)
    return Run(folder)


def noise(side=64):
    """A picture of nothing."""
    return Image.fromarray(np.random.default_rng(3).integers(90, 255, (side, side, 3), np.uint8))


def large_run(folder, n):
    """One drawn spot for each of many patients, who have all but readers."""
    ids = pd.Series([f"P{i:06d}" for i in range(n)])
    rng = np.random.default_rng(2)
    spot = draw_spot(rng, 0.5, Stain.of_block(rng), spot_px=256, mpp=3.0)
    return whole_run(
        folder, everything(np.random.default_rng(1), n), ids=ids, resamples=20, grid=16,
        pictures=Image.fromarray(spot),
    )  # fmt: skip


def _features(run):
    home = run.folder / "features"
    write_features(home / "a.h5", np.ones((1, 2)), np.ones((1, 2)), recipe=RECIPE, image_sha256="")
    index = run.index.assign(file="a.h5", sha256=[f"{i:064x}" for i in range(len(run.index))])
    write_table(index, home / "batches/0000.csv")


def _model(run, name, job):
    folder = run.results / "models" / name / job
    settings = ["{}", '{"rate_factor": 0.3}'] if name == "lstm" else ["{}"]
    figures = np.array([[0.6, 0.7], [0.5, 0.6]])[: len(settings)]
    write_table(tuning_table(settings, figures), folder / "tuning.csv")
    if name in run.networks:
        curve = {"epoch": [1, 2], "fit_error": 0.6, "penalty": 0.1, "validation_error": 0.65}
        curve |= {"gradient_norm": 1.0, "score_sd": 0.3, "best": [0, 1], "initialisation": 1}
        write_table(pd.DataFrame(curve), folder / "training.csv")
        rows = [
            (1, "forward", tile, 0.1 * tile, 9, when)
            for tile in (1, 2)
            for when in ("before", "after")
        ]
        columns = ["layer", "direction", "tile", "norm", "n", "moment"]
        write_table(pd.DataFrame(rows, columns=columns), folder / "gradients.csv")


def attributed(run, grid):
    """What each tile does to the risk: noise."""
    tiles = pd.DataFrame({"tile": np.arange(1, grid**2 + 1)})
    rows = run.spots[["spot_id", "patient_id"]].merge(tiles, how="cross")
    return rows.assign(contribution=np.random.default_rng(5).normal(0, 0.1, len(rows)).round(4))


def add_pictures(run, picture, grid):
    """Tables and pictures of the spots."""
    rng, home = np.random.default_rng(3), run.folder / "spots"
    spots, side = run.spots, picture.size[0]
    quality = spots[["spot_id", "patient_id", "block", "image"]].assign(
        x=0, y=0, width=side, height=side, mpp=0.25, mpp_source="table", n_tiles=grid**2,
        n_kept=grid**2, tissue_fraction=0.8, pen_fraction=0.0, fold_fraction=0.0, sharpness=9.0,
        relative_sharpness=0.3, usable=1, reasons="", message="",
    )  # fmt: skip
    for number, (dye, of) in enumerate(
        (d, c) for d in ("haematoxylin", "eosin") for c in ("r", "g", "b")
    ):
        quality[f"{dye}_{of}"] = rng.normal(0.3 + 0.1 * number, 0.01, len(quality))
    write_table(quality.reindex(columns=SPOT_COLUMNS), home / "quality/0000.csv")
    at = np.arange(grid**2)
    size = side // grid
    tile = {"index": at, "x": at % grid * size, "y": at // grid * size, "size_px": size, "keep": 1}
    tiles = spots[["spot_id"]].merge(pd.DataFrame(tile), how="cross")
    write_table(tiles, home / "0000.csv")
    small = jpeg(picture)
    write_thumbnails(dict.fromkeys(spots["spot_id"], small), home / "thumbnails/0000.zip")
    (home / "contact").mkdir()
    picture.resize((400, 300)).save(home / "contact/0000.jpg")
    _gallery(run, attributed(run, grid), picture)


def _gallery(run, rows, picture):
    ends = pd.concat([rows.nlargest(12, "contribution"), rows.nsmallest(12, "contribution")])
    ends["direction"] = ["raises"] * 12 + ["lowers"] * 12
    ends["member"] = [f"{i}.jpg" for i in range(24)]
    path = run.folder / "explanations/tiles.csv"
    write_table(ends, path)
    with zipfile.ZipFile(path.with_suffix(".zip"), "w") as archive:
        for name in ends["member"]:
            archive.writestr(name, jpeg(picture))


def jpeg(picture):
    """A picture as a file."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG")
    return stream.getvalue()
