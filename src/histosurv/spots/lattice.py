"""Candidates for cores, and the bent, turned, gappy lattice that they lie on.

Lengths are in core diameters, angles in radians, x to the right and y down.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np
from skimage.feature import peak_local_max

LARGEST_TURN = np.deg2rad(24)
LEAST_RESPONSE = 0.16  # of `core_response`; below it is dust
LEAST_STEP = 0.75  # two lines of cores are never closer
KERNEL = 0.15  # width of one core's vote for a line


@dataclass(frozen=True)
class Candidates:
    """What looks like a core.

    Attributes
    ----------
    xy : numpy.ndarray
        (n, 2) places.
    likeness : numpy.ndarray
        (n,) between 0 (dust) and 1 (as round and whole as this slide's cores are).
    """

    xy: np.ndarray
    likeness: np.ndarray

    def __len__(self) -> int:
        return len(self.likeness)


@dataclass(frozen=True)
class Lattice:
    """Lines of cores with what turns and bends them.

    Attributes
    ----------
    columns, rows : numpy.ndarray
        Positions of the lines at the middle of the array, once it is turned upright.
    bend : numpy.ndarray
        (2, 3): for x and for y the factors of the other coordinate, of its square, and of the
        product of both, in units of `half`.
    half : numpy.ndarray
        (2,) half the size of the upright array.
    turn : float
        Angle of the array in the picture, clockwise.
    middle : numpy.ndarray
        (2,) what it is turned about.
    """

    columns: np.ndarray
    rows: np.ndarray
    bend: np.ndarray
    half: np.ndarray
    turn: float
    middle: np.ndarray

    def places(self, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Where nodes lie in the upright array, for positions of their lines; (..., 2)."""
        u, v = columns / self.half[0], rows / self.half[1]
        x = columns + self.bend[0, 0] * v + self.bend[0, 1] * v**2 + self.bend[0, 2] * u * v
        y = rows + self.bend[1, 0] * u + self.bend[1, 1] * u**2 + self.bend[1, 2] * u * v
        return np.stack([x, y], axis=-1)

    def nodes(self) -> np.ndarray:
        """Places of all nodes in the picture, (n_rows, n_columns, 2)."""
        return self.places(*np.meshgrid(self.columns, self.rows)) @ _rotation(self.turn) + (
            self.middle
        )

    def upright(self, xy: np.ndarray) -> np.ndarray:
        """Turn places of the picture into the upright array."""
        return (xy - self.middle) @ _rotation(self.turn).T


def find_candidates(response: np.ndarray, core_px: float) -> Candidates:
    """Peaks of the response map, at most one per half core."""
    peaks = peak_local_max(
        response,
        min_distance=max(1, int(0.45 * core_px)),
        threshold_abs=LEAST_RESPONSE,
        exclude_border=False,
    )
    height = response[peaks[:, 0], peaks[:, 1]]
    likeness = np.zeros(0)
    if len(peaks):
        usual = np.quantile(height, 0.7)
        likeness = np.clip((height / usual - 0.25) / 0.5, 0, 1)
    return Candidates(_summits(response, peaks)[:, ::-1] / core_px, likeness)


def _summits(response: np.ndarray, peaks: np.ndarray) -> np.ndarray:
    """Places of the peaks between the pixels: summit of a parabola along either axis."""
    padded = np.pad(response, 1, mode="edge")
    row, column = peaks.T + 1
    places = peaks.astype(float)
    for axis, (down, right) in enumerate(((1, 0), (0, 1))):
        before, after = padded[row - down, column - right], padded[row + down, column + right]
        curve = np.minimum(before + after - 2 * padded[row, column], -1e-6)
        places[:, axis] += np.clip(0.5 * (before - after) / curve, -0.5, 0.5)
    return places


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
    upright = (xy - middle) @ _rotation(turn).T
    half = np.maximum(np.abs(upright).max(axis=0), 1.0)
    lines, bend = [], np.zeros((2, 3))
    for axis in (0, 1):
        shear, sag = max(
            itertools.product(_SHEARS, _SAGS),
            key=lambda terms: _crowd(_straight(upright, axis, *terms), weight),
        )
        lines.append(_lines(_straight(upright, axis, shear, sag), weight))
        bend[axis, :2] = shear, sag
    lattice = Lattice(*lines, bend, half, turn, middle)
    for reach in (0.5, 0.45, 0.4, 0.4):
        lattice = _refit(lattice, xy, weight, reach)
    return lattice


def assign(lattice: Lattice, found: Candidates, reach: float = 0.5) -> np.ndarray:
    """Node nearest to each candidate.

    Returns
    -------
    numpy.ndarray
        (n, 2) int: row and column of the lattice; -1 where no node is within `reach` of its
        steps.
    """
    nodes = lattice.places(*np.meshgrid(lattice.columns, lattice.rows))
    n_columns = nodes.shape[1]
    offset = lattice.upright(found.xy)[:, None] - nodes.reshape(1, -1, 2)
    steps = np.array([step_of(lattice.columns), step_of(lattice.rows)])
    distance = np.hypot(*np.moveaxis(offset / steps, -1, 0))
    nearest = distance.argmin(axis=1)
    cell = np.stack([nearest // n_columns, nearest % n_columns], axis=1)
    cell[distance[np.arange(len(cell)), nearest] > reach] = -1
    return cell


def offsets_in_steps(lattice: Lattice, found: Candidates, cell: np.ndarray) -> np.ndarray:
    """Offset of each candidate from its node, (n, 2) in steps of the lattice."""
    nodes = lattice.places(*np.meshgrid(lattice.columns, lattice.rows))
    steps = np.array([step_of(lattice.columns), step_of(lattice.rows)])
    return (lattice.upright(found.xy) - nodes[cell[:, 0], cell[:, 1]]) / steps


def step_of(lines: np.ndarray) -> float:
    """Usual distance between neighbouring lines: the lower middle one, for gaps only widen."""
    if len(lines) < 2:
        return 1.5
    return float(np.quantile(np.diff(lines), 0.4))


_TURNS = np.deg2rad(np.arange(-24, 24.01, 0.5))
_SAGS = np.arange(-1.0, 1.01, 0.2)  # of the outermost cores
_SHEARS = np.arange(-0.6, 0.61, 0.15)


def _rotation(turn: float) -> np.ndarray:
    """Matrix that turns row vectors by an angle, clockwise where y points down."""
    return np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


def _straight(upright: np.ndarray, axis: int, shear: float, sag: float) -> np.ndarray:
    """Coordinate along `axis` with the lines of that family made straight."""
    far = upright[:, 1 - axis] / max(np.abs(upright[:, 1 - axis]).max(), 1.0)
    return upright[:, axis] - shear * far - sag * far**2


def _crowding(xy: np.ndarray, weight: np.ndarray, turn: float) -> float:
    """How much both projections crowd at one turn, each at its best sag."""
    upright = xy @ _rotation(turn).T
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


def _refit(lattice: Lattice, xy: np.ndarray, weight: np.ndarray, reach: float) -> Lattice:
    """Fit lines and bends to the cores nearest to each node."""
    found = Candidates(xy, weight)
    cell = assign(lattice, found, reach)
    used = cell[:, 0] >= 0
    if used.sum() < 4:
        return lattice
    row, column = cell[used].T
    upright = lattice.upright(xy[used])
    fitted, bends = [], []
    for axis, line, lines, other in (
        (0, column, lattice.columns, lattice.rows[row]),
        (1, row, lattice.rows, lattice.columns[column]),
    ):
        own = lines[line] / lattice.half[axis]
        far = other / lattice.half[1 - axis]
        terms = np.stack([far, far**2, own * far], axis=1)
        design = np.concatenate([np.eye(len(lines))[line], terms], axis=1)
        # Gentle reins, so that a line without cores stays and a bend without witness is none.
        prior = np.diag([0.02] * len(lines) + [0.02, 0.1, 0.3])
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
