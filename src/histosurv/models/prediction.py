"""Risk of new patients by a study's frozen models."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy.special import expit

from histosurv.cohort.tables import read_spots
from histosurv.config import shown_network
from histosurv.errors import InputError
from histosurv.features.encoders import Encoder
from histosurv.features.extract import extract
from histosurv.features.imports import read_foreign
from histosurv.features.store import IMPORTED_ENDINGS, read_features
from histosurv.features.weights import prepare_weights
from histosurv.models.attribution import attribute
from histosurv.models.bundle import Bundle, line_of
from histosurv.models.frozen import frozen_scores, refuse_other_recipe, refuse_other_width
from histosurv.models.sequences import Sequences
from histosurv.progress import say
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.thumbnails import from_jpeg
from histosurv.spots.tile_table import Tabulated, tabulate


@dataclass(frozen=True)
class Newcomers:
    """Patients whom no model has seen.

    Attributes
    ----------
    sequences : Sequences
        Their features; of the patient table the ids alone.
    spots : pandas.DataFrame
        ``spot_id, patient_id, image, status, reason`` of all that was given.
    cut : Tabulated or None
        How their pictures were cut; None where features were given.
    """

    sequences: Sequences
    spots: pd.DataFrame
    cut: Tabulated | None

    def thumbnail(self, spot_id: str) -> Image.Image | None:
        """Small picture of a spot."""
        jpeg = self.cut.thumbnails.get(spot_id) if self.cut else None
        return None if jpeg is None else from_jpeg(jpeg)


def list_spots(spots: list[Path], patient: str) -> pd.DataFrame:
    """A spot table of what the command line names.

    Parameters
    ----------
    spots : list of pathlib.Path
        Pictures, or feature files, of one patient; or one spot table (CSV) of several.
    patient : str
        Name of the one patient.

    Raises
    ------
    InputError
        A file is not there, two have one name, or a table stands beside others.
    """
    if len(spots) == 1 and spots[0].suffix.lower() == ".csv":
        return read_spots(spots[0])
    for path in spots:
        if path.suffix.lower() == ".csv":
            raise InputError(f"{path}: give one spot table alone, or pictures of one patient")
        if not path.is_file():
            raise InputError(f"{path}: there is no such file; correct the path")
    ids = [path.stem for path in spots]
    twice = [name for name in ids if ids.count(name) > 1]
    if twice:
        raise InputError(f"two spots are called {twice[0]!r}; list them in a spot table (CSV)")
    return pd.DataFrame(
        {
            "spot_id": ids,
            "patient_id": patient,
            "image": [str(path) for path in spots],
            "listed_in": [str(path) for path in spots],
        }
    ).sort_values("spot_id", kind="stable")


def read_newcomers(
    bundle: Bundle,
    table: pd.DataFrame,
    device: torch.device,
    *,
    weights: str = "",
    threads: int = 1,
) -> Newcomers:
    """Features of new patients, computed as the study's were.

    Parameters
    ----------
    bundle : Bundle
        The study's models.
    table : pandas.DataFrame
        As from `list_spots`.
    device : torch.device
        Where to compute.
    weights : str
        Of the encoder, where those that the study names are not to be had.
    threads : int
        Cores to use.

    Raises
    ------
    InputError
        Nothing that can be used, features of another width, or another encoder's weights.
    """
    is_array = [str(image).endswith(IMPORTED_ENDINGS) for image in table["image"]]
    if all(is_array):
        return _given(bundle, table)
    if any(is_array):
        raise InputError("pictures and feature files together; give the one or the other")
    return _computed(bundle, table, device, weights, threads)


def predict(
    bundle: Bundle, new: Newcomers, device: torch.device, threads: int = 1
) -> tuple[list[dict], pd.DataFrame]:
    """Risk of every new patient by every model of the bundle.

    Returns
    -------
    patients : list of dict
        ``patient_id``, ``spots``, and by score: ``log_odds``, ``risk_60m``, the
        threshold in both units,
        ``group`` (low or high), ``percentile`` among the development cohort's out-of-fold scores,
        and ``folds``, the log-odds by each fold's model.
    tiles : pandas.DataFrame
        As from `histosurv.models.attribution.attribute`, mean over the folds of the network that
        the study is about, or its first.
    """
    found = frozen_scores(bundle, new.sequences, device, threads)
    tiles = [
        attribute(model, new.sequences, line_of(calibration), threads=threads)
        for model, calibration in bundle.members(shown_network(bundle.config), device)
    ]
    patients = []
    for patient, rows in new.spots.groupby("patient_id", sort=True):
        record = {
            "patient_id": patient,
            "spots": rows[["spot_id", "status", "reason"]].to_dict("records"),
            "scores": {},
        }
        for name, of in found.items():
            if patient in of.folds.index:
                told = _told(bundle, name, of.folds.loc[patient], of.threshold)
                record["scores"][name] = told
        patients.append(record)
    same = [table.drop(columns=["patient_id", "spot_id", "tile"]) for table in tiles]
    mean = sum(same[1:], same[0]) / len(same)
    return patients, tiles[0][["patient_id", "spot_id", "tile"]].join(mean)


def _told(bundle: Bundle, name: str, values: pd.Series, threshold: float) -> dict:
    value = float(values.mean())
    return {
        "log_odds": value,
        "risk_60m": float(expit(value)),
        "threshold_log_odds": threshold,
        "threshold_risk_60m": float(expit(threshold)),
        "group": "high" if value >= threshold else "low",
        "percentile": bundle.percentile(name, value),
        "folds": [float(of_fold) for of_fold in values],
    }


def _given(bundle: Bundle, table: pd.DataFrame) -> Newcomers:
    """Features that were computed elsewhere."""
    arrays = []
    for image in map(Path, table["image"]):
        refuse_other_recipe(bundle, image)
        arrays.append(read_foreign(image)[0])
        refuse_other_width(bundle, arrays[-1], image)
    return _newcomers(table.assign(status="done", reason=""), arrays, None)


def _computed(
    bundle: Bundle, table: pd.DataFrame, device: torch.device, weights: str, threads: int
) -> Newcomers:
    """Features as the study computed them: the same tiles, the same encoder."""
    recipe = bundle.about["features"]["recipe"]
    if "imported" in recipe:
        raise InputError(
            f"{bundle.folder}: the study's features were computed elsewhere; compute those of the "
            "new spots in the same way, and give their .h5 or .npz files"
        )
    how = bundle.config["features"]
    settings = SpotSettings.of(bundle.config["spots"])
    cut = tabulate(table, settings, threads)
    with tempfile.TemporaryDirectory(prefix="histosurv-") as folder:
        prepared = Path(folder) / "encoder.safetensors"
        source = weights or how["weights"]
        prepare_weights(
            how["encoder"], source, prepared, convention=how["convention"], seed=how["seed"]
        )
        encoder = Encoder(
            prepared,
            device,
            tile_px=settings.geometry.tile_px,
            layer=how["layer"],
            relu=how["relu"],
            precision=how["precision"],
        )
        if encoder.recipe["weights_sha256"] != recipe["weights_sha256"]:
            raise InputError(
                f"{source}: these are not the encoder's weights that the study used; name its file "
                "with --weights"
            )
        store = Path(folder) / "features"
        index, _ = extract(
            cut.spots, cut.tiles, encoder, store, settings, dtype=how["dtype"], threads=threads
        )
        arrays = [
            read_features(store / name) for name in index.loc[index["status"] == "done", "file"]
        ]
    told = index.set_index("spot_id")[["status", "reason"]]
    return _newcomers(table.join(told, on="spot_id"), arrays, cut)


def _newcomers(table: pd.DataFrame, arrays: list[np.ndarray], cut: Tabulated | None) -> Newcomers:
    usable = table[table["status"] == "done"]
    if usable.empty:
        raise InputError(f"none of the spots can be used; the first: {table['reason'].iloc[0]}")
    left_out = sorted(set(table["patient_id"]) - set(usable["patient_id"]))
    if left_out:
        say(f"without a usable spot: {', '.join(left_out)}")
    ids = sorted(set(usable["patient_id"]))
    patients = pd.DataFrame({"patient_id": ids}).set_index("patient_id", drop=False)
    columns = ["spot_id", "patient_id", "image", "status", "reason"]
    return Newcomers(
        Sequences(patients, usable["patient_id"].to_numpy(), usable["spot_id"].to_numpy(), arrays),
        table[columns],
        cut,
    )
