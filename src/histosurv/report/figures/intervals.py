"""Figures with their intervals, one line each: forest plots and their like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from histosurv.report.figures.style import FAINT, new_figure, short, styled

LINE_IN, HEAD_IN = 0.27, 0.85
WIDEST = 50.0  # a ratio or its inverse beyond which a bar is cut


@dataclass(frozen=True)
class Panel:
    """One quantity of an interval figure.

    Attributes
    ----------
    key : str
        Column of the estimates; ``{key}_lower`` and ``{key}_upper`` are the ends.
    label : str
        Name of the axis.
    null : float, optional
        Where a line marks "no difference".
    is_ratio : bool
        Whether the axis is logarithmic.
    """

    key: str
    label: str
    null: float | None = None
    is_ratio: bool = False


def ends(key: str, row: pd.Series | None) -> dict[str, float]:
    """Cells of a panel from a row of the metrics table; missing without one."""
    names = {key: "estimate", f"{key}_lower": "lower", f"{key}_upper": "upper"}
    return {name: np.nan if row is None else row[column] for name, column in names.items()}


@styled
def draw_intervals(
    table: pd.DataFrame, panels: Sequence[Panel], *, colours: dict[str, str] | None = None
) -> Figure:
    """Draw a line per row.

    Parameters
    ----------
    table : pandas.DataFrame
        ``label``; the columns of the panels; ``size`` (text at the right edge). Where there is a
        column ``series``, rows of one label share a line, and the series a colour.
    panels : sequence of Panel
        From left to right.
    colours : dict of str to str, optional
        By series.
    """
    labels = list(dict.fromkeys(table["label"]))
    series = list(dict.fromkeys(table["series"])) if "series" in table else [""]
    colours = colours or {"": "#0072B2"}
    figure = new_figure(
        7.4, HEAD_IN + LINE_IN * max(len(labels), 2) * (1 + 0.35 * (len(series) - 1))
    )
    grid = np.atleast_1d(figure.subplots(1, len(panels), sharey=True))
    for axes, panel in zip(grid, panels, strict=True):
        if panel.is_ratio:
            axes.set_xscale("log")
        for number, name in enumerate(series):
            rows = table[table["series"] == name] if "series" in table else table
            shift = (number - (len(series) - 1) / 2) * 0.28
            at = np.array([labels.index(label) for label in rows["label"]]) + shift
            _draw_bars(axes, rows, at, panel, colours[name], name)
        _finish(axes, panel, labels)
    if len(series) > 1:
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper center",
                      ncols=len(series), fontsize=8)  # fmt: skip
    if "size" in table:
        sizes = table.drop_duplicates("label").set_index("label")["size"]
        right = grid[-1].secondary_yaxis("right")
        right.set_yticks(range(len(labels)), [sizes[label] for label in labels], fontsize=8)
        right.spines[:].set_visible(False)
        right.tick_params(length=0)
    return figure


def _draw_bars(
    axes: Axes, rows: pd.DataFrame, at: np.ndarray, panel: Panel, colour: str, name: str
) -> None:
    value, lower, upper = (
        rows[f"{panel.key}{end}"].to_numpy(float) for end in ("", "_lower", "_upper")
    )
    if panel.is_ratio:
        value, lower, upper = (np.clip(of, 1 / WIDEST, WIDEST) for of in (value, lower, upper))
    known = np.isfinite(lower) & np.isfinite(upper)
    axes.hlines(at[known], lower[known], upper[known], color=colour, lw=1.4)
    axes.plot(value, at, "o", color=colour, ms=5, mec="white", mew=0.6, label=short(name))


def _finish(axes: Axes, panel: Panel, labels: list[str]) -> None:
    if panel.null is not None:
        axes.axvline(panel.null, color=FAINT, lw=0.9, ls=":")
    if panel.is_ratio:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, 0.8), max(high, 1.25))
    axes.set_yticks(range(len(labels)), [short(label) for label in labels], fontsize=8.5)
    axes.set(ylim=(len(labels) - 0.4, -0.6), xlabel=panel.label)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#e5e5e5", lw=0.6)
    axes.set_axisbelow(True)
