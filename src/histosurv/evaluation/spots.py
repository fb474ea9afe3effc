"""What is known of single spots: their scores, their block, and remarks on their quality."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.columns import read_table, require_columns
from histosurv.cohort.folds import named_blocks
from histosurv.cohort.tables import read_checked_spots
from histosurv.errors import InputError


@dataclass(frozen=True)
class Spots:
    """Tables of the single spots, each None where it was not brought.

    Attributes
    ----------
    scores : pandas.DataFrame
        ``spot_id, patient_id, score, repeat, fold, value``.
    blocks : pandas.DataFrame
        ``patient_id, block``: the tissue-microarray blocks in which a patient has a spot.
    remarked : frozenset of str
        Spots that are used in spite of a remark on their quality: out of focus, ink, folds,
        little tissue.
    """

    scores: pd.DataFrame | None = None
    blocks: pd.DataFrame | None = None
    remarked: frozenset[str] | None = None

    @classmethod
    def read(
        cls, scores: Path | None, table: Path | None, quality: Sequence[Path] | None
    ) -> "Spots":
        """Read the score table of single spots, the spot table, and the quality tables."""
        found = blocks = remarked = None
        if scores:
            found = read_table(scores, "spot_scores")
        if table:
            blocks = blocks_in(read_checked_spots(table))
        if quality:
            seen = pd.concat([_read_quality(path) for path in quality])
            doubtful = seen["usable"].eq("1") & seen["reasons"].ne("")
            remarked = frozenset(seen.loc[doubtful, "spot_id"])
        return cls(found, blocks, remarked)

    def with_block(self, patients: pd.DataFrame) -> pd.DataFrame:
        """Put the spots' blocks into a column ``block``, empty where a patient's lie in several."""
        if self.blocks is None or self.blocks.empty:
            return patients
        alone = self.blocks.drop_duplicates("patient_id", keep=False)
        block = alone.set_index("patient_id")["block"].reindex(patients["patient_id"])
        return patients.assign(block=block.fillna("").to_numpy())

    def members(self, patients: pd.DataFrame) -> dict[str, np.ndarray]:
        """(n,) whether each patient has a spot in a block, by block in order of the names."""
        blocks = self.blocks
        if blocks is None or blocks.empty:
            named = patients.get("block", pd.Series("", index=patients.index)).fillna("")
            blocks = patients[["patient_id"]].assign(block=named.astype(str).str.strip())
            blocks = blocks[blocks["block"] != ""]
        return {
            str(block): patients["patient_id"].isin(rows["patient_id"]).to_numpy()
            for block, rows in blocks.groupby("block", sort=True)
        }


def blocks_in(spots: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a patient and a block in which a spot of that patient lies."""
    named = spots[["patient_id"]].assign(block=named_blocks(spots))
    return named[named["block"] != ""].drop_duplicates().reset_index(drop=True)


def _read_quality(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no quality table ({error}); correct the path") from None
    require_columns(table, ["spot_id", "usable", "reasons"], path, "--quality")
    return table
