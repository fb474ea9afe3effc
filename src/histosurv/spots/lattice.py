"""Candidates for cores, and the bent, turned, gappy lattice that they may lie on.

Lengths are in core diameters, angles in radians, x to the right and y down.
"""

from dataclasses import dataclass

import numpy as np
from skimage.feature import peak_local_max

REACH = 0.6  # of a step: beyond it a piece of tissue belongs to no cell
ON_NODE = 0.42  # of a step: a core within it lies on its node
LEAST_RESPONSE = 0.16  # of `core_response`; below it is dust


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


def rotation(turn: float) -> np.ndarray:
    """Matrix that turns row vectors by an angle, clockwise where y points down."""
    return np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])


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
        return self.places(*np.meshgrid(self.columns, self.rows)) @ rotation(self.turn) + (
            self.middle
        )

    def upright(self, xy: np.ndarray) -> np.ndarray:
        """Turn places of the picture into the upright array."""
        return (xy - self.middle) @ rotation(self.turn).T


def find_candidates(response: np.ndarray, core_px: float, most: int) -> Candidates:
    """Peaks of the response map, at most one per half core; the `most` highest of them."""
    peaks = peak_local_max(
        response,
        min_distance=max(1, int(0.45 * core_px)),
        threshold_abs=LEAST_RESPONSE,
        exclude_border=False,
        num_peaks=most,
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
