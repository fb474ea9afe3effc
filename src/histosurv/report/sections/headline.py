"""The finding: what the study's score does, beside the clinic and the pathologists."""

import math

import pandas as pd

from histosurv.evaluation.sections.comparison import POOLING_GAP
from histosurv.report.run import Run
from histosurv.report.sections.external import finding
from histosurv.report.sections.hazard import why_not_adjusted
from histosurv.report.wording import by_five_years, has, listed, name_of, p_value, size, told

KEY_FIGURES = {
    "auc_ipcw_60m": "Five-year AUC, weighted for those lost",
    "auc_60m": "Five-year AUC, known outcomes",
    "hr_high_low": "Hazard ratio, high against low",
    "hr_per_sd": "Hazard ratio per SD",
}


def headline(run: Run) -> dict:
    """What stands above everything.

    Returns
    -------
    dict
        ``finding`` (one sentence), ``plain`` (sentences on what it means), ``validation`` (which
        kind it is) and ``rows``: a key figure of the score, the clinic and the pathologists in
        each cell, with its place in the metrics table.
    """
    rows = [_figures(run, name) for name in _compared(run)]
    if run.primary not in run.score_names:
        name = f" {run.primary}" if run.primary else ""
        finding = f"There is no score{name} that could be evaluated (evaluation: primary)."
        return {"finding": finding, "plain": [], "validation": "", "rows": rows}
    auc = run.row(run.primary, "auc_ipcw_60m")
    finding = (
        f"{name_of(run.primary)}: five-year AUC for death of the cancer {told(auc)} "
        f"({by_five_years(auc)}), {_others(run)}."
    )
    return {
        "finding": finding,
        "plain": [*_within(run, auc), _ratio(run), *_against(run), *_beyond(run)],
        "validation": _validation(run),
        "rows": rows,
    }


def _within(run: Run, auc: pd.Series) -> list[str]:
    """The figure within folds, where that over all patients is another."""
    within = run.row(run.primary, "auc_ipcw_60m_within_folds")
    if not (has(auc) and has(within)):
        return []
    if abs(auc["estimate"] - within["estimate"]) <= POOLING_GAP:
        return []
    return [
        f"Within folds the AUC is {told(within)}: the folds' models differ in level, and this is "
        "the figure to trust."
    ]


def _compared(run: Run) -> list[str]:
    """The study's score, the clinical baseline and the pathologists, as far as they are there."""
    names = dict.fromkeys((run.primary, "clinical", run.human))
    return [name for name in names if name in run.score_names]


def _others(run: Run) -> str:
    texts = []
    for name, without in (("clinical", "no clinical model"), (run.human, "no pathologist's calls")):
        if name == run.primary:
            continue
        if name in run.score_names:
            texts.append(f"{told(run.row(name, 'auc_ipcw_60m'))} for {_small(name_of(name))}")
        else:
            texts.append(f"{without} to compare with")
    return f"against {listed(texts)}"


def _small(name: str) -> str:
    return name[0].lower() + name[1:]


def _ratio(run: Run) -> str:
    ratio = run.row(run.primary, "hr_high_low")
    auc = run.row(run.primary, "auc_ipcw_60m")
    text = (
        f"Patients called high risk against low risk: hazard ratio {told(ratio)} "
        f"({ratio['n']:.0f} patients, {ratio['events']:.0f} deaths of the cancer)."
    )
    if has(auc) and math.isfinite(auc["lower"]):
        if auc["lower"] <= 0.5 <= auc["upper"]:
            text += (
                " The interval of the AUC includes 0.5: this cohort does not show that the score "
                "tells who dies."
            )
        elif auc["upper"] < 0.5:
            text += (
                " The AUC is below 0.5: the score points the wrong way in this cohort, which asks "
                "for an error to be looked for before anything else."
            )
        else:
            text += " The score tells more than chance would."
    return text


def _against(run: Run) -> list[str]:
    declared = run.config["evaluation"]["against"]
    row = run.row(run.primary, "auc_ipcw_60m_difference", declared)
    if row is None:
        return ["No comparison with another score was declared before that could be made."]
    text = (
        f"The one comparison that was declared before, with {_small(name_of(declared))}: "
        f"difference in AUC {told(row)}"
    )
    if not has(row):
        return [f"{text}."]
    if row["lower"] > 0:
        verdict = "the study's score is the better of the two here"
    elif row["upper"] < 0:
        verdict = "the study's score is the worse of the two here"
    else:
        verdict = "undecided, for the interval includes 0"
    return [f"{text}, {p_value(row['p'])}; {verdict}."]


def _beyond(run: Run) -> list[str]:
    rows = run.metrics[
        (run.metrics["score"] == run.primary) & (run.metrics["estimand"] == "hr_per_sd_adjusted")
    ]
    if rows.empty:
        return [f"Whether the score adds to the clinic was not told: {why_not_adjusted(run)}."]
    row = rows.iloc[0]
    if not has(row):
        return [f"Whether the score adds to the clinic cannot be told: {row['note']}."]
    test = run.row(run.primary, "lrt_added", row["against"])
    return [
        f"Beside {row['against'].replace(' + ', ', ')}: hazard ratio per standard deviation "
        f"{told(row)} ({row['n']:.0f} patients, {row['events']:.0f} deaths)"
        + (f"; likelihood-ratio test {p_value(test['p'])}." if has(test) else ".")
    ]


def _validation(run: Run) -> str:
    if not run.is_learnt:
        return (
            "The score came with the patient table and was not learnt here; it was evaluated in "
            "this cohort alone."
        )
    single = run.config["resampling"]["scheme"] == "single"
    who = "every test patient" if single else "every patient"
    if run.external:
        found = " ".join(finding(run, cohort) for cohort in run.external)
        return (
            f"Internal and external validation. In the development cohort {who} was scored by "
            f"models that had not seen that patient. {found}"
        )
    return (
        f"Internal validation only: {who} was scored by models that had not seen that patient, but "
        "all come from the same cohort. No external cohort has confirmed the figures."
    )


def _figures(run: Run, score: str) -> dict:
    cells = []
    for estimand, title in KEY_FIGURES.items():
        row = run.row(score, estimand)
        cells.append(
            {
                "score": score,
                "estimand": estimand,
                "title": title,
                "text": told(row),
                "n": size(row),
            }
        )
    return {"name": name_of(score), "cells": cells}
