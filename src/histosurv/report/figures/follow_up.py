"""For how long patients were followed, and how it ended."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH, HORIZON_MONTHS, OTHER_DEATH
from histosurv.report.figures.style import FAINT, new_figure, styled

ENDS = {CANCER_DEATH: ("death of the cancer", "#D55E00", ""),
        OTHER_DEATH: ("other death", "#999999", "//"),
        ALIVE: ("alive at last contact", "#56B4E9", "..")}  # fmt: skip


@styled
def draw_follow_up(patients: pd.DataFrame) -> Figure:
    """Draw a histogram of ``time_months``, stacked by ``event``."""
    figure = new_figure(7.2, 3.0)
    axes = figure.subplots()
    last = max(float(patients["time_months"].max()), HORIZON_MONTHS)
    width = 6 if last <= 180 else 12
    edges = np.arange(0, last + width, width)
    parts = [patients.loc[patients["event"] == event, "time_months"] for event in ENDS]
    names, colours, hatches = zip(*ENDS.values(), strict=True)
    _, _, bars = axes.hist(parts, edges, stacked=True, color=colours, label=names, ec="white")
    for patches, hatch in zip(bars, hatches, strict=True):
        for patch in patches:
            patch.set_hatch(hatch)
    axes.axvline(HORIZON_MONTHS, color=FAINT, lw=0.9, ls=":")
    axes.set(xlim=(0, edges[-1]), xlabel=f"Months since surgery, by {width}", ylabel="Patients")
    axes.set_xticks(np.arange(0, edges[-1] + 1, 12 if edges[-1] <= 180 else 24))
    axes.legend(fontsize=8.5)
    return figure
