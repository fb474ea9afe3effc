"""Risks of patients whom no model of a study has seen, by the frozen models of all its folds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import expit

from histosurv.cohort.tables import read_indexes, read_patients
from histosurv.errors import InputError
from histosurv.features.store import read_recipe
from histosurv.models.bundle import Bundle, line_of
from histosurv.models.comparators import comparator_scores
from histosurv.models.ensemble import Ensemble
from histosurv.models.scores import COLUMNS, SPOT_COLUMNS
from histosurv.models.sequences import Sequences, load_sequences

_RECIPE = ("encoder", "layer", "weights_sha256", "tiles", "resolution", "stain")


@dataclass(frozen=True)
class FrozenScore:
    """One score of new patients.

    Attributes
    ----------
    folds : pandas.DataFrame
        (n_patients, n_folds) log-odds by the model of each fold, indexed by ``patient_id``.
    spots : numpy.ndarray or None
        (n_spots,) log-odds of each spot by itself, mean over the folds; None for models that
        average the features of a patient's spots.
    threshold : float
        From here on a patient is at high risk: mean over the folds.
    """

    folds: pd.DataFrame
    spots: np.ndarray | None
    threshold: float

    @property
    def value(self) -> pd.Series:
        """Log-odds of each patient, mean over the folds."""
        return self.folds.mean(axis=1)


def frozen_scores(
    bundle: Bundle, sequences: Sequences, device: torch.device, threads: int = 1
) -> dict[str, FrozenScore]:
    """Every score of the bundle for every patient with a spot."""
    found = {}
    for name in bundle.about["models"]:
        folds, spots, thresholds = [], [], []
        for model, calibration in bundle.members(name, device):
            line = line_of(calibration)
            if isinstance(model, Ensemble):
                of_networks, of_spots = model.risks(sequences, threads)
                risk = of_networks.mean(axis=1)
                spots.append(line.log_odds(of_spots))
            else:
                risk = model.risks(sequences)
            folds.append(line.log_odds(risk))
            thresholds.append(calibration["threshold"])
        of_spots = np.mean(spots, axis=0) if spots else None
        found[name] = FrozenScore(pd.concat(folds, axis=1), of_spots, float(np.mean(thresholds)))
    return found


def refuse_other_recipe(bundle: Bundle, path: Path) -> None:
    """Stop where a feature file says that it was made otherwise; one without a recipe is believed.

    Raises
    ------
    InputError
        Another encoder, other weights or another cut than the study's.
    """
    own = bundle.about["features"]["recipe"]
    try:
        theirs = read_recipe(path)
    except (KeyError, OSError, ValueError):
        return
    for key in _RECIPE:
        if key in own and key in theirs and own[key] != theirs[key]:
            raise InputError(
                f"{path}: its features were made with {key.replace('_', ' ')} {theirs[key]!r}, "
                f"the study's with {own[key]!r}; compute them in the same way"
            )


def refuse_other_width(bundle: Bundle, features: np.ndarray, path: Path) -> None:
    """Stop where features are not as wide as those that the models were trained on.

    Raises
    ------
    InputError
        They are wider or narrower.
    """
    n_features = bundle.about["features"]["n_features"]
    if features.shape[1] != n_features:
        raise InputError(
            f"{path}: {features.shape[1]} features a tile; the models were trained on {n_features}"
        )


def score_cohort(
    bundle: Bundle,
    cohort: Path,
    features: Path,
    n_batches: int,
    device: torch.device,
    *,
    readers: list[str],
    grade_high: int,
    threads: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score an external cohort: nothing is learnt from it, not even a scale or a threshold.

    Parameters
    ----------
    bundle : Bundle
        The study's models.
    cohort, features : pathlib.Path
        Folders of the external cohort's rooms.
    n_batches : int
        Number of its batches of spots.
    device : torch.device
        Where to compute.
    readers, grade_high
        As in `histosurv.models.comparators.comparator_scores`.
    threads : int
        Cores to use.

    Returns
    -------
    scores : pandas.DataFrame
        Rows of the score table, those of pathologists, grade and stage among them; ``repeat`` and
        ``fold`` are 1.
    spots : pandas.DataFrame
        ``spot_id, patient_id, score, repeat, fold, value`` of the networks.

    Raises
    ------
    InputError
        Features that were made otherwise than those of the study.
    """
    sequences = load_sequences(cohort, features, n_batches)
    index = read_indexes(features, n_batches)
    first = features / index.loc[index["status"] == "done", "file"].iloc[0]
    refuse_other_recipe(bundle, first)
    refuse_other_width(bundle, sequences.spots[0], first)
    once = {"repeat": 1, "fold": 1}
    scores, spots = [], []
    for name, found in frozen_scores(bundle, sequences, device, threads).items():
        value = found.value
        row = {"patient_id": value.index, "score": name, **once, "value": value.to_numpy()}
        risks = {"risk_60m": expit(value.to_numpy()), "threshold": found.threshold}
        scores.append(pd.DataFrame(row | risks))
        if found.spots is not None:
            of = {"spot_id": sequences.spot_ids, "patient_id": sequences.patient_of, "score": name}
            spots.append(pd.DataFrame(of | once | {"value": found.spots}))
    patients = read_patients(cohort / "patients.csv", readers=readers)
    tested = patients[["patient_id"]].assign(part="test", **once)
    scores.append(comparator_scores(patients, tested, readers=readers, grade_high=grade_high))
    table = pd.concat([rows for rows in scores if len(rows)], ignore_index=True)[COLUMNS]
    of_spots = pd.concat(spots, ignore_index=True) if spots else pd.DataFrame(columns=SPOT_COLUMNS)
    return (
        table.sort_values(["score", "patient_id"], kind="stable"),
        of_spots.sort_values(["score", "spot_id"], kind="stable"),
    )
