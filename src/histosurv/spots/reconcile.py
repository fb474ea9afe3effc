"""Hold a found grid against its map: what makes it doubtful, and what is worth a remark."""

from dataclasses import replace

import numpy as np
import pandas as pd

from histosurv.cohort.slides import cell_name
from histosurv.spots.lattice import (
    ON_NODE,
    REACH,
    Candidates,
    Lattice,
    assign,
    offsets_in_steps,
    step_of,
)
from histosurv.spots.lattice_fit import without_line
from histosurv.spots.placement import SAME_SHAPE, Ranking, strong_lines

SURE = 6.0  # lead in log-likelihood over any other way to number the lines
SURE_TURN = 4.0  # the same over the slide lying otherwise than the map
SURE_CORE = 0.9  # confidence from which a core may be taken for its patient's
LEAST_ON_NODES = 0.85  # share of what looks like cores that lies on the nodes
SLIPPED = 0.12  # of a step: median shift of a line's cores, more for lines with few
LEAST_FOUND = 0.4  # share of the map's cores that are found
NARROWEST_STEP = 0.75  # of the usual one: lines that are closer are not all lines


def doubts_of_lines(
    lattice: Lattice,
    found: Candidates,
    likeness: np.ndarray,
    ranking: Ranking,
    expected: np.ndarray,
) -> list[str]:
    """What speaks against the lattice and the numbering of its lines."""
    best = ranking.best
    cell = assign(lattice, found, ON_NODE)
    used = (cell[:, 0] >= 0) & (best.row_of[cell[:, 0]] >= 0) & (best.column_of[cell[:, 1]] >= 0)
    on_nodes = found.likeness[used].sum() / max(found.likeness.sum(), 1e-9)
    doubts = []
    if on_nodes < LEAST_ON_NODES:
        doubts.append(
            f"{1 - on_nodes:.0%} of what looks like cores does not lie on a grid of "
            f"{expected.shape[0]} rows and {expected.shape[1]} columns"
        )
    for name, numbers, axis in (("row", best.row_of, 1), ("column", best.column_of, 0)):
        used = numbers >= 0
        position = lattice.rows if axis == 1 else lattice.columns
        strong = strong_lines(likeness.sum(axis=axis))
        step = step_of(position[strong]) if strong.sum() > 1 else step_of(position)
        # A line of debris lies anywhere; one that carries on the array is a row of it.
        next_to = np.abs(position[:, None] - position[used]).min(axis=1) / step
        support = likeness.sum(axis=axis)
        beyond = ~used & (strong_lines(support) | ((support >= 1.2) & (abs(next_to - 1) < 0.2)))
        if (np.diff(position[used]) < NARROWEST_STEP * step).any():
            doubts.append(f"two {name}s of cores lie too close to be two")
        if beyond.any():
            doubts.append(
                f"there are more {name}s of cores than the {expected.shape[1 - axis]} of the map"
            )
    if ranking.margin < SURE:
        lost = [
            f"only {len(set(numbers[numbers >= 0]))} of {n} {name}s hold cores"
            for name, numbers, n in (
                ("row", best.row_of, expected.shape[0]),
                ("column", best.column_of, expected.shape[1]),
            )
            if len(set(numbers[numbers >= 0])) < n
        ]
        why = " and ".join(lost) or "debris or gaps leave more than one way to number the lines"
        doubts.append(f"{why}, and the map's empty places do not tell which")
    for name, lead in sorted(ranking.turned_margin.items(), key=lambda item: item[1]):
        if lead < SURE_TURN:
            doubts.append(
                f"the slide looks {name} against the map"
                if lead < 0
                else f"the slide may as well be {name} against the map"
            )
            break
    return doubts


def doubts_of_places(lattice: Lattice, found: Candidates) -> list[str]:
    """Say which rows or columns lie displaced along themselves.

    Each core takes the node nearest to it, so a row that has slipped by more than half a step takes
    the next nodes, one and all. Its cores lie off their nodes to the same side then, or one of
    them lies beyond the end of the row while a node of the row is bare.

    Parameters
    ----------
    lattice : Lattice
        With exactly the lines of the map.
    found : Candidates
        What looks like cores.
    """
    strong = Candidates(found.xy[found.likeness > 0.4], found.likeness[found.likeness > 0.4])
    cell = assign(lattice, strong, REACH)
    used = cell[:, 0] >= 0
    taken = {tuple(place) for place in cell[used].tolist()}
    doubts = []
    for name, axis, lines, others in (
        ("row", 0, lattice.rows, lattice.columns),
        ("column", 1, lattice.columns, lattice.rows),
    ):
        beyond = _beyond(lattice, strong, axis)
        for line in range(len(lines)):
            mine = used & (cell[:, axis] == line)
            # Against the lattice as the other lines have it: an outer one bends it to itself.
            rest = without_line(lattice, strong, mine)
            own = offsets_in_steps(rest, strong, cell)[mine, axis]
            bare = [i for i in range(len(others)) if (line, i)[:: 1 - 2 * axis] not in taken]
            slipped = len(own) >= 3 and abs(np.median(own)) > SLIPPED + 0.15 / np.sqrt(len(own))
            if slipped or (line in beyond and bare):
                label = cell_name(line + 1, 1).split("-")[0] if axis == 0 else str(line + 1)
                doubts.append(f"{name} {label} seems to have slipped against its neighbours")
    return doubts[:3]


def _beyond(lattice: Lattice, strong: Candidates, axis: int) -> set[int]:
    """Lines with a whole core about one step beyond either end."""
    others = (lattice.columns, lattice.rows)[axis]
    step = step_of(others)
    longer = np.concatenate([[others[0] - step], others, [others[-1] + step]])
    wide = replace(lattice, **{("columns", "rows")[axis]: longer})
    cell = assign(wide, strong, REACH)
    outside = np.isin(cell[:, 1 - axis], (0, len(longer) - 1)) & (cell[:, 0] >= 0)
    return set(cell[outside & (strong.likeness > 0.6), axis].tolist())


def _names(cores: pd.DataFrame) -> str:
    """Names of cells, the first few of many."""
    named = [cell_name(core.row, core.column) for core in cores.itertuples()]
    return ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")


def compare(
    cores: pd.DataFrame, expected: np.ndarray, ranking: Ranking
) -> tuple[list[str], list[str]]:
    """Hold the found cores against the map."""
    present = cores["present"].to_numpy().astype(bool)
    wanted = expected.ravel()
    doubts, remarks = [], []
    share = (present & wanted).sum() / max(wanted.sum(), 1)
    if share < LEAST_FOUND:
        doubts.append(f"only {(present & wanted).sum()} of {wanted.sum()} cores were found")
    stray = cores[present & ~wanted & (cores["coverage"] > 0.35).to_numpy()]
    if len(stray):
        doubts.append(f"a core lies at {_names(stray)}, where the map has none")
    unsure = cores[present & wanted & (cores["confidence"] < SURE_CORE).to_numpy()]
    if len(unsure):
        remarks.append(
            f"tissue between two cells, or two pieces in one, is not used: {_names(unsure)}"
        )
    untold = sorted(SAME_SHAPE - set(ranking.turned_margin))
    if untold:
        remarks.append(
            "the map's empty places make no pattern that tells whether the slide is "
            f"{' or '.join(untold)}: its orientation is taken as the map's"
        )
    return doubts, remarks
