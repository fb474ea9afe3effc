"""Absorbance of haematoxylin and eosin, spot by spot and block by block."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from histosurv.report.figures.style import new_figure, short, styled

# Okabe and Ito again; a tenth block and on are drawn in grey.
BLOCKS = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7A5195",
    "#8C564B",
]  # fmt: skip
DYES = {"haematoxylin": "o", "eosin": "s"}
MANY = 1500  # spots that are drawn as pixels, lest the figure grow without end


@styled
def draw_stain(spots: pd.DataFrame) -> Figure:
    """Draw the stain vectors.

    Parameters
    ----------
    spots : pandas.DataFrame
        Rows of the quality table with fitted vectors: ``block`` and the vectors of both dyes.
    """
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    for number, (block, group) in enumerate(spots.groupby(spots["block"].fillna(""))):
        colour = BLOCKS[number] if number < len(BLOCKS) else "#999999"
        for dye, marker in DYES.items():
            red, blue = group[f"{dye}_r"], group[f"{dye}_b"]
            axes.plot(red, blue, marker, color=colour, ms=3, alpha=0.35, mew=0,
                      rasterized=len(spots) > MANY)  # fmt: skip
            label = short(str(block), 20) or "no block"
            shown = dye == "haematoxylin" and number < len(BLOCKS)
            axes.plot(
                red.median(),
                blue.median(),
                marker,
                color=colour,
                ms=9,
                mec="white",
                label=label if shown else "_",
            )
    _label(axes)
    axes.legend(title="Block", fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@styled
def draw_stain_drift(own: pd.DataFrame, others: pd.DataFrame) -> Figure:
    """Draw the stain vectors of another cohort over those of the development cohort, in grey."""
    figure = new_figure(6.4, 4.2)
    axes = figure.subplots()
    n_spots = len(own) + len(others)
    for spots, colour, name in ((own, "#BBBBBB", "development"), (others, BLOCKS[1], "here")):
        for dye, marker in DYES.items():
            axes.plot(spots[f"{dye}_r"], spots[f"{dye}_b"], marker, color=colour, ms=4, alpha=0.6,
                      mew=0, rasterized=n_spots > MANY,
                      label=name if dye == "haematoxylin" else "_")  # fmt: skip
    _label(axes)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _label(axes: Axes) -> None:
    axes.set(
        xlabel="Absorbance of red (of a vector of length 1)",
        ylabel="Absorbance of blue",
    )
    axes.annotate("eosin: squares", (0.02, 0.98), xycoords="axes fraction", va="top")
    axes.annotate("haematoxylin: circles", (0.98, 0.98), xycoords="axes fraction",
                  va="top", ha="right")  # fmt: skip
    axes.margins(0.12)
