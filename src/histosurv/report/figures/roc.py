"""ROC curves of all scores at five years, with the pathologists as points."""

import matplotlib as mpl
import pandas as pd

from histosurv.report.figures.style import COLOURS, RC, new_figure, to_svg
from histosurv.report.wording import MODELS, name_of

OTHER_COLOURS = ["#56B4E9", "#E69F00", "#555555", "#117733"]
MARKERS = {"visual_risk": "D", "grade": "s"}


def draw_roc(curves: pd.DataFrame, metrics: pd.DataFrame) -> str:
    """Draw curves for scores with many values and points for calls.

    Parameters
    ----------
    curves : pandas.DataFrame
        ``score, false_positive_rate, sensitivity``.
    metrics : pandas.DataFrame
        The metrics table; points are its sensitivity and specificity of high against low risk.
    """
    figures = metrics.pivot_table(index="score", columns="estimand", values="estimate")
    spare = iter(OTHER_COLOURS * 5)
    with mpl.rc_context(RC):
        figure = new_figure(5.6, 5.2)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls=":")
        for score in sorted(curves["score"].unique(), key=_models_first):
            rows = curves[curves["score"] == score]
            colour = COLOURS.get(score) or next(spare)
            label = name_of(score)
            if score in MODELS or len(rows) > 6:
                axes.plot(
                    rows["false_positive_rate"], rows["sensitivity"], color=colour, label=label
                )
            elif {"sensitivity_60m", "specificity_60m"} <= set(figures.loc[score].dropna().index):
                axes.plot(
                    1 - figures.at[score, "specificity_60m"],
                    figures.at[score, "sensitivity_60m"],
                    MARKERS.get(score, "o"),
                    color=colour,
                    ms=7,
                    label=label,
                )
        axes.set(
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            aspect="equal",
            xlabel="1 - specificity: survivors called high risk",
            ylabel="Sensitivity: deaths called high risk",
        )
        axes.legend(loc="lower right", fontsize=8)
        return to_svg(figure)


def _models_first(score: str) -> tuple[int, str]:
    return (MODELS.index(score) if score in MODELS else len(MODELS), score)
