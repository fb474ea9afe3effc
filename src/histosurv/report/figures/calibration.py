"""Predicted against observed risk, and what acting on the risk would be worth."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from histosurv.report.figures.style import COLOURS, FAINT, colours_of, new_figure, short, styled
from histosurv.report.wording import name_of

LOWEST = -0.1  # net benefit that is still shown: treating all falls without end


@styled
def draw_calibration(groups: pd.DataFrame, risks: pd.Series) -> Figure:
    """Draw ``predicted, observed, lower, upper`` of one score over a histogram of its risks."""
    figure = new_figure(5.2, 5.4)
    axes, below = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
    axes.plot([0, 1], [0, 1], color=FAINT, lw=0.9, ls=":")
    axes.vlines(
        groups["predicted"], groups["lower"], groups["upper"], color=COLOURS["high"], lw=1.4
    )
    axes.plot(groups["predicted"], groups["observed"], "o-", color=COLOURS["high"], ms=6, lw=1)
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="Observed within five years")
    below.hist(risks, np.linspace(0, 1, 41), color="#999999", ec="white")
    below.set(xlabel="Predicted risk of death of the cancer within five years", ylabel="Patients")
    return figure


@styled
def draw_decision_curve(curves: pd.DataFrame, primary: str) -> Figure:
    """Draw ``rule, threshold, net_benefit``, rules in the order of the legend."""
    figure = new_figure(7.2, 4.0)
    axes = figure.subplots()
    names = {"all": "treat all", "none": "treat none"}
    colours = colours_of(rule for rule in dict.fromkeys(curves["rule"]) if rule not in names)
    colours |= {"all": FAINT, "none": "#000000"}
    for rule, rows in curves.groupby("rule", sort=False):
        is_main = rule == primary
        axes.plot(
            rows["threshold"],
            rows["net_benefit"],
            color=colours[rule],
            lw=2.6 if is_main else 1.2,
            ls="--" if rule in names else "-",
            zorder=3 if is_main else 2,
            label=short(names.get(rule) or name_of(rule)),
        )
    axes.set(
        xlim=(0, 1),
        ylim=(LOWEST, max(0.05, curves["net_benefit"].max() * 1.05)),
        xlabel="Risk from which one would treat",
        ylabel="Net benefit per patient",
    )
    figure.legend(loc="outside right center", fontsize=8)
    return figure
