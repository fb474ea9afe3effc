"""HANCOCK's H&E cores of the tumour centre: slides with their maps, and the authors' tile features.

Notes
-----
Sure: the maps' file names, an array of 12 rows and 6 columns that is taken apart as cores of 1.9
mm, and that maps are for slides turned by 180 degrees (the authors' code and its README); two tiles
of 256 values for each of 760 patients. From others who use the release: that a map has the columns
``core`` and ``Case ID``, the names of the slides, and that block 23 holds one patient. Not known:
whether a cell without a Case ID holds a control core. It is taken to be empty. If it is not, the
search for cores stops and says so; then the cell's word in the map is to be ``control``.
"""

import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from histosurv.cohort.adapters.release import LeftOut, Table, read_csv
from histosurv.cohort.slides import EMPTY
from histosurv.errors import InputError
from histosurv.publish import published, write_table

MAP = {"core": "row-column, 1-1 to 12-6", "Case ID": "the patient"}
ROWS, COLUMNS, CORE_DIAMETER_UM = 12, 6, 1900
FEWEST_CORES = 12  # an array of fewer shows no rows and columns
TILE_FEATURES = "features/tma_tile_dtr_256_HE.npz"


def write_slides(slides: list[Path], maps: Path, out: Path, left_out: LeftOut) -> list[str]:
    """Write the slide table and the maps; what holds too few cores goes to `left_out`."""
    rows = []
    for slide in slides:
        block = re.search(r"block\d+", slide.stem)
        if block is None:
            raise InputError(f"{slide}: the name tells no block; give it the release's name")
        cells = _turned(read_csv(maps / f"TMA_Map_{block[0]}.csv", MAP))
        if (cells["patient_id"] != EMPTY).sum() < FEWEST_CORES:
            left_out.append((slide.stem, "too few cores to find rows and columns by"))
            continue
        write_table(cells, out / "maps" / f"{block[0]}.csv")
        rows.append(
            {
                "slide_id": slide.stem,
                "image": os.path.relpath(slide, out),
                "rows": ROWS,
                "columns": COLUMNS,
                "core_diameter_um": CORE_DIAMETER_UM,
                "map": f"maps/{block[0]}.csv",
                "block": block[0],
            }
        )
    if not rows:
        return [f"{slides[0].parent}: no slide with enough cores; slides.csv is not written"]
    write_table(pd.DataFrame(rows), out / "slides.csv")
    return [f"{out / 'slides.csv'}: {len(rows)} slides; their maps are turned by 180 degrees"]


def _turned(table: Table) -> pd.DataFrame:
    """A map for a slide as it is; cells that the release does not list are empty."""
    table.refuse_odd_ids("core")
    place = table.cells["core"].str.extract(r"^([1-9]\d?)-([1-9])$").astype(float)
    is_off = ~(place[0].between(1, ROWS) & place[1].between(1, COLUMNS))
    table.refuse(is_off, "core", f"is no cell from 1-1 to {ROWS}-{COLUMNS}", "correct the cell")
    case = table.cells["Case ID"].str.removesuffix(".0")
    cells = pd.DataFrame(
        {
            "row": ROWS + 1 - place[0].astype(int),
            "column": COLUMNS + 1 - place[1].astype(int),
            "patient_id": case.str.zfill(3).mask(case == "", EMPTY),
        }
    )
    every = pd.MultiIndex.from_product(
        [range(1, ROWS + 1), range(1, COLUMNS + 1)], names=["row", "column"]
    )
    return cells.set_index(["row", "column"]).reindex(every, fill_value=EMPTY).reset_index()


def write_features(archive: Path, out: Path) -> list[str]:
    """Write a feature file for each patient, and the spot table that names them.

    Raises
    ------
    InputError
        The archive cannot be read, or a patient has something else than two tiles: with one core
        the authors' code pads with zeros on both sides.
    """
    try:
        with np.load(archive, allow_pickle=False) as file:
            tiles = {patient: file[patient] for patient in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{archive}: cannot be read ({error}); bring it again") from None
    for patient, values in tiles.items():
        is_pair = re.fullmatch(r"\d{3}", patient) and values.shape == (512,)
        pair = values.reshape(2, -1) if is_pair else values
        if not is_pair or not np.allclose(np.linalg.norm(pair, axis=1), 1, atol=1e-3):
            raise InputError(
                f"{archive}: array {patient!r} is not a patient's two tiles of 256 values, each of "
                "length 1; bring the file as released"
            )
        with published(out / "features" / f"{patient}.npz") as path, path.open("wb") as target:
            np.savez(target, features=pair)
    spots = pd.DataFrame({"spot_id": list(tiles), "patient_id": list(tiles)})
    write_table(spots, out / "spots.csv")
    return [f"{out / 'spots.csv'}: {len(spots)} patients with two tiles in {out / 'features'}"]
