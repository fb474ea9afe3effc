"""Who teaches, who stops the teaching, who is asked: the rotation of the study."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from histosurv.errors import InputError

Scheme = Literal["rotation", "single", "blocks"]

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
    spots: pd.DataFrame | None = None,
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
    scheme : {'rotation', 'single', 'blocks'}
        Every part of a partition is tested once; or the first alone: the study's one split into
        220, 60 and 140; or every part once, and parts are made of whole tissue-microarray blocks.
        With as many folds as blocks that is leaving one block out.
    spots : pandas.DataFrame, optional
        ``patient_id`` and ``block`` (or ``tma_slide``) of every spot, for whole blocks.

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
    Blocks that share a patient stay together; they are dealt in random order, the largest first,
    each to the fold that is smallest then, and what they balance is the number of patients alone.

    Raises
    ------
    InputError
        Fewer patients or blocks than folds, a spot without a block, or a fold in which one of the
        two outcomes is missing from a part that learns.
    """
    if len(patients) < n_folds:
        raise InputError(
            f"{len(patients)} patients cannot fill {n_folds} folds; lower resampling: folds or "
            "bring more patients"
        )
    code = patients.groupby(["label_60m", *strata], dropna=False, sort=True).ngroup().to_numpy()
    groups = _block_groups(patients, spots, n_folds) if scheme == "blocks" else None
    tables = []
    for repeat in range(1, n_repeats + 1):
        rng = np.random.default_rng([seed, repeat])
        shuffled = rng.permutation(len(patients))
        order = shuffled[np.argsort(code[shuffled], kind="stable")]
        fold_of = np.empty(len(patients), dtype=int)
        fold_of[order] = np.arange(len(patients)) % n_folds + 1
        if scheme == "blocks":
            fold_of = _deal(groups, n_folds, rng)
        for fold in range(1, (1 if scheme == "single" else n_folds) + 1):
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
        There is no such fold; or a patient in two parts: nothing learnt from such a table could be
        believed.
    """
    rows = folds[(folds["repeat"] == repeat) & (folds["fold"] == fold)]
    if rows.empty:
        raise InputError(
            f"--repeat {repeat} --fold {fold}: the folds table has repeats 1 to "
            f"{folds['repeat'].max()} and folds 1 to {folds['fold'].max()}"
        )
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


def blocks_of(spots: pd.DataFrame) -> pd.Series:
    """Tissue-microarray block of each spot; a cell of a whole slide without one has the slide's.

    Raises
    ------
    InputError
        A spot without.
    """
    block = named_blocks(spots)
    if (block == "").any():
        spot = spots.loc[block == "", "spot_id"].iloc[0]
        raise InputError(
            f"spot {spot!r} has no block, which resampling: scheme: blocks and the control `block` "
            "need; fill the spot table's column block"
        )
    return block


def named_blocks(spots: pd.DataFrame) -> pd.Series:
    """The same, empty for a spot without."""
    block = pd.Series("", index=spots.index)
    for name in ("block", "tma_slide"):
        if name in spots:
            block = block.where(block != "", spots[name].fillna("").astype(str).str.strip())
    return block


def blocks_of_patients(spots: pd.DataFrame) -> pd.Series:
    """Names of the blocks of each patient, several with a plus; empty where none is named."""
    names = named_blocks(spots).groupby(spots["patient_id"])
    return names.agg(lambda of: " + ".join(sorted(set(of) - {""})))


def _block_groups(patients: pd.DataFrame, spots: pd.DataFrame, n_folds: int) -> np.ndarray:
    """Number of the group of blocks that each patient belongs to."""
    owner = pd.Categorical(spots["patient_id"], categories=patients["patient_id"]).codes
    block = pd.factorize(blocks_of(spots), sort=True)[0] + len(patients)
    size = len(patients) + block.max() + 1
    links = coo_array((np.ones(len(spots)), (owner, block)), shape=(size, size))
    groups = connected_components(links, directed=False)[1][: len(patients)]
    n_groups = len(np.unique(groups))
    if n_groups < n_folds:
        raise InputError(
            f"{n_groups} tissue-microarray blocks cannot fill {n_folds} folds (blocks that share a "
            "patient count as one); lower resampling: folds, or set scheme: rotation"
        )
    return groups


def _deal(groups: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Fold of each patient; a group stays together."""
    names, sizes = np.unique(groups, return_counts=True)
    shuffled = rng.permutation(len(names))
    held, fold_of = np.zeros(n_folds, int), np.empty(len(groups), int)
    for at in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold = int(held.argmin())
        held[fold] += sizes[at]
        fold_of[groups == names[at]] = fold + 1
    return fold_of


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
