"""Whether the feature files are still what was written."""

from pathlib import Path

import pandas as pd

from histosurv.errors import InputError
from histosurv.features.store import damage
from histosurv.files import file_sha256
from histosurv.progress import track


def verify(store: Path) -> pd.DataFrame:
    """Hash the files of a folder again and compare them with the batch indexes.

    Parameters
    ----------
    store : pathlib.Path
        Folder of the feature files, with the indexes in its ``batches``.

    Returns
    -------
    pandas.DataFrame
        ``spot_id, file, problem``, one row per file; an empty problem is none.

    Raises
    ------
    InputError
        There are no indexes, or one cannot be read.
    """
    tables = [_read_index(path) for path in sorted((store / "batches").glob("*.csv"))]
    if not tables:
        raise InputError(f"{store / 'batches'}: no indexes of feature files there; name the folder")
    rows = pd.concat(tables).query("status == 'done'")
    # An index of an earlier batch size may be left over: one of those that name a file must fit.
    hashes = rows.groupby(["spot_id", "file"])["sha256"].agg(set).reset_index()
    problems = [
        _problem(store / row.file, row.sha256)
        for row in track(hashes.itertuples(), "verifying", "file", total=len(hashes))
    ]
    return hashes[["spot_id", "file"]].assign(problem=problems)


def _read_index(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return table[["spot_id", "status", "file", "sha256"]]
    except (KeyError, ValueError):  # not UTF-8, not a table, another table
        raise InputError(
            f"{path}: no index of feature files; take it away, or mend it with: snakemake "
            "--forcerun features"
        ) from None


def _problem(path: Path, hashes: set[str]) -> str:
    found = damage(path)
    if not found and file_sha256(path) not in hashes:
        return "another file than the index names"
    return found
