"""The index of a batch. Apart from computing features, so that to import them loads no network."""

from pathlib import Path

import pandas as pd

from histosurv.features.store import shape_of, spot_file
from histosurv.files import file_sha256


def index_of(spots: pd.DataFrame, store: Path) -> pd.DataFrame:
    """Index of a batch: every spot with its file, its size and its hash, or why it has none."""
    rows = []
    for spot in spots.to_dict("records"):
        if spot.get("usable", 1) != 1:
            rows.append((spot["spot_id"], "excluded", spot["message"], "", 0, 0, ""))
            continue
        path = spot_file(store, spot["spot_id"])
        rows.append((spot["spot_id"], "done", "", path.name, *shape_of(path), file_sha256(path)))
    columns = ["spot_id", "status", "reason", "file", "n_tiles", "n_features", "sha256"]
    return pd.DataFrame(rows, columns=columns)
