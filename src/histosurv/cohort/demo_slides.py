"""The simulated spots as cores of whole tissue-microarray slides, with their maps."""

from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from histosurv.cohort.slides import CONTROL, EMPTY
from histosurv.publish import published, write_table

FEWEST_PATIENTS = 32  # of fewer, some arrays are left undecided; of these, none of 60 was
COLUMNS = 8
PITCH = 1.35  # core diameters from centre to centre
JITTER = 0.08  # of a core's diameter, to all sides
LEAD = (EMPTY, CONTROL, EMPTY)  # the first cells of every array, which tell how it lies


def lay_out(spots: pd.DataFrame) -> pd.DataFrame:
    """Map of one block: row by row, the leading cells first, empty places at the end.

    Returns
    -------
    pandas.DataFrame
        ``row``, ``column``, ``patient_id`` and ``spot_id`` ('' where there is no patient).
    """
    n_rows = -(-(len(spots) + len(LEAD)) // COLUMNS)
    padding = n_rows * COLUMNS - len(spots) - len(LEAD)
    patients = [*LEAD, *spots["patient_id"], *[EMPTY] * padding]
    names = [*[""] * len(LEAD), *spots["spot_id"], *[""] * padding]
    row, column = np.indices((n_rows, COLUMNS)).reshape(2, -1) + 1
    return pd.DataFrame({"row": row, "column": column, "patient_id": patients, "spot_id": names})


def write_slide(
    folder: Path, block: str, cells: pd.DataFrame, pictures: dict[str, np.ndarray], mpp: float
) -> None:
    """Write one slide as a tiled pyramid with its scale, and its map.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the cohort: the slide is ``slides/{block}.tif``, the map ``maps/{block}.csv``.
    block : str
        Name of the slide.
    cells : pandas.DataFrame
        As from `lay_out`.
    pictures : dict of numpy.ndarray
        (side, side, 3) uint8 of every spot; the control is one of them.
    mpp : float
        Micrometres per pixel.
    """
    rng = np.random.default_rng(len(cells))
    side = len(next(iter(pictures.values())))
    step, shake = round(side * PITCH), round(side * JITTER)
    rows, columns = int(cells["row"].max()), int(cells["column"].max())
    glass = np.median([picture[0, 0] for picture in pictures.values()], axis=0)
    slide = np.empty(((rows + 1) * step, (columns + 1) * step, 3), np.uint8)
    slide[:] = glass
    control = next(iter(pictures.values()))[:, ::-1]
    for cell in cells.to_dict("records"):
        if cell["patient_id"] == EMPTY:
            continue
        picture = pictures.get(cell["spot_id"], control)
        x, y = rng.integers(-shake, shake + 1, 2)
        top = cell["row"] * step - side // 2 + y
        left = cell["column"] * step - side // 2 + x
        slide[top : top + side, left : left + side] = picture
    per_cm = 1e4 / mpp
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "zlib"}
    with (
        published(folder / "slides" / f"{block}.tif") as temporary,
        tifffile.TiffWriter(temporary) as file,
    ):
        file.write(slide, resolution=(per_cm, per_cm), resolutionunit="CENTIMETER", **options)
        file.write(slide[::4, ::4], subfiletype=1, **options)
    write_table(cells.drop(columns="spot_id"), folder / "maps" / f"{block}.csv")


def slide_table(layouts: dict[str, pd.DataFrame], core_diameter_um: float) -> pd.DataFrame:
    """The slide table of all blocks."""
    return pd.DataFrame(
        {
            "slide_id": list(layouts),
            "image": [f"slides/{block}.tif" for block in layouts],
            "rows": [int(cells["row"].max()) for cells in layouts.values()],
            "columns": [int(cells["column"].max()) for cells in layouts.values()],
            "core_diameter_um": core_diameter_um,
            "map": [f"maps/{block}.csv" for block in layouts],
        }
    )
