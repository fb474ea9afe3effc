"""From the overview of a tissue microarray to its cores, each with its cell, or to a clear no."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from scipy.special import expit

from histosurv.spots.lattice import (
    ON_NODE,
    REACH,
    Candidates,
    Lattice,
    assign,
    find_candidates,
    offsets_in_steps,
    step_of,
)
from histosurv.spots.lattice_fit import fit_lattice, leverage
from histosurv.spots.overview import (
    SMALLEST_PX,
    core_response,
    coverage,
    estimate_core_px,
    shrink,
    tissue_evidence,
)
from histosurv.spots.placement import Ranking, rank
from histosurv.spots.reconcile import compare, doubts_of_lines, doubts_of_places
from histosurv.spots.tissue import DARK_GLASS

LEAST_COVERAGE = 0.12  # share of a core's disc that holds tissue where a core is present
HALF_A_CORE = 0.35  # share of the disc from which a fragment is more than debris
LEAST_SPREAD = 0.06  # of a step: no punch is straighter
MOST_SPREAD = 0.13  # of a step: beyond it neighbours may change places
STRAYING = 0.09  # of a step: from here on a fragment may be a neighbour's
CLOSEST = 0.75  # core diameters between the centres of two cores
SAME_SIZE = 1.15  # ratio of seen and promised core diameters up to which the promise is used
OTHER_SIZE = 1.35  # ... from which one of the two is wrong


@dataclass(frozen=True)
class Grid:
    """What de-arraying found.

    Attributes
    ----------
    cores : pandas.DataFrame
        One row per cell: ``row, column`` (from 1), ``x, y`` (centre) in pixels of the picture,
        ``present`` (1, 0), ``coverage`` (share of the core's disc that holds tissue),
        ``confidence`` (that this piece of tissue belongs to this cell, 0 to 1).
    core_px : float
        Diameter of a core.
    doubts : list of str
        Why the grid as a whole is not sure; empty = sure.
    remarks : list of str
        What a user should know of a sure grid.
    """

    cores: pd.DataFrame
    core_px: float
    doubts: list[str]
    remarks: list[str]


def dearray(picture: np.ndarray, expected: np.ndarray, core_px: float | None = None) -> Grid:
    """Find the cores of an array and tell which is which.

    Parameters
    ----------
    picture : numpy.ndarray
        (height, width, 3) uint8 overview in bright field, as the scanner gives it.
    expected : numpy.ndarray
        (rows, columns) bool: whether the map gives the cell a core (a patient's or a control).
    core_px : float, optional
        Diameter of a core in pixels of the picture, as diameter and scale promise it; estimated
        where it is not given, and held against the estimate where it is.

    Returns
    -------
    Grid
        Never a guess: where the numbering of rows and columns or the orientation of the slide is
        not far more likely than any other, `Grid.doubts` says so.
    """
    n_cores = max(int(expected.sum()), 1)
    if np.percentile(picture, 95) < DARK_GLASS:
        return Grid(_no_cores(expected), core_px or 0.0, ["the background is not bright"], [])
    doubts = []
    seen_px = estimate_core_px(picture, n_cores)
    if seen_px < SMALLEST_PX:
        return Grid(_no_cores(expected), core_px or 0.0, ["no array of cores was found"], [])
    if core_px and not 1 / OTHER_SIZE < seen_px / core_px < OTHER_SIZE:
        doubts.append(
            f"cores look {seen_px / core_px:.2g} times as large as the core diameter and the "
            "pixel size promise; correct either"
        )
    elif core_px is None or not 1 / SAME_SIZE < seen_px / core_px < SAME_SIZE:
        core_px = seen_px
    small, factor = shrink(picture, core_px)
    work_px = core_px / factor
    evidence = tissue_evidence(small)
    found = find_candidates(core_response(evidence, work_px), work_px, 3 * n_cores + 100)
    lattice = fit_lattice(found)
    most = 2 * max(expected.shape) + 8
    if lattice is None or max(len(lattice.rows), len(lattice.columns)) > most:
        return Grid(_no_cores(expected), core_px, [*doubts, "no array of cores was found"], [])
    likeness = _likeness_of_nodes(lattice, found)
    ranking = rank(lattice, likeness, expected)
    doubts += doubts_of_lines(lattice, found, likeness, ranking, expected)
    lattice = _whole(lattice, ranking, expected.shape)
    spread = _spread(lattice, found)
    if spread > MOST_SPREAD:
        doubts.append("the cores lie too far from straight lines to tell neighbours apart")
    doubts += doubts_of_places(lattice, found)
    cores = _core_table(lattice, found, evidence, work_px, spread)
    more, remarks = compare(cores, expected, ranking)
    cores[["x", "y"]] *= core_px
    return Grid(cores, core_px, doubts + more, remarks)


def _no_cores(expected: np.ndarray) -> pd.DataFrame:
    row, column = np.indices(expected.shape).reshape(2, -1) + 1
    return pd.DataFrame(
        {"row": row, "column": column, "x": np.nan, "y": np.nan, "present": 0}
        | {"coverage": 0.0, "confidence": 0.0}
    )


def _likeness_of_nodes(lattice: Lattice, found: Candidates) -> np.ndarray:
    """How much each node looks like holding a core, (n_rows, n_columns)."""
    likeness = np.zeros((len(lattice.rows), len(lattice.columns)))
    cell = assign(lattice, found, ON_NODE)
    on_node = cell[:, 0] >= 0
    np.maximum.at(likeness, tuple(cell[on_node].T), found.likeness[on_node])
    return likeness


def _whole(lattice: Lattice, ranking: Ranking, shape: tuple[int, int]) -> Lattice:
    """The lattice with exactly the lines of the map, lost ones where they must have been."""
    lines = []
    for position, number, n in (
        (lattice.rows, ranking.best.row_of, shape[0]),
        (lattice.columns, ranking.best.column_of, shape[1]),
    ):
        known, place = number[number >= 0], position[number >= 0]
        step = step_of(place) if len(place) > 1 else step_of(position)
        every = np.arange(n)
        filled = np.interp(every, known, place)
        filled[every < known[0]] = place[0] + step * (every[every < known[0]] - known[0])
        filled[every > known[-1]] = place[-1] + step * (every[every > known[-1]] - known[-1])
        lines.append(filled)
    return replace(lattice, rows=lines[0], columns=lines[1])


def _spread(lattice: Lattice, found: Candidates) -> float:
    """Standard deviation of the cores round their nodes along one axis, in steps.

    Corrected for what the fit of lines and bends has taken away; infinite with too few cores.
    """
    cell = assign(lattice, found, ON_NODE)
    used = (cell[:, 0] >= 0) & (found.likeness > 0.1)
    shift = offsets_in_steps(lattice, found, cell)[used]
    n_fitted = len(lattice.rows) + len(lattice.columns) + lattice.bend.size
    if shift.size <= n_fitted + 4:
        return np.inf
    return max(LEAST_SPREAD, np.sqrt((shift**2).sum() / (shift.size - n_fitted)))


def _core_table(
    lattice: Lattice,
    found: Candidates,
    evidence: np.ndarray,
    work_px: float,
    spread: float,
) -> pd.DataFrame:
    """One row per cell, places in core diameters."""
    nodes = lattice.nodes()
    cell = assign(lattice, found, REACH)
    shift = offsets_in_steps(lattice, found, cell)
    on_node = cell[:, 0] >= 0
    # What the shift would be, had the core not drawn the lattice to itself.
    shift[on_node] /= 1 - leverage(lattice, cell[on_node])
    shift = np.hypot(*shift.T)
    near = (cell[:, 0] >= 0) & (found.likeness > 0.1)
    covered = coverage(evidence, work_px)
    alone = _without(evidence, found.xy[near] * work_px, work_px)
    left = coverage(alone, work_px)
    rows = []
    for row, column in np.ndindex(nodes.shape[:2]):
        here = np.flatnonzero(near & (cell == (row, column)).all(axis=1))
        place, present, sure = nodes[row, column], 0, 1.0
        share = _at(left, place * work_px)
        if len(here):
            order = here[np.argsort(shift[here] - found.likeness[here])]
            best = order[0]
            place, present = found.xy[best], 1
            share = _at(covered, place * work_px)
            sure = expit((1 - 2 * shift[best]) / (2 * spread**2))
            if len(order) > 1:  # two pieces in one cell: which is the core?
                rival = min(1.0, found.likeness[order[1]] / found.likeness[best])
                sure *= 1 - 0.5 * rival if rival > 0.4 else 1
        elif share >= LEAST_COVERAGE:
            # A good part of a core at its node; less may be debris, or a stray neighbour's.
            present, sure = 1, 0.95 if spread < STRAYING and share > HALF_A_CORE else 0.8
        astray = np.inf if not present else shift[best] if len(here) else 0.0
        rows.append((row + 1, column + 1, *place, present, share, sure, astray))
    columns = ["row", "column", "x", "y", "present", "coverage", "confidence", "astray"]
    return _apart(pd.DataFrame(rows, columns=columns)).drop(columns="astray")


def _apart(cores: pd.DataFrame) -> pd.DataFrame:
    """Take the confidence from the stray one of two cores that lie too close to be two."""
    present = cores.index[cores["present"] == 1].to_numpy()
    for pair in cKDTree(cores.loc[present, ["x", "y"]]).query_pairs(CLOSEST):
        stray = max(present[list(pair)], key=lambda core: cores.at[core, "astray"])
        cores.loc[stray, "confidence"] *= 0.5
    return cores


def _at(values: np.ndarray, place: np.ndarray) -> float:
    x, y = np.round(place).astype(int)
    inside = 0 <= y < values.shape[0] and 0 <= x < values.shape[1]
    return float(values[y, x].clip(0, 1)) if inside else 0.0


def _without(evidence: np.ndarray, places: np.ndarray, work_px: float) -> np.ndarray:
    """Evidence less the discs of the cores that are found, for a look at what is left."""
    left = evidence.copy()
    y, x = np.indices(evidence.shape)
    reach = int(work_px)
    for px, py in places:
        top, side = max(0, int(py) - reach), max(0, int(px) - reach)
        window = np.s_[top : int(py) + reach + 1, side : int(px) + reach + 1]
        left[window][np.hypot(x[window] - px, y[window] - py) < 0.58 * work_px] = 0
    return left
