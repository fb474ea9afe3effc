"""A new patient's picture: which tiles speak for a high risk, and how high it is among others."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import expit

from histosurv.publish import published
from histosurv.report.figures.style import COLOURS, RC, new_figure
from histosurv.report.figures.tissue import draw_spot, largest, mappable
from histosurv.report.wording import name_of

SPOTS_A_ROW = 2


def draw_prediction(
    record: dict, name: str, reference: pd.DataFrame, spots: list[dict], path: Path
) -> None:
    """Draw one patient as PNG.

    Parameters
    ----------
    record : dict
        The patient's, as from `histosurv.models.prediction.predict`.
    name : str
        The score that is shown.
    reference : pandas.DataFrame
        ``percent, value`` (log-odds) of the development cohort's out-of-fold scores.
    spots : list of dict
        ``title``, and what `histosurv.report.figures.tissue.draw_spot` takes; none of features
        alone.
    path : pathlib.Path
        The file.
    """
    told = record["scores"][name]
    rows = -(-len(spots) // SPOTS_A_ROW)
    heights = [1.9 * rows, 2.6]
    with mpl.rc_context(RC):
        figure = new_figure(7.2, sum(heights))
        lower = figure
        if rows:
            upper, lower = figure.subfigures(2, 1, height_ratios=heights)
            _draw_spots(upper, spots, rows)
        axes = lower.subplots()
        _draw_reference(axes, reference, told)
        figure.suptitle(
            f"{record['patient_id']}: {name_of(name)}, five-year risk {told['risk_60m']:.0%} "
            f"({told['group']} risk)"
        )
        with published(path) as temporary:
            figure.savefig(temporary, format="png", dpi=150, metadata={"Software": None})


def _draw_spots(figure: mpl.figure.SubFigure, spots: list[dict], rows: int) -> None:
    """Every spot as it is, and beside it in grey under the colours of its tiles."""
    scale = largest(np.concatenate([spot["contributions"] for spot in spots]))
    grid = figure.subplots(rows, 2 * SPOTS_A_ROW, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for number, spot in enumerate(spots):
        plain, coloured = grid[2 * number : 2 * number + 2]
        draw_spot(plain, coloured, spot, scale)
        plain.set_title(spot["title"], fontsize=8)
    bar = figure.colorbar(mappable(scale), ax=list(grid), shrink=0.9, aspect=15)
    bar.set_label("contribution of\nthe tile, log-odds", fontsize=8)


def _draw_reference(axes: Axes, reference: pd.DataFrame, told: dict) -> None:
    """Cumulated scores of the development cohort with the patient's place."""
    axes.plot(expit(reference["value"]), reference["percent"], color="#555555")
    risk, percent = told["risk_60m"], told["percentile"]
    axes.axvline(told["threshold_risk_60m"], color="#999999", ls=":", lw=1)
    axes.annotate(
        "threshold", (told["threshold_risk_60m"], 2), rotation=90, fontsize=8, color="#777777",
        ha="right", va="bottom",
    )  # fmt: skip
    folds = expit(np.array(told["folds"]))
    axes.plot([folds.min(), folds.max()], [percent, percent], color=COLOURS[told["group"]], lw=3)
    axes.plot([risk], [percent], "o", color=COLOURS[told["group"]], ms=9)
    axes.set(
        xlim=(0, 1),
        ylim=(0, 100),
        xlabel="risk of death of the cancer within five years (bar: by each fold's model)",
        ylabel="% of the development\ncohort with a lower score",
    )
