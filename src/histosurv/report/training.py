"""What the report shows of the networks' training: when it stopped, and whether it learnt."""

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from histosurv.report.figures.gradients import draw_gradients
from histosurv.report.wording import name_of, number

NEARLY_CONSTANT = 0.02  # standard deviation of a score, in log-odds or log hazard


def training_section(models: Path, names: list[str], jobs: list[str]) -> dict:
    """Everything that the report says of the training.

    Parameters
    ----------
    models : pathlib.Path
        Folder with ``{network}/{repeat}_{fold}/training.csv`` and ``gradients.csv``.
    names, jobs : list of str
        The networks, and ``{repeat}_{fold}`` of every job.

    Returns
    -------
    dict
        ``rows`` (text, one per network), ``warnings`` (sentences), and ``gradients`` (figure of the
        recurrent network, none where its sequences have one tile).
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
    return {"rows": rows, "warnings": warnings, "gradients": figure}


def _read(folder: Path, jobs: list[str], what: str) -> pd.DataFrame:
    return pd.concat(pd.read_csv(folder / job / f"{what}.csv") for job in jobs)
