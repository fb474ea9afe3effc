"""Fit a lattice to the cores of an array: its turn first, then its lines, then all at once."""

import itertools
from dataclasses import replace

import numpy as np

from histosurv.spots.lattice import Candidates, Lattice, assign, rotation

LEAST_STEP = 0.75  # core diameters: two lines of cores are never closer
KERNEL = 0.15  # width of one core's vote for a line, in core diameters
MOST_LINES = 150  # of either family; no array has so many
MOST_LEVERAGE = 0.75  # a core that is alone on its line says nothing of its own shift


def fit_lattice(found: Candidates) -> Lattice | None:
    """Find the lines that the cores lie on.

    Parameters
    ----------
    found : Candidates
        Cores and debris.

    Returns
    -------
    Lattice or None
        None where nothing like a lattice is there.

    Notes
    -----
    Turn and sag of either family of lines are those at which the projections of the cores
    crowd most; then lines, turn, sag and keystone are fitted together by least squares with
    Huber's weights, each core drawing the line nearest to it.
    """
    strong = found.likeness > 0.2
    xy, weight = found.xy[strong], found.likeness[strong]
    if len(xy) < 4:
        return None
    middle = (xy.min(axis=0) + xy.max(axis=0)) / 2
    turn = max(_TURNS, key=lambda turn: _crowding(xy - middle, weight, turn))
    upright = (xy - middle) @ rotation(turn).T
    half = np.maximum(np.abs(upright).max(axis=0), 1.0)
    lines, bend = [], np.zeros((2, 3))
    for axis in (0, 1):
        shear, sag = max(
            itertools.product(_SHEARS, _SAGS),
            key=lambda terms: _crowd(_straight(upright, axis, *terms), weight),
        )
        lines.append(_lines(_straight(upright, axis, shear, sag), weight))
        bend[axis, :2] = shear, sag
    if min(map(len, lines)) == 0 or max(map(len, lines)) > MOST_LINES:
        return None
    lattice = Lattice(*lines, bend, half, turn, middle)
    for reach in (0.5, 0.45, 0.4, 0.4):
        lattice = _refit(_merged(lattice, xy, weight), xy, weight, reach)
    return _merged(lattice, xy, weight)


_TURNS = np.deg2rad(np.arange(-24, 24.01, 0.5))
_SAGS = np.arange(-1.0, 1.01, 0.2)  # of the outermost cores
_SHEARS = np.arange(-0.6, 0.61, 0.15)


def _straight(upright: np.ndarray, axis: int, shear: float, sag: float) -> np.ndarray:
    """Coordinate along `axis` with the lines of that family made straight."""
    far = upright[:, 1 - axis] / max(np.abs(upright[:, 1 - axis]).max(), 1.0)
    return upright[:, axis] - shear * far - sag * far**2


def _crowding(xy: np.ndarray, weight: np.ndarray, turn: float) -> float:
    """How much both projections crowd at one turn, each at its best sag."""
    upright = xy @ rotation(turn).T
    return sum(
        max(_crowd(_straight(upright, axis, 0.0, sag), weight) for sag in _SAGS[1::2])
        for axis in (0, 1)
    )


def _crowd(position: np.ndarray, weight: np.ndarray) -> float:
    return (_density(position, weight)[1] ** 2).sum()


def _density(position: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Votes for lines on a fine raster."""
    step = KERNEL / 3
    start = position.min() - 4 * KERNEL
    n = int((position.max() - start + 4 * KERNEL) / step) + 2
    counts = np.bincount(((position - start) / step).astype(int), weight, minlength=n)
    return start + (np.arange(n) + 0.5) * step, np.convolve(counts, _VOTE, mode="same")


_VOTE = np.exp(-0.5 * (np.arange(-9, 10) / 3) ** 2)


def _lines(position: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Positions of the lines: summits of the votes, the higher ones first."""
    raster, density = _density(position, weight)
    summits = np.flatnonzero(
        (density[1:-1] >= density[:-2]) & (density[1:-1] > density[2:]) & (density[1:-1] > 0.15)
    )
    taken: list[float] = []
    for summit in sorted(summits + 1, key=lambda at: -density[at]):
        if all(abs(raster[summit] - line) >= LEAST_STEP for line in taken):
            taken.append(raster[summit])
    return np.sort(taken)


def without_line(lattice: Lattice, found: Candidates, own: np.ndarray) -> Lattice:
    """The lattice as the other cores have it.

    Parameters
    ----------
    lattice : Lattice
        A fitted lattice.
    found : Candidates
        Its cores.
    own : numpy.ndarray
        (n,) bool: the cores that do not count.
    """
    weight = np.where(own, 0.0, found.likeness)
    for _ in range(2):
        lattice = _refit(lattice, found.xy, weight, 0.45)
    return lattice


def leverage(lattice: Lattice, cell: np.ndarray) -> np.ndarray:
    """How far each core decides where its own node lies.

    Parameters
    ----------
    lattice : Lattice
        A fitted lattice.
    cell : numpy.ndarray
        (n, 2) row and column of each core.

    Returns
    -------
    numpy.ndarray
        (n, 2) for x and y, between 0 and `MOST_LEVERAGE`: the diagonal of the least-squares hat
        matrix. A residual divided by one less this is the one that the core has when it is left
        out of the fit.
    """
    both = []
    for axis in (0, 1):
        design, prior = _design(lattice, cell, axis)
        hat = np.linalg.solve(design.T @ design + prior, design.T)
        both.append(np.minimum((design.T * hat).sum(axis=0), MOST_LEVERAGE))
    return np.stack(both, axis=1)


def _design(lattice: Lattice, cell: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Design matrix of one axis (its lines, then three bends) and gentle reins.

    The reins keep a line without cores in its place, and let a bend without witness be none.
    """
    lines, others = ((lattice.columns, lattice.rows), (lattice.rows, lattice.columns))[axis]
    own, other = cell[:, 1 - axis], cell[:, axis]
    near = lines[own] / lattice.half[axis]
    far = others[other] / lattice.half[1 - axis]
    design = [np.eye(len(lines))[own], np.stack([far, far**2, near * far], axis=1)]
    return np.concatenate(design, axis=1), np.diag([0.02] * len(lines) + [0.02, 0.1, 0.3])


def _merged(lattice: Lattice, xy: np.ndarray, weight: np.ndarray) -> Lattice:
    """The lattice without lines that have come to lie on a better one."""
    cell = assign(lattice, Candidates(xy, weight))
    kept = []
    for axis, lines in ((1, lattice.columns), (0, lattice.rows)):
        used = cell[:, axis] >= 0
        support = np.bincount(cell[used, axis], weight[used], minlength=len(lines))
        taken: list[int] = []
        for line in np.argsort(-support, kind="stable"):
            if all(abs(lines[line] - lines[other]) >= LEAST_STEP for other in taken):
                taken.append(line)
        kept.append(lines[np.sort(taken)])
    return replace(lattice, columns=kept[0], rows=kept[1])


def _refit(lattice: Lattice, xy: np.ndarray, weight: np.ndarray, reach: float) -> Lattice:
    """Fit lines and bends to the cores nearest to each node."""
    found = Candidates(xy, weight)
    cell = assign(lattice, found, reach)
    used = cell[:, 0] >= 0
    if used.sum() < 4:
        return lattice
    upright = lattice.upright(xy[used])
    fitted, bends = [], []
    for axis, lines in enumerate((lattice.columns, lattice.rows)):
        design, prior = _design(lattice, cell[used], axis)
        target = np.concatenate([lines, lattice.bend[axis, :1], [0, 0]])
        solution = target
        robust = np.ones(used.sum())
        for _ in range(3):
            w = weight[used] * robust
            normal = design.T @ (w[:, None] * design) + prior
            solution = np.linalg.solve(normal, design.T @ (w * upright[:, axis]) + prior @ target)
            residual = np.abs(design @ solution - upright[:, axis])
            robust = np.minimum(1, 0.15 / np.maximum(residual, 1e-6))
        fitted.append(solution[: len(lines)])
        bends.append(solution[len(lines) :])
    return replace(
        lattice, columns=np.sort(fitted[0]), rows=np.sort(fitted[1]), bend=np.array(bends)
    )
