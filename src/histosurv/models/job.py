"""One job of the models room: what it works on, and the scores it leaves."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from histosurv.cohort.folds import members, read_folds
from histosurv.models.calibration import Line, platt
from histosurv.models.sequences import Sequences, load_sequences


@dataclass(frozen=True)
class Job:
    """One fold of one repeat.

    Attributes
    ----------
    sequences : Sequences
        The cohort's features.
    parts : dict of list of str
        Patient ids of ``fit``, ``validation`` and ``test``.
    repeat, fold : int
        Counted from 1.
    seed : int
        A seed of its own for every job, from that of the study.
    """

    sequences: Sequences
    parts: dict[str, list[str]]
    repeat: int
    fold: int
    seed: int


def read_job(
    cohort: Path, features: Path, n_batches: int, *, repeat: int, fold: int, seed: int
) -> Job:
    """Read what a job needs from the folders of the rooms before it."""
    return Job(
        sequences=load_sequences(cohort, features, n_batches),
        parts=members(read_folds(cohort / "folds.csv"), repeat, fold),
        repeat=repeat,
        fold=fold,
        seed=int(np.random.SeedSequence([seed, repeat, fold]).generate_state(1)[0]),
    )


def score_rows(name: str, value: pd.Series, job: Job) -> tuple[pd.DataFrame, Line]:
    """Rows of the test patients of one job, on the scale of log-odds.

    Parameters
    ----------
    name : str
        Name of the score.
    value : pandas.Series
        What the model says of each patient, indexed by ``patient_id``, higher = higher risk.
    job : Job
        The fold.

    Returns
    -------
    rows : pandas.DataFrame
        The table's columns. Scale and threshold come from the validation patients: decided before
        a test patient is looked at, and not on the fit patients, whom a network may know by heart.
        The threshold between low and high risk is their median.
    line : Line
        The scale.
    """
    validation = value.loc[job.parts["validation"]]
    label = job.sequences.patients["label_60m"].loc[validation.index]
    known = label.notna()
    line = platt(validation[known].to_numpy(), label[known].to_numpy(int))
    test = line.log_odds(value.loc[sorted(job.parts["test"])])
    rows = pd.DataFrame(
        {
            "patient_id": test.index,
            "score": name,
            "repeat": job.repeat,
            "fold": job.fold,
            "value": test.to_numpy(),
            "risk_60m": expit(test.to_numpy()),
            "threshold": line.log_odds(validation).median(),
        }
    )
    return rows, line


def spot_rows(name: str, value: np.ndarray, job: Job) -> pd.DataFrame:
    """Scores of the single spots of a job's test patients.

    Parameters
    ----------
    name : str
        Name of the score.
    value : numpy.ndarray
        (n_spots,) log-odds of each spot of the cohort, higher = higher risk.
    job : Job
        The fold.

    Returns
    -------
    pandas.DataFrame
        ``spot_id, patient_id, score, repeat, fold, value``.
    """
    tested = job.sequences.spots_of(job.parts["test"])
    return pd.DataFrame(
        {
            "spot_id": job.sequences.spot_ids[tested],
            "patient_id": job.sequences.patient_of[tested],
            "score": name,
            "repeat": job.repeat,
            "fold": job.fold,
            "value": value[tested],
        }
    ).sort_values("spot_id", kind="stable")
