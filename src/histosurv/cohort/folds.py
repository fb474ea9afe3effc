"""Who teaches, who stops the teaching, who is asked: the rotation of the study."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from histosurv.errors import InputError

Scheme = Literal["rotation", "single"]

# The study's own proportion: of 280 patients outside the test part, 60 decide when to stop.
VALIDATION_SHARE = 60 / 280


def rotate(
    patients: pd.DataFrame,
    *,
    n_repeats: int,
    n_folds: int,
    strata: list[str],
    seed: int,
    scheme: Scheme = "rotation",
) -> pd.DataFrame:
    """Assign every patient to ``fit``, ``validation`` or ``test``, once per repeat and fold.

    Parameters
    ----------
    patients : pandas.DataFrame
        ``patient_id``, ``label_60m`` and the columns of `strata`, sorted by ``patient_id``.
    n_repeats : int
        How many partitions to draw.
    n_folds : int
        Parts of a partition; each patient is in exactly one of them.
    strata : list of str
        Columns to balance besides the label; an unknown label is a stratum of its own.
    seed : int
        Seed of the partition.
    scheme : {'rotation', 'single'}
        Every part of a partition is tested once, or the first alone: the study's one split into
        220, 60 and 140.

    Returns
    -------
    pandas.DataFrame
        ``patient_id, repeat, fold, part``, repeats and folds counted from 1. With 420 patients
        and 3 folds: 220 fit, 60 validation, 140 test.

    Notes
    -----
    Patients are shuffled, put in the order of their strata and dealt to the folds in turn, as
    cards are: fold sizes differ by one at most, and so do each stratum's counts, however small
    it is. The validation part is a systematic sample of the remaining patients in that order.

    Raises
    ------
    InputError
        Fewer patients than folds, or a fold in which one of the two outcomes is missing from a
        part that learns.
    """
    if len(patients) < n_folds:
        raise InputError(
            f"{len(patients)} patients cannot fill {n_folds} folds; lower resampling: folds or "
            "bring more patients"
        )
    code = patients.groupby(["label_60m", *strata], dropna=False, sort=True).ngroup().to_numpy()
    tables = []
    for repeat in range(1, n_repeats + 1):
        rng = np.random.default_rng([seed, repeat])
        shuffled = rng.permutation(len(patients))
        order = shuffled[np.argsort(code[shuffled], kind="stable")]
        fold_of = np.empty(len(patients), dtype=int)
        fold_of[order] = np.arange(len(patients)) % n_folds + 1
        for fold in range(1, (n_folds if scheme == "rotation" else 1) + 1):
            part = np.full(len(patients), "test", dtype=object)
            learning = order[fold_of[order] != fold]
            part[learning] = "fit"
            part[_systematic(learning, round(len(learning) * VALIDATION_SHARE))] = "validation"
            _refuse_one_outcome(patients["label_60m"], part, repeat, fold)
            tables.append(
                pd.DataFrame(
                    {
                        "patient_id": patients["patient_id"].to_numpy(),
                        "repeat": repeat,
                        "fold": fold,
                        "part": part,
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def read_folds(path: Path) -> pd.DataFrame:
    """Read the membership table of `histosurv folds`."""
    return pd.read_csv(path, dtype={"patient_id": str}, keep_default_na=False)


def members(folds: pd.DataFrame, repeat: int, fold: int) -> dict[str, list[str]]:
    """Patients of each part of one fold.

    Raises
    ------
    InputError
        A patient in two parts: nothing learnt from such a table could be believed.
    """
    rows = folds[(folds["repeat"] == repeat) & (folds["fold"] == fold)]
    twice = rows["patient_id"][rows["patient_id"].duplicated()]
    if len(twice):
        raise InputError(
            f"folds table, repeat {repeat}, fold {fold}: patient {twice.iloc[0]!r} is in two "
            "parts; make the table anew with `histosurv folds`"
        )
    return {
        part: rows["patient_id"][rows["part"] == part].tolist()
        for part in ("fit", "validation", "test")
    }


def _systematic(items: np.ndarray, n: int) -> np.ndarray:
    """`n` items at equal distances, so that ordered strata are all represented."""
    return items[np.floor((np.arange(n) + 0.5) * len(items) / max(n, 1)).astype(int)]


def _refuse_one_outcome(label: pd.Series, part: np.ndarray, repeat: int, fold: int) -> None:
    for name in ("fit", "validation"):
        counts = label[part == name].value_counts()
        for value, what in ((1, "dead of the cancer within"), (0, "known alive after")):
            if counts.get(value, 0) == 0:
                raise InputError(
                    f"repeat {repeat}, fold {fold}: no {name} patient is {what} 60 months; "
                    "bring more patients with a known five-year outcome"
                )
