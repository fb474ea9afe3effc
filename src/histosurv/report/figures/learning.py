"""Error per epoch of every network."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from histosurv.report.figures.style import COLOURS, new_figure, short, styled
from histosurv.report.wording import name_of

PARTS = {"fit_error": ("fit", COLOURS["low"]), "validation_error": ("validation", COLOURS["high"])}


@styled
def draw_learning(curves: pd.DataFrame) -> Figure:
    """Draw ``network, job, initialisation, epoch, fit_error, validation_error, best``."""
    networks = list(dict.fromkeys(curves["network"]))
    figure = new_figure(7.2, 3.2)
    panels = figure.subplots(1, len(networks), squeeze=False)[0]
    for axes, network in zip(panels, networks, strict=True):
        own = curves[curves["network"] == network]
        for column, (part, colour) in PARTS.items():
            for number, (_, rows) in enumerate(own.groupby(["job", "initialisation"])):
                axes.plot(rows["epoch"], rows[column], color=colour, lw=0.8, alpha=0.6,
                          label=f"{part} part" if not number else "_")  # fmt: skip
        best = own[own["best"] == 1]
        axes.plot(best["epoch"], best["validation_error"], "o", color=COLOURS["high"], ms=4)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(
            xlim=(0.5, own["epoch"].max() + 0.5), xlabel="Epoch", title=short(name_of(network))
        )
    panels[0].set_ylabel("Error without penalty")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2,
                  fontsize=8)  # fmt: skip
    return figure
