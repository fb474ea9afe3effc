"""Hold what de-arraying says of a drawn array against the truth."""

import numpy as np
from tests.spots.drawn_arrays import DrawnArray

from histosurv.spots.dearray import Grid
from histosurv.spots.reconcile import SURE_CORE


def expected_of(drawn: DrawnArray) -> np.ndarray:
    """Map of a drawn array: which cells were given a core."""
    expected = np.ones(drawn.present.shape, bool)
    for cell in drawn.layout.empty:
        expected[cell] = False
    return expected


def wrong_cells(drawn: DrawnArray, grid: Grid) -> list[tuple]:
    """Cells reported as sure that hold another cell's core."""
    places = np.argwhere(drawn.present)
    centres = drawn.centres[drawn.present]
    wrong = []
    for core in grid.cores.itertuples():
        if core.present and core.confidence >= SURE_CORE:
            distance = np.linalg.norm(centres - (core.x, core.y), axis=1)
            nearest = distance.argmin()
            mine = (core.row - 1, core.column - 1)
            if distance[nearest] < 0.6 * drawn.layout.core_px and tuple(places[nearest]) != mine:
                wrong.append((mine, tuple(int(i) for i in places[nearest])))
    return wrong


def found_share(drawn: DrawnArray, grid: Grid) -> float:
    """Share of the present cores that are reported, sure, and in their place."""
    cores = grid.cores[(grid.cores["present"] == 1) & (grid.cores["confidence"] >= SURE_CORE)]
    hits = 0
    for core in cores.itertuples():
        cell = (core.row - 1, core.column - 1)
        distance = np.linalg.norm(drawn.centres[cell] - (core.x, core.y))
        hits += drawn.present[cell] and distance < 0.3 * drawn.layout.core_px
    return hits / drawn.present.sum()


def outcome(drawn: DrawnArray, grid: Grid) -> str:
    """``right``, ``abstained`` or ``wrong``."""
    if grid.doubts:
        return "abstained"
    return "wrong" if wrong_cells(drawn, grid) else "right"
