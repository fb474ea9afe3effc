"""Spots under the contributions of their tiles, and single tiles."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from histosurv.report.figures.style import new_figure, short, styled

A_ROW = 3
TILES_A_ROW = 6
COLOURS = mpl.colormaps["RdBu_r"]


@styled
def draw_risk_maps(cases: list[dict]) -> Figure:
    """Draw a spot per patient, plain and under its tiles' contributions.

    Parameters
    ----------
    cases : list of dict
        ``title`` (lines of text), ``ratio`` (width over height of the spot), ``picture`` (image, or
        None where there is none), ``boxes`` (n_tiles, 4): left, top, width and height of every tile
        as shares of the spot, and ``contributions`` (n_tiles,) in log-odds.
    """
    scale = largest(np.concatenate([case["contributions"] for case in cases]))
    n_rows = -(-len(cases) // A_ROW)
    figure = new_figure(7.4, 1.75 * n_rows + 0.7)
    grid = figure.subplots(n_rows, 2 * A_ROW, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, case in enumerate(cases):
        plain, coloured = grid.flat[2 * number], grid.flat[2 * number + 1]
        draw_spot(plain, coloured, case, scale)
        plain.set_title(
            "\n".join(short(line, 34) for line in case["title"]), fontsize=7.5, loc="left"
        )
    bar = figure.colorbar(mappable(scale), ax=grid, location="bottom", shrink=0.5, aspect=40)
    bar.set_label("contribution of the tile, log-odds", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return figure


def largest(contributions: np.ndarray) -> float:
    """Largest size of a contribution, at which the colours end."""
    return float(np.abs(contributions[np.isfinite(contributions)]).max(initial=0)) or 1.0


def mappable(scale: float) -> mpl.cm.ScalarMappable:
    """Colours of contributions, for their bar."""
    return mpl.cm.ScalarMappable(mpl.colors.Normalize(-scale, scale), COLOURS)


def draw_spot(plain: Axes, coloured: Axes, spot: dict, scale: float) -> None:
    """Draw a spot as it is, and in grey under the colours of its tiles.

    Parameters
    ----------
    plain, coloured : matplotlib.axes.Axes
        Where.
    spot : dict
        ``ratio``, ``picture``, ``boxes`` and ``contributions`` as in `draw_risk_maps`.
    scale : float
        Contribution at which the colours end.
    """
    if spot["picture"] is not None:
        place = {"extent": (0, 1, 1, 0)}
        plain.imshow(spot["picture"], interpolation_stage="rgba", **place)
        coloured.imshow(spot["picture"].convert("L"), cmap="gray", vmin=0, vmax=255, **place)
    for box, value in zip(spot["boxes"], spot["contributions"], strict=True):
        if np.isfinite(value):
            colour = COLOURS(0.5 + 0.5 * value / scale)
            coloured.add_patch(Rectangle(box[:2], *box[2:], color=colour, alpha=0.6, lw=0))
    coloured.set(xlim=(0, 1), ylim=(1, 0))
    for axes in (plain, coloured):  # a spot is as wide as it is
        axes.set_aspect(1 / spot["ratio"])


@styled
def draw_tiles(tiles: pd.DataFrame, pictures: list[Image.Image | None]) -> Figure:
    """Draw tiles, those that raise the risk above those that lower it.

    Parameters
    ----------
    tiles : pandas.DataFrame
        ``direction`` (``raises`` or ``lowers``), ``patient_id, contribution``.
    pictures : list of PIL.Image.Image or None
        Of each row.
    """
    kinds = {kind: np.flatnonzero(tiles["direction"] == kind) for kind in ("raises", "lowers")}
    kinds = {kind: at for kind, at in kinds.items() if len(at)}
    rows = {kind: -(-len(at) // TILES_A_ROW) for kind, at in kinds.items()}
    figure = new_figure(7.4, 1.5 * sum(rows.values()) + 0.4 * len(rows))
    parts = np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=list(rows.values())))
    for part, (kind, at) in zip(parts, kinds.items(), strict=True):
        part.suptitle("Tiles that raise the risk most" if kind == "raises"
                      else "Tiles that lower the risk most", fontsize=9)  # fmt: skip
        grid = part.subplots(rows[kind], TILES_A_ROW, squeeze=False).ravel()
        for axes in grid:
            axes.set_axis_off()
        for axes, place in zip(grid, at, strict=False):
            if pictures[place] is not None:
                axes.imshow(pictures[place], interpolation="nearest")
            row = tiles.iloc[place]
            axes.set_title(
                f"{short(row['patient_id'], 14)}\n{row['contribution']:+.3f}", fontsize=7
            )
    return figure
