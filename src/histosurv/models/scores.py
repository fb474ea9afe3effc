"""The score table: one row per patient, score and repeat."""

from itertools import product
from pathlib import Path

import pandas as pd

from histosurv.cohort.folds import read_folds
from histosurv.cohort.tables import read_patients
from histosurv.errors import InputError
from histosurv.models.comparators import comparator_scores

SPOT_COLUMNS = ["spot_id", "patient_id", "score", "repeat", "fold", "value"]
COLUMNS = ["patient_id", "score", "repeat", "fold", "value", "risk_60m", "threshold"]


def gather_scores(
    cohort: Path, models: Path, names: list[str], readers: list[str], grade_high: int
) -> pd.DataFrame:
    """Score table of a cohort.

    Parameters
    ----------
    cohort : pathlib.Path
        Folder with ``patients.csv`` and ``folds.csv``.
    models : pathlib.Path
        Folder with ``{name}/{repeat}_{fold}/scores.csv`` of every job.
    names : list of str
        Names of the models.
    readers, grade_high
        As in `histosurv.models.comparators.comparator_scores`.
    """
    folds = read_folds(cohort / "folds.csv")
    tables = [
        _read(models / name / job / "scores.csv") for job, name in product(job_names(folds), names)
    ]
    patients = read_patients(cohort / "patients.csv", readers=readers)
    tables.append(comparator_scores(patients, folds, readers=readers, grade_high=grade_high))
    return gather(tables, folds, names)


def gather_spot_scores(cohort: Path, models: Path, networks: list[str]) -> pd.DataFrame:
    """Scores of single spots by the networks, which score each spot for itself, over all jobs.

    Returns
    -------
    pandas.DataFrame
        ``spot_id, patient_id, score, repeat, fold, value``.
    """
    if not networks:
        return pd.DataFrame(columns=SPOT_COLUMNS)
    jobs = job_names(read_folds(cohort / "folds.csv"))
    table = pd.concat(
        _read(models / name / job / "spots.csv") for job, name in product(jobs, networks)
    )
    return table.sort_values(["score", "repeat", "fold", "spot_id"], kind="stable")


def gather_order_scores(cohort: Path, models: Path, networks: list[str]) -> pd.DataFrame:
    """Scores in other orders of tiles, of the jobs of the first repeat.

    Returns
    -------
    pandas.DataFrame
        ``patient_id, order, value, score, repeat, fold``.
    """
    folds = read_folds(cohort / "folds.csv")
    jobs = job_names(folds[folds["repeat"] == 1])
    return pd.concat(
        _read(models / name / job / "orders.csv") for job, name in product(jobs, networks)
    )


def job_names(folds: pd.DataFrame) -> list[str]:
    """Folders of the jobs, ``{repeat}_{fold}``."""
    pairs = folds[["repeat", "fold"]].drop_duplicates().itertuples(index=False, name=None)
    return [f"{repeat}_{fold}" for repeat, fold in pairs]


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype={"patient_id": str, "spot_id": str}, keep_default_na=False)


def gather(tables: list[pd.DataFrame], folds: pd.DataFrame, learnt: list[str]) -> pd.DataFrame:
    """Join the scores of all models, folds and comparators.

    Parameters
    ----------
    tables : list of pandas.DataFrame
        Rows of the score table.
    folds : pandas.DataFrame
        Membership table.
    learnt : list of str
        Names of the models, which must have scored every patient once per repeat.

    Raises
    ------
    InputError
        A model with a patient scored twice, or not at all, in a repeat.
    """
    scores = pd.concat([table for table in tables if len(table)], ignore_index=True)[COLUMNS]
    tested = folds.loc[folds["part"] == "test", ["patient_id", "repeat", "fold"]]
    expected = set(tested.itertuples(index=False, name=None))
    for name in learnt:
        rows = scores.loc[scores["score"] == name, ["patient_id", "repeat", "fold"]]
        found = list(rows.itertuples(index=False, name=None))
        if len(found) != len(expected) or set(found) != expected:
            raise InputError(
                f"{name}: {len(found)} test scores for {len(expected)} patients and repeats; "
                "delete the results of this model and run the workflow again"
            )
    return scores.sort_values(["score", "repeat", "fold", "patient_id"], kind="stable")
