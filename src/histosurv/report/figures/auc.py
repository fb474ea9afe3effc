"""Discrimination along the years, and fold by fold."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from histosurv.report.figures.style import COLOURS, FAINT, colours_of, new_figure, short, styled
from histosurv.report.wording import name_of


@styled
def draw_auc_over_time(curves: pd.DataFrame, primary: str) -> Figure:
    """Draw ``score, time_months, auc, lower, upper``; the primary score with its band."""
    figure = new_figure(7.2, 3.8)
    axes = figure.subplots()
    colours = colours_of(dict.fromkeys(curves["score"]))
    for score, rows in curves.groupby("score", sort=False):
        is_main = score == primary
        if is_main:
            axes.fill_between(rows["time_months"], rows["lower"], rows["upper"], lw=0,
                              color=colours[score], alpha=0.15)  # fmt: skip
        axes.plot(rows["time_months"], rows["auc"], "o-", ms=6 if is_main else 3.5,
                  lw=2.6 if is_main else 1.1, color=colours[score], zorder=3 if is_main else 2,
                  label=short(name_of(score)))  # fmt: skip
    axes.axhline(0.5, color=FAINT, lw=0.9, ls=":")
    axes.set(xlabel="Months since surgery", ylabel="AUC until then")
    axes.set_xticks(sorted(curves["time_months"].unique()))
    figure.legend(loc="outside right center", fontsize=8)
    return figure


@styled
def draw_auc_by_fold(table: pd.DataFrame) -> Figure:
    """Draw ``score, repeat, fold, auc``: a point per fold, a line at the mean of each score."""
    scores = list(dict.fromkeys(table["score"]))
    figure = new_figure(7.2, 0.9 + 0.33 * max(len(scores), 2))
    axes = figure.subplots()
    for place, score in enumerate(scores):
        own = table[(table["score"] == score) & table["auc"].notna()]
        # Spread by fold, so that points of one figure do not hide each other.
        shift = np.linspace(-0.22, 0.22, len(own)) if len(own) > 1 else np.zeros(len(own))
        axes.plot(own["auc"], place + shift, "o", ms=4, alpha=0.6, mew=0, color=COLOURS["low"])
        if len(own):
            axes.vlines(own["auc"].mean(), place - 0.34, place + 0.34, color="#000000", lw=1.6)
    axes.axvline(0.5, color=FAINT, lw=0.9, ls=":")
    names = [short(name_of(score)) for score in scores]
    axes.set_yticks(range(len(scores)), names, fontsize=8.5)
    axes.set(
        ylim=(len(scores) - 0.4, -0.6), xlabel="Five-year AUC in the tested patients of a fold"
    )
    return figure
