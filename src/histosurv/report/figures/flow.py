"""Flow of patients and spots, as boxes."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from histosurv.report.figures.style import FAINT, new_figure, styled

LINE_IN, PADDING_IN = 0.15, 0.08
BOX = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": "#555555", "lw": 0.9}
OUT = BOX | {"ec": "#B04A00"}
LEFT, RIGHT, WRAP, END_WRAP = 0.26, 0.58, 42, 26


@styled
def draw_flow(steps: pd.DataFrame) -> Figure:
    """Draw the steps from top to bottom, with what is lost at each to the right.

    Parameters
    ----------
    steps : pandas.DataFrame
        ``step, kind, text, n``: kind ``in`` (a box of the flow), ``out`` (left out after the box
        of the same step), ``end`` (side by side at the bottom); ``text`` names what is counted.
    """
    rows = []
    for step, of in steps.groupby("step", sort=True):
        parts = {kind: _lines(of[of["kind"] == kind]) for kind in ("in", "out", "end")}
        rows.append((step, parts))
    heights = [
        0.7 + LINE_IN * max(len(p["in"]), len(p["out"]), _tallest(p["end"])) for _, p in rows
    ]
    figure = new_figure(7.4, sum(heights))
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(sum(heights), 0))
    axes.set_axis_off()
    top, below = 0.0, None
    for (_, parts), height in zip(rows, heights, strict=True):
        middle = top + height / 2
        if parts["in"]:
            if below is not None:
                _arrow(axes, (LEFT, below), (LEFT, _upper_edge(middle, parts["in"])))
            if parts["out"]:
                _arrow(axes, (LEFT, middle), (RIGHT - 0.015, middle))
                _box(axes, RIGHT, middle, parts["out"], OUT, align="left")
            _box(axes, LEFT, middle, parts["in"], BOX)
            below = middle
        for number, line in enumerate(parts["end"]):
            x = (number + 0.5) / len(parts["end"])
            lines = textwrap.wrap(line, END_WRAP)
            _arrow(axes, (LEFT, below), (x, _upper_edge(middle, lines)))
            _box(axes, x, middle, lines, BOX)
        top += height
    return figure


def _lines(of: pd.DataFrame) -> list[str]:
    is_out = (of["kind"] == "out").all()
    told = [
        f"{text}: {n:,}" if is_out else f"{n:,} {text}"
        for n, text in zip(of["n"], of["text"], strict=True)
    ]
    if (of["kind"] == "end").all():
        return told
    return [line for text in told for line in textwrap.wrap(text, WRAP)]


def _tallest(ends: list[str]) -> int:
    return max((len(textwrap.wrap(line, END_WRAP)) for line in ends), default=0)


def _upper_edge(middle: float, lines: list[str]) -> float:
    """Where an arrow to a box ends, in inches from the top of the figure."""
    return middle - (len(lines) * LINE_IN) / 2 - PADDING_IN


def _box(
    axes: Axes, x: float, y: float, lines: list[str], look: dict, align: str = "center"
) -> None:
    axes.text(x, y, "\n".join(lines), ha=align, va="center", fontsize=8.5, bbox=look, zorder=2)


def _arrow(axes: Axes, start: tuple, end: tuple) -> None:
    look = {"arrowstyle": "-|>", "color": FAINT, "lw": 0.9, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=look, zorder=1)
