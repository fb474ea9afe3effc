"""Cumulative incidence of deaths of the cancer and of other deaths, by group."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.report.figures.kaplan_meier import GROUPS, LINES
from histosurv.report.figures.style import COLOURS, FAINT, new_figure, styled

CAUSES = {"cancer": "Death of the cancer", "other": "Other death"}


@styled
def draw_incidence(curves: pd.DataFrame, last: float) -> Figure:
    """Draw ``group, cause, time_months, incidence, lower, upper`` of one score, a panel a cause.

    The curves are drawn until the last month of follow-up.
    """
    figure = new_figure(7.2, 3.4)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (cause, title) in zip(panels, CAUSES.items(), strict=True):
        for group in GROUPS:
            rows = curves[(curves["group"] == group) & (curves["cause"] == cause)]
            if rows.empty:
                continue
            step = _from_zero(rows, last)
            axes.fill_between(step["time_months"], step["lower"], step["upper"], step="post", lw=0,
                              color=COLOURS[group], alpha=0.15)  # fmt: skip
            axes.step(step["time_months"], step["incidence"], where="post", ls=LINES[group],
                      color=COLOURS[group], label=f"{group} risk")  # fmt: skip
        axes.axvline(HORIZON_MONTHS, color=FAINT, lw=0.8, ls=":")
        axes.set(xlim=(0, last), ylim=(0, 1.02), xlabel="Months since surgery", title=title)
        axes.set_xticks(np.arange(0, last + 1, 24))
    panels[0].set_ylabel("Cumulative incidence")
    panels[0].legend(loc="upper left", fontsize=8.5)
    return figure


def _from_zero(rows: pd.DataFrame, last: float) -> pd.DataFrame:
    """The steps with their start, and drawn on to the end of the axis."""
    start = pd.DataFrame({"time_months": [0.0], "incidence": 0.0, "lower": 0.0, "upper": 0.0})
    end = rows.tail(1).assign(time_months=last)
    return pd.concat([start, rows[start.columns], end[start.columns]])
