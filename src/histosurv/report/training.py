"""What the report shows of the networks' training: when it stopped, and whether it learnt."""

import json
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from histosurv.report.figures.gradients import draw_gradients
from histosurv.report.wording import interval, name_of, number

NEARLY_CONSTANT = 0.02  # standard deviation of a score, in log-odds or log hazard


def training_section(
    models: Path, names: list[str], jobs: list[str], metrics: pd.DataFrame
) -> dict:
    """Everything that the report says of the training.

    Parameters
    ----------
    models : pathlib.Path
        Folder with ``{network}/{repeat}_{fold}/training.csv`` and ``gradients.csv``.
    names, jobs : list of str
        The networks, and ``{repeat}_{fold}`` of every job.
    metrics : pandas.DataFrame
        The metrics table, with what the order of tiles does.

    Returns
    -------
    dict
        ``rows`` (text, one per network), ``warnings`` (sentences), ``gradients`` (figure of the
        recurrent network, none where its sequences have one tile) and ``orders`` (text, one
        row per network, none where nobody asked).
    """
    rows, warnings = [], []
    for name in names:
        best = _read(models / name, jobs, "training").query("best == 1")
        rows.append(
            {
                "name": name_of(name),
                "networks": f"{len(best)}",
                "epoch": f"{best['epoch'].median():.0f} ({best['epoch'].min()} to "
                f"{best['epoch'].max()})",
                "fit_error": number(best["fit_error"].median(), 3),
                "validation_error": number(best["validation_error"].median(), 3),
                "penalty": number(best["penalty"].median(), 3),
                "score_sd": number(best["score_sd"].median(), 3),
            }
        )
        n_constant = int((best["score_sd"] < NEARLY_CONSTANT).sum())
        if n_constant:
            warnings.append(
                f"{name_of(name)}: {n_constant} of {len(best)} networks give (nearly) everybody "
                "the same score: they have learnt nothing. Weaken penalties, if there are any "
                f"(models: {name}: l1, l2, penalised), and look at the learning curves "
                "(training.csv)."
            )
    gradients = _read(models / "lstm", jobs, "gradients")
    figure = ""
    if gradients["tile"].max() > 1:
        figure = Markup(draw_gradients(gradients))  # noqa: S704 - matplotlib's own output
    return {
        "rows": rows,
        "warnings": warnings,
        "gradients": figure,
        "orders": _orders(metrics, names),
    }


def tuning_rows(models: Path, names: list[str], jobs: list[str]) -> list[dict[str, str]]:
    """Settings that were tried for each model, and how often each was the best.

    Returns
    -------
    list of dict
        ``name, setting, value`` (mean over inner folds and jobs), ``chosen``; none of models with
        a single setting.
    """
    rows = []
    for name in names:
        table = _read(models / name, jobs, "tuning")
        if table["setting"].nunique() < 2:
            continue
        chosen = table[table["chosen"] == 1].groupby("setting")["job"].nunique()
        for setting, of in table.groupby("setting", sort=False):
            rows.append(
                {
                    "name": name_of(name),
                    "setting": _plain(setting),
                    "value": number(of["value"].mean(), 3),
                    "chosen": f"{chosen.get(setting, 0)} of {len(jobs)}",
                }
            )
    return rows


def _plain(setting: str) -> str:
    """A setting as text."""
    changes = json.loads(setting)
    told = [f"{key.partition('__')[2] or key} {value}" for key, value in changes.items()]
    return ", ".join(told) or "as in the config"


def _count(row: pd.Series) -> str:
    return f"{row['n']:.0f} / {row['events']:.0f}"


def _orders(metrics: pd.DataFrame, names: list[str]) -> list[dict[str, str]]:
    table = metrics.set_index(["score", "estimand"])
    return [
        {
            "name": name_of(name),
            "spread": interval(table.loc[(name, "order_spread")]),
            "change": interval(table.loc[(name, "auc_60m_order_change")], 3),
            "n": _count(table.loc[(name, "order_spread")]),
            "auc_n": _count(table.loc[(name, "auc_60m_order_change")]),
        }
        for name in names
        if (name, "order_spread") in table.index
    ]


def _read(folder: Path, jobs: list[str], what: str) -> pd.DataFrame:
    return pd.concat(pd.read_csv(folder / job / f"{what}.csv").assign(job=job) for job in jobs)
