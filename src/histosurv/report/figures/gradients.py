"""How much of the error reaches each tile of the sequence, layer by layer."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from histosurv.report.figures.style import new_figure, styled

_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7"]  # the first layer is next to the tiles

FEW_DECADES = 200.0  # ratio of the ends of the axis below which there is room for 2 and 5


@styled
def draw_gradients(gradients: pd.DataFrame) -> Figure:
    """Draw norms along the sequence before and after training, medians over folds.

    Parameters
    ----------
    gradients : pandas.DataFrame
        ``layer, direction, tile, norm, moment`` of all folds.
    """
    figure = new_figure(7.2, 3.4)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, moment in zip(panels, ("before", "after"), strict=True):
        of_moment = gradients[gradients["moment"] == moment]
        for (layer, direction), rows in of_moment.groupby(["layer", "direction"]):
            middle = rows.groupby("tile")["norm"].median()
            label = f"layer {layer}" + (", backward" if direction == "backward" else "")
            axes.plot(
                middle.index,
                middle.clip(lower=1e-12),
                color=_COLOURS[(layer - 1) % len(_COLOURS)],
                ls="--" if direction == "backward" else "-",
                label=label,
            )
        axes.set(yscale="log", xlabel="Tile of the sequence", title=f"{moment} training")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.margins(x=0.01)
    low, high = panels[0].get_ylim()
    if high / low < FEW_DECADES:
        panels[0].yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panels[0].yaxis.set_minor_formatter(NullFormatter())
    panels[0].set_ylabel("Gradient of the error (norm)")
    panels[1].legend(loc="lower right", fontsize=8)
    return figure
