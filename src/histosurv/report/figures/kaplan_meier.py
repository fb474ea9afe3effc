"""Kaplan-Meier curves of the low and high risk groups, with the numbers under the curve."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.report.figures.style import COLOURS, FAINT, new_figure, styled

GROUPS = ("high", "low")
LINES = {"high": "-", "low": (0, (6, 1.5))}


@styled
def draw_kaplan_meier(curve: pd.DataFrame, numbers: pd.DataFrame, told: str) -> Figure:
    """Draw the curves of one score.

    Parameters
    ----------
    curve : pandas.DataFrame
        ``group, time_months, survival, lower, upper, n_censored``.
    numbers : pandas.DataFrame
        ``group, time_months, at_risk, censored, events`` at each tick.
    told : str
        Text inside the figure: hazard ratio and test.
    """
    ticks = np.sort(numbers["time_months"].unique())
    figure = new_figure(7.2, 5.6)
    axes, table = figure.subplots(2, 1, height_ratios=[4, 1.25], sharex=True)
    for group in GROUPS:
        rows = curve[curve["group"] == group]
        if rows.empty:
            continue
        time, colour = rows["time_months"], COLOURS[group]
        axes.fill_between(
            time, rows["lower"], rows["upper"], step="post", color=colour, alpha=0.15, lw=0
        )
        axes.step(time, rows["survival"], where="post", color=colour, ls=LINES[group],
                  label=f"{group} risk")  # fmt: skip
        lost = rows[rows["n_censored"] > 0]
        axes.plot(lost["time_months"], lost["survival"], "|", color=colour, ms=5, mew=0.8)
    axes.axvline(HORIZON_MONTHS, color=FAINT, lw=0.8, ls=":")
    last = max(ticks[-1], curve["time_months"].max())
    axes.set(ylim=(0, 1.02), xlim=(0, last), ylabel="Free of death of the cancer")
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("Months since surgery")
    axes.legend(loc="lower left")
    axes.text(0.98, 0.97, told, transform=axes.transAxes, ha="right", va="top", fontsize=9)
    _write_numbers(table, numbers, ticks)
    return figure


def _write_numbers(table: Axes, numbers: pd.DataFrame, ticks: np.ndarray) -> None:
    """Rows of numbers that stand under the ticks of the curve above."""
    lines = [(group, what) for group in GROUPS for what in ("at_risk", "censored", "events")]
    for line, (group, what) in enumerate(lines):
        rows = numbers[numbers["group"] == group].set_index("time_months")
        for tick in ticks:
            table.text(
                tick, -line, f"{rows.at[tick, what]:d}", ha="center", va="center", fontsize=8
            )
    table.set_yticks(
        [-line for line in range(len(lines))],
        [f"{group}: {what.replace('_', ' ')}" for group, what in lines],
        fontsize=8,
    )
    for label, (group, _) in zip(table.get_yticklabels(), lines, strict=True):
        label.set_color(COLOURS[group])
    table.set(ylim=(-len(lines) + 0.5, 0.5), xticks=ticks)
    table.spines[:].set_visible(False)
    table.tick_params(length=0, labelbottom=False, pad=16)
