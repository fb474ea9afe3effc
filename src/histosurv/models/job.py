"""One job of the models room: what it works on, and the scores it leaves."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from histosurv.cohort.folds import members, read_folds
from histosurv.cohort.tables import read_patients
from histosurv.errors import InputError
from histosurv.models.calibration import Line, platt
from histosurv.models.sequences import Sequences, load_sequences
from histosurv.publish import published, write_table


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
    cohort: Path,
    features: Path | None,
    n_batches: int = 1,
    *,
    repeat: int,
    fold: int,
    seed: int,
) -> Job:
    """Read what a job needs from the folders of the rooms before it; None for no features."""
    if features is None:
        patients = read_patients(cohort / "patients.csv").set_index("patient_id", drop=False)
        sequences = Sequences(patients, np.array([]), np.array([]), [])
    else:
        sequences = load_sequences(cohort, features, n_batches)
    return job_of(sequences, read_folds(cohort / "folds.csv"), repeat=repeat, fold=fold, seed=seed)


def job_of(sequences: Sequences, folds: pd.DataFrame, *, repeat: int, fold: int, seed: int) -> Job:
    """One fold of a cohort that was read; `seed` is that of the study."""
    return Job(
        sequences=sequences,
        parts=members(folds, repeat, fold),
        repeat=repeat,
        fold=fold,
        seed=int(np.random.SeedSequence([seed, repeat, fold]).generate_state(1)[0]),
    )


def refuse_other_fold(model: Path, job: Job) -> None:
    """Stop where the model in a folder was trained for another fold: it knows the test patients.

    Raises
    ------
    InputError
        It was.
    """
    own = pd.read_csv(model / "scores.csv", nrows=1).iloc[0]
    if (own["repeat"], own["fold"]) != (job.repeat, job.fold):
        raise InputError(
            f"{model}: was trained for --repeat {own['repeat']} --fold {own['fold']}, not for "
            f"--repeat {job.repeat} --fold {job.fold}; name the folder of that one"
        )


@dataclass(frozen=True)
class Scored:
    """What a model says of the patients of a fold, on the scale of log-odds.

    Attributes
    ----------
    rows, validation : pandas.DataFrame
        Rows of the score table: of the test patients, and of those who decided scale and threshold.
    line : Line
        From the model's own scale to log-odds.
    threshold : float
        Between low and high risk, in log-odds.
    """

    rows: pd.DataFrame
    validation: pd.DataFrame
    line: Line
    threshold: float

    def write(self, folder: Path) -> None:
        """``validation.csv``, ``calibration.json`` and, last, ``scores.csv``."""
        write_table(self.validation, folder / "validation.csv")
        with published(folder / "calibration.json") as temporary:
            values = self.line._asdict() | {"threshold": self.threshold}
            temporary.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
        write_table(self.rows, folder / "scores.csv")


def scored(name: str, value: pd.Series, job: Job, line: Line | None = None) -> Scored:
    """Calibrate what a model says.

    Parameters
    ----------
    name : str
        Name of the score.
    value : pandas.Series
        What the model says of each patient, indexed by ``patient_id``, higher = higher risk.
    job : Job
        The fold.
    line : Line, optional
        The scale, where it is known; else by Platt's sigmoid.

    Returns
    -------
    Scored
        Scale and threshold come from the validation patients: decided before a test patient is
        looked at, and not on the fit patients, whom a network may know by heart. The threshold
        between low and high risk is their median.
    """
    validation = value.loc[sorted(job.parts["validation"])]
    label = job.sequences.patients["label_60m"].loc[validation.index]
    known = label.notna()
    line = line or platt(validation[known].to_numpy(), label[known].to_numpy(int))
    threshold = float(line.log_odds(validation).median())

    def rows(of: pd.Series) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "patient_id": of.index,
                "score": name,
                "repeat": job.repeat,
                "fold": job.fold,
                "value": line.log_odds(of).to_numpy(),
                "risk_60m": expit(line.log_odds(of).to_numpy()),
                "threshold": threshold,
            }
        )

    test = value.loc[sorted(job.parts["test"])]
    return Scored(rows(test), rows(validation), line, threshold)


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
