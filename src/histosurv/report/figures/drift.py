"""Distances of spots from the development cohort."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from histosurv.report.figures.style import COLOURS, FAINT, new_figure, short, styled


@styled
def draw_drift(spots: pd.DataFrame, limit: float, cohort: str) -> Figure:
    """Draw both cohorts' histograms on one axis.

    Parameters
    ----------
    spots : pandas.DataFrame
        ``is_external, distance``.
    limit : float
        Where the dotted line stands.
    cohort : str
        Name of the external one.
    """
    figure = new_figure(7.2, 3.4)
    panels = figure.subplots(2, 1, sharex=True)
    edges = np.linspace(0, float(spots["distance"].max()) * 1.02, 41)
    kinds = ((0, "development", "#999999", ""), (1, short(cohort), COLOURS["high"], "//"))
    for axes, (flag, name, colour, hatch) in zip(panels, kinds, strict=True):
        own = spots.loc[spots["is_external"] == flag, "distance"]
        axes.hist(own, edges, color=colour, ec="white", hatch=hatch)
        axes.axvline(limit, color=FAINT, lw=0.9, ls=":")
        axes.annotate(f"{name}: {len(own)} spots", (0.99, 0.95), xycoords="axes fraction",
                      va="top", ha="right", fontsize=8.5)  # fmt: skip
        axes.set_ylabel("Spots")
    panels[-1].set_xlabel("Distance from the middle of the development cohort (1 = usual)")
    return figure
