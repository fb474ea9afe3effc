"""Time of every step."""

import pandas as pd
from matplotlib.figure import Figure

from histosurv.report.figures.style import COLOURS, new_figure, styled

UNITS = (("Hours", 3600), ("Minutes", 60), ("Seconds", 1))


@styled
def draw_time(steps: pd.DataFrame) -> Figure:
    """Draw ``step, seconds`` as bars, the longest on top."""
    figure = new_figure(7.2, 0.7 + 0.24 * max(len(steps), 2))
    axes = figure.subplots()
    longest = steps["seconds"].max()
    unit, length = next(of for of in UNITS if longest >= of[1] or of[1] == 1)
    axes.barh(range(len(steps)), steps["seconds"] / length, color=COLOURS["low"], height=0.7)
    axes.set_yticks(range(len(steps)), steps["step"], fontsize=8.5)
    axes.set(ylim=(len(steps) - 0.4, -0.6), xlabel=f"{unit} of all its jobs")
    return figure
