"""What speaks against a figure: negative controls, the order of tiles, what the networks learnt."""

import math
from pathlib import Path

import pandas as pd

from histosurv.report.content import Content, Missing, Table
from histosurv.report.run import Run
from histosurv.report.sections.training import gradients, learning, orders, training
from histosurv.report.tables import read_metrics
from histosurv.report.wording import MODELS, in_order, interval, name_of, size

CONTROLS = {
    "permuted": "Outcomes dealt anew",
    "background": "Tiles of bare glass alone",
    "block": "Block alone",
}
WRONG = {
    "permuted": "Outcomes were dealt anew, and still {name} ranks them with an AUC of {auc}. That "
    "happens by chance, in more than one of twenty such figures; if it happens again with another "
    "seed (resampling: seed), the study leaks.",
    "background": "From tiles of bare glass alone {name} has an AUC of {auc}: scanning or staining "
    "follows the outcome, and tissue need not be the reason for any other figure.",
    "block": "From the tissue-microarray block alone {name} has an AUC of {auc}: blocks differ in "
    "outcome, and a model may read the block in the stain; see resampling: scheme: blocks.",
}
LEFT_OUT = {
    "background": "not run: no tile of bare glass fits beside a core, or there are no pictures",
    "block": "not run: the spots are not in several blocks, or folds hold whole blocks",
}


def controls(run: Run) -> Content:
    """Controls, order sensitivity, gradient health, training."""
    tables = {
        name: run.results / "controls" / name / "development/evaluation/metrics.csv"
        for name in run.controls
    }
    rows, warnings = control_rows(tables, run.config["controls"])
    told = Missing("No negative control was run. Set controls: true in the config to have them.")
    if rows:
        told = Table(pd.DataFrame(rows))
    trained, of_training = training(run)
    items = {
        "controls": told,
        "orders": orders(run),
        "gradients": gradients(run),
        "learning": learning(run),
        "training": trained,
    }
    return Content(items=items, warnings=warnings + of_training)


def control_rows(
    tables: dict[str, Path], asked: bool | list[str]
) -> tuple[list[dict[str, str]], list[str]]:
    """Lines of the table of controls, and the warnings.

    Parameters
    ----------
    tables : dict of str to pathlib.Path
        Metrics tables by name of the control.
    asked : bool or list of str
        The config's ``controls:``.
    """
    rows, warnings = [], []
    for control, title in CONTROLS.items():
        if control not in tables:
            if asked is True:
                rows.append(_line(title, verdict=LEFT_OUT.get(control, "not run")))
            continue
        table = read_metrics(tables[control])
        table = table[table["estimand"] == "auc_60m_within_folds"].set_index("score")
        for score in in_order([name for name in table.index if name in MODELS]):
            row = table.loc[score]
            rows.append(_line(title, name_of(score), interval(row), size(row), _verdict(row)))
            if row["lower"] > 0.5:
                text = WRONG[control].format(name=name_of(score), auc=interval(row))
                warnings.append(f"Control: {text}")
    return rows, warnings


def _line(control: str, name: str = "", auc: str = "", n: str = "", verdict: str = "") -> dict:
    return {
        "Control": control,
        "Model": name,
        "Five-year AUC within folds": auc,
        "n / dead within five years": n,
        "Verdict": verdict,
    }


def _verdict(row: pd.Series) -> str:
    if not math.isfinite(row["lower"]) or not math.isfinite(row["upper"]):
        return "cannot be told"
    is_within = row["lower"] <= 0.5 <= row["upper"]
    return "as it should be" if is_within else "look: 0.5 is not in the interval"
