"""Every score on the same road: simple models, the clinic, the figures of the original study."""

import json

import pandas as pd

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.intervals import Panel, draw_intervals, ends
from histosurv.report.run import Run
from histosurv.report.sections.training import NEARLY_CONSTANT, read_jobs
from histosurv.report.wording import name_of, number, p_of, size, told


def baselines(run: Run) -> Content:
    """Simple models and the clinic beside the study's score."""
    items = {
        "baselines": _figure(run),
        "study_figures": _table(run),
        "tuning": _tuning(run),
    }
    return Content(items=items, warnings=_constant(run))


def _constant(run: Run) -> list[str]:
    found = []
    for score in (*run.models, *run.clinical):
        row = run.row(score, "score_sd")
        if row is not None and row["estimate"] < NEARLY_CONSTANT:
            found.append(
                f"{name_of(score)}: the scores of the tested patients are (nearly) the same: "
                "the model tells nobody apart, and its other figures say nothing."
            )
    return found


def _figure(run: Run) -> Plot | Missing:
    rows = []
    for score in run.score_names:
        auc, ratio = run.row(score, "auc_ipcw_60m"), run.row(score, "hr_per_sd")
        if auc is None or ratio is None:
            continue
        rows.append(
            {"label": name_of(score), "size": size(ratio)} | ends("auc", auc) | ends("hr", ratio)
        )
    table = pd.DataFrame(rows)
    if table.empty or table[["auc", "hr"]].isna().all(axis=None):
        return Missing("No score could be evaluated.")
    panels = [Panel("auc", "AUC at five years", 0.5),
              Panel("hr", "Hazard ratio per SD", 1.0, is_ratio=True)]  # fmt: skip
    alt = "; ".join(
        f"{name_of(s)} AUC {told(run.row(s, 'auc_ipcw_60m'))}, hazard ratio per SD "
        f"{told(run.row(s, 'hr_per_sd'))}"
        for s in run.score_names
    )
    return Plot(
        draw_intervals(table, panels),
        table,
        f"{alt}.",
        "At the right: n / deaths of the cancer, ever.",
    )


def _table(run: Run) -> Table:
    rows = []
    for score in run.score_names:
        ratio, auc = run.row(score, "hr_high_low"), run.row(score, "auc_60m")
        rows.append(
            {
                "Score": name_of(score),
                "Hazard ratio, high against low": told(ratio),
                "p": p_of(ratio),
                "n / deaths": size(ratio),
                "Five-year AUC": told(auc),
                "within folds": told(run.row(score, "auc_60m_within_folds")),
                "of the call": told(run.row(score, "auc_60m_high_low")),
                "n / dead within five years": size(auc),
            }
        )
    return Table(pd.DataFrame(rows))


def _tuning(run: Run) -> Table | Missing:
    """Settings that were tried for each model, and how often each was the best."""
    rows = []
    for name in [*run.models, *run.clinical[:1]]:
        table = read_jobs(run, name, "tuning")
        if table["setting"].nunique() < 2:
            continue
        chosen = table[table["chosen"] == 1].groupby("setting")["job"].nunique()
        for setting, of in table.groupby("setting", sort=False):
            rows.append(
                {
                    "Model": name_of(name),
                    "Setting": _plain(setting),
                    "Inner AUC or C": number(of["value"].mean(), 3),
                    "Chosen": f"{chosen.get(setting, 0)} of {len(run.jobs)}",
                }
            )
    if not rows:
        return Missing(
            "No model's settings were tuned: each has its first (models: tuning: settings)."
        )
    return Table(pd.DataFrame(rows))


def _plain(setting: str) -> str:
    """A setting as text."""
    changes = json.loads(setting)
    told = [f"{key.partition('__')[2] or key} {value}" for key, value in changes.items()]
    return ", ".join(told) or "as in the config"
