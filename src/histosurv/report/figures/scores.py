"""Scores of the cohort by outcome, with the thresholds."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from histosurv.report.figures.style import FAINT, new_figure, styled

OUTCOMES = {1: ("dead of the cancer within five years", "#D55E00", "//"),
            0: ("alive at five years", "#0072B2", ""),
            -1: ("unknown", "#BBBBBB", "..")}  # fmt: skip


@styled
def draw_scores(patients: pd.DataFrame, thresholds: list[float], label: str) -> Figure:
    """Draw histograms of ``value`` by ``label_60m``, one above the other on one axis.

    Parameters
    ----------
    patients : pandas.DataFrame
        ``value`` and ``label_60m``.
    thresholds : list of float
        Dotted lines.
    label : str
        Name of the axis.
    """
    figure = new_figure(7.2, 3.6)
    panels = figure.subplots(len(OUTCOMES), 1, sharex=True, sharey=True)
    value = patients["value"]
    low, high = float(value.min()), float(value.max())
    edges = np.linspace(low, high if high > low else low + 1, 31)
    outcome = patients["label_60m"].fillna(-1).astype(int)
    for axes, (kind, (name, colour, hatch)) in zip(panels, OUTCOMES.items(), strict=True):
        own = value[outcome == kind]
        axes.hist(own, edges, color=colour, ec="white", hatch=hatch)
        for threshold in thresholds:
            axes.axvline(threshold, color=FAINT, lw=0.9, ls=":")
        axes.annotate(f"{name}: {len(own)}", (0.01, 0.95), xycoords="axes fraction", va="top",
                      fontsize=8.5)  # fmt: skip
        axes.margins(y=0.35)
    panels[1].set_ylabel("Patients")
    panels[-1].set_xlabel(label)
    return figure
