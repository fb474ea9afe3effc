"""ROC curves of all scores at five years, with the pathologists as points."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from histosurv.report.figures.style import FAINT, colours_of, new_figure, short, styled
from histosurv.report.wording import name_of

MARKERS = {"visual_risk": "D", "grade": "s", "stage": "^"}
FEW_POINTS = 6  # a score with fewer is a call, or grades, and stands as a point


@styled
def draw_roc(
    curves: pd.DataFrame, calls: pd.DataFrame, primary: str, models: Sequence[str]
) -> Figure:
    """Draw curves for scores with many values and points for calls.

    Parameters
    ----------
    curves : pandas.DataFrame
        ``score, false_positive_rate, sensitivity``, in the order of the legend.
    calls : pandas.DataFrame
        By score: ``sensitivity`` and ``specificity`` of high against low risk.
    primary : str
        The score whose curve is drawn boldly.
    models : sequence of str
        Scores that are drawn as curves, however few values they have.
    """
    figure = new_figure(7.4, 4.2)  # next to the legend this leaves a square
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, lw=0.8, ls=":")
    colours = colours_of(dict.fromkeys(curves["score"]))
    for score, rows in curves.groupby("score", sort=False):
        look = {"color": colours[score], "label": short(name_of(score))}
        if score in models or len(rows) > FEW_POINTS:
            is_main = score == primary
            axes.plot(rows["false_positive_rate"], rows["sensitivity"], lw=2.6 if is_main else 1.2,
                      zorder=3 if is_main else 2, **look)  # fmt: skip
        elif score in calls.index:
            axes.plot(1 - calls.at[score, "specificity"], calls.at[score, "sensitivity"],
                      MARKERS.get(score, "o"), ms=7, mec="white", zorder=4, **look)  # fmt: skip
    axes.set(
        xlim=(-0.01, 1.01),
        ylim=(-0.01, 1.01),
        xlabel="1 - specificity: survivors called high risk",
        ylabel="Sensitivity: deaths called high risk",
    )
    figure.legend(loc="outside right center", fontsize=8)
    return figure
