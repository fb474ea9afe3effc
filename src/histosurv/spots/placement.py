"""Which line of the lattice is which row and column of the map, and whether that is sure.

A whole outer row may be lost, debris may make a line of its own, a slide may lie upside down. Every
way to number the lines is weighed against the map; the answer counts as sure only when every other
way is far less likely.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from histosurv.spots.lattice import Lattice, step_of

# Natural logarithms of what may happen to an array, per event.
LOST_LINE = np.log(0.01)  # a whole row or column did not reach the slide
CORE_AT_EMPTY = np.log(0.003)  # what looks like a core lies where the map has none
DEBRIS = np.log(0.03)  # what looks like a core lies off the array
WIDE_STEP = np.log(0.01)  # a wider step between two blocks of lines
STEP_SPREAD = 0.10  # of a regular step
HOPELESS = 25.0  # log-likelihood behind the best reading of the steps
KEPT_PER_AXIS = 30

TURNS = {
    "as the map": lambda cells: cells,
    "turned by 180 degrees": lambda cells: cells[::-1, ::-1],
    "mirrored left to right": lambda cells: cells[:, ::-1],
    "mirrored top to bottom": lambda cells: cells[::-1],
    "turned by 90 degrees": lambda cells: np.rot90(cells),
    "turned by 270 degrees": lambda cells: np.rot90(cells, -1),
    "mirrored along the diagonal": lambda cells: cells.T,
    "mirrored along the other diagonal": lambda cells: cells[::-1, ::-1].T,
}
SAME_SHAPE = {"turned by 180 degrees", "mirrored left to right", "mirrored top to bottom"}


@dataclass(frozen=True)
class Placement:
    """One way to number the lines.

    Attributes
    ----------
    row_of, column_of : numpy.ndarray
        Row (column) of the map, from 0, of each line of the lattice; -1 for a line of debris.
    log_likelihood : float
        Of what was found, up to a constant.
    """

    row_of: np.ndarray
    column_of: np.ndarray
    log_likelihood: float


@dataclass(frozen=True)
class Ranking:
    """The best way to number the lines and how far behind the others are.

    Attributes
    ----------
    best : Placement
        Of those in the map's own orientation.
    margin : float
        Log-likelihood by which it leads those that would give any core another cell.
    turned_margin : dict of float
        The same lead over the best of every other orientation in which the map looks different.
    """

    best: Placement
    margin: float
    turned_margin: dict[str, float]


def rank(lattice: Lattice, likeness: np.ndarray, expected: np.ndarray) -> Ranking:
    """Weigh all ways to number the lines of a lattice.

    Parameters
    ----------
    lattice : Lattice
        The lines.
    likeness : numpy.ndarray
        (n_rows, n_columns) of the lattice: 0 where nothing lies, 1 where a core surely does.
    expected : numpy.ndarray
        (rows, columns) bool of the map: whether the cell was given a core.
    """
    lost = 1 - likeness.sum() / max(expected.sum(), 1)
    log_missing = np.log(np.clip(lost, 0.05, 0.4))
    own = _ranked(lattice, likeness, expected, log_missing)
    strong = [strong_lines(likeness.sum(axis=axis)) for axis in (1, 0)]
    best = own[0]
    rivals = [p.log_likelihood for p in own[1:] if _differ(p, best, strong)]
    turned = {}
    for name, turn in list(TURNS.items())[1:]:
        other = turn(expected)
        if other.shape == expected.shape and (other == expected).all():
            continue  # the map looks the same that way: no pixel can tell
        if other.shape != expected.shape and min(expected.shape) < 2:
            continue
        rival = _ranked(lattice, likeness, other, log_missing)[0]
        turned[name] = best.log_likelihood - rival.log_likelihood
    return Ranking(best, best.log_likelihood - max(rivals, default=-np.inf), turned)


def _differ(one: Placement, other: Placement, strong: list[np.ndarray]) -> bool:
    rows, columns = strong
    return bool(
        (one.row_of[rows] != other.row_of[rows]).any()
        or (one.column_of[columns] != other.column_of[columns]).any()
    )


def strong_lines(support: np.ndarray) -> np.ndarray:
    """Lines that hold more than chance and debris put there."""
    return support >= max(1.5, 0.3 * np.quantile(support, 0.7))


def _ranked(
    lattice: Lattice, likeness: np.ndarray, expected: np.ndarray, log_missing: float
) -> list[Placement]:
    row_ways = _ways(lattice.rows, likeness.sum(axis=1), expected.shape[0])
    column_ways = _ways(lattice.columns, likeness.sum(axis=0), expected.shape[1])
    placements = []
    for (rows, row_cost), (columns, column_cost) in itertools.product(row_ways, column_ways):
        found = np.zeros(expected.shape)
        used_rows, used_columns = rows >= 0, columns >= 0
        found[np.ix_(rows[used_rows], columns[used_columns])] = likeness[
            np.ix_(used_rows, used_columns)
        ]
        off = likeness.sum() - found.sum()
        fit = row_cost + column_cost + off * DEBRIS + _fit(found, expected, log_missing)
        placements.append(Placement(rows, columns, fit))
    return sorted(placements, key=lambda placement: -placement.log_likelihood)


def _fit(found: np.ndarray, expected: np.ndarray, log_missing: float) -> float:
    """Log-likelihood of the pattern of present and missing cores."""
    cost = np.where(expected, (1 - found) * log_missing, found * CORE_AT_EMPTY)
    total = 0.0
    for axis in (1, 0):  # a lost line is one event, not many
        lines = np.where(expected, cost, 0).sum(axis=axis)
        lost = (found * expected).sum(axis=axis) < 0.2
        lost &= lines < LOST_LINE
        total += LOST_LINE * lost.sum()
        keep = ~lost
        cost, expected, found = (
            array[keep] if axis == 1 else array[:, keep] for array in (cost, expected, found)
        )
    return float(total + cost.sum())


def _ways(lines: np.ndarray, support: np.ndarray, n: int) -> list[tuple[np.ndarray, float]]:
    """Likely ways to number the lines of one family, with the log-likelihood of their steps."""
    strong = strong_lines(support)
    step = step_of(lines[strong]) if strong.sum() > 1 else step_of(lines)
    # A line with less than half the usual support may be debris, even if it does not look it.
    doubtful = support < max(2.6, 0.5 * np.quantile(support, 0.7))
    weak = [i for i in np.argsort(support) if doubtful[i]][:5]
    readings = []
    for n_dropped in range(len(weak) + 1):
        for dropped in itertools.combinations(weak, n_dropped):
            kept = np.setdiff1d(np.arange(len(lines)), dropped)
            if len(kept):
                ratios = np.diff(lines[kept]) / step
                readings += [(kept, *reading) for reading in _step_counts(ratios)]
    best_cost = max(cost for *_, cost in readings)
    ways: dict[tuple[int, ...], float] = {}
    for kept, steps, cost in readings:
        if cost < best_cost - HOPELESS:
            continue
        numbers = np.cumsum([0, *steps])
        # From "half of the lines lie before the array" to "half of them lie after it".
        for start in range(-numbers[len(numbers) // 2], n - numbers[(len(numbers) - 1) // 2]):
            place = numbers + start
            inside = (place >= 0) & (place < n)
            way = np.full(len(lines), -1)
            way[kept[inside]] = place[inside]
            key = tuple(way.tolist())
            ways[key] = max(ways.get(key, -np.inf), cost)
    rough = {
        key: cost
        + DEBRIS * support[np.array(key) < 0].sum()
        + LOST_LINE * (n - len({i for i in key if i >= 0}))
        for key, cost in ways.items()
    }
    best = sorted(rough, key=lambda key: -rough[key])[:KEPT_PER_AXIS]
    return [(np.array(key), ways[key]) for key in best]


def _step_counts(ratios: np.ndarray) -> Iterator[tuple[list[int], float]]:
    """Ways to read the distances between lines as whole steps, at most some wider ones."""
    choices = []
    for ratio in ratios:
        whole = max(1, round(ratio))
        counts = {whole, max(1, int(ratio)), 1} if ratio > 1.25 else {1}
        choices.append(
            sorted(((count, _step_cost(ratio, count)) for count in counts), key=lambda c: -c[1])
        )
    unsure = [i for i, choice in enumerate(choices) if len(choice) > 1]
    for i in unsure[4:]:  # more than four odd steps: a muddle, read as best it can be
        choices[i] = choices[i][:1]
    for reading in itertools.product(*choices):
        yield [count for count, _ in reading], sum(cost for _, cost in reading)


def _step_cost(ratio: float, count: int) -> float:
    regular = -0.5 * ((ratio - count) / (STEP_SPREAD * np.sqrt(count))) ** 2
    # Blocks lie farther apart than their lines; nothing lies closer.
    return max(regular, WIDE_STEP) if ratio > count + 0.15 else regular
