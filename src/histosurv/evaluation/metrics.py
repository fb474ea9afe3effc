"""All figures of a study in one long table, and the curves beside it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import CANCER_DEATH
from histosurv.evaluation.agreement import icc_of_spots
from histosurv.evaluation.discrimination import (
    auc_per_repeat,
    auc_pooled,
    auc_within_folds,
    operating_point,
    roc_points,
    spread_within_folds,
)
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.hazard import hazard_ratio
from histosurv.evaluation.orders import auc_change_by_order, spread_over_orders
from histosurv.evaluation.scores import per_patient
from histosurv.evaluation.survival import at_risk, follow_up_median, kaplan_meier, logrank

COLUMNS = [
    "score", "against", "subgroup", "estimand", "estimate", "lower", "upper", "p", "n", "events",
    "method", "note",
]  # fmt: skip

METHODS = {
    "auc_60m": "out-of-fold scores pooled; DeLong",
    "auc_60m_per_repeat": "folds of a repeat pooled, mean over repeats; DeLong",
    "auc_60m_within_folds": "pairs within folds; DeLong",
    "sensitivity_60m": "high against low risk; Wilson",
    "specificity_60m": "high against low risk; Wilson",
    "score_sd": "standard deviation of the score within folds; chi-squared",
    "icc_spots": "one-way intraclass correlation of single spots; F distribution",
    "order_spread": "SD over random orders of tiles / SD between patients; bootstrap",
    "auc_60m_order_change": "mean over random orders of tiles (lowest to highest); within folds",
    "hr_high_low": "Cox, Efron ties, Wald; cancer death, other deaths censored",
    "logrank": "log-rank, 1 degree of freedom; cancer death, other deaths censored",
}

TICK_MONTHS = 12


@dataclass(frozen=True)
class Evaluation:
    """Tables of an evaluation: ``metrics`` and the curves, one row per point and score."""

    metrics: pd.DataFrame
    kaplan_meier: pd.DataFrame
    at_risk: pd.DataFrame
    roc: pd.DataFrame


def evaluate(
    patients: pd.DataFrame,
    scores: pd.DataFrame,
    spots: pd.DataFrame | None = None,
    orders: pd.DataFrame | None = None,
) -> Evaluation:
    """Evaluate every score of a table.

    Parameters
    ----------
    patients : pandas.DataFrame
        ``patient_id, time_months, event, label_60m``.
    scores : pandas.DataFrame
        As from `histosurv.evaluation.scores.read_scores`.
    spots : pandas.DataFrame, optional
        As from `histosurv.evaluation.scores.read_spot_scores`.
    orders : pandas.DataFrame, optional
        As from `histosurv.evaluation.scores.read_order_scores`.

    Returns
    -------
    Evaluation
        In ``metrics`` the column n counts the patients a figure rests on and ``events`` the
        cancer deaths among them: within five years for figures at 60 months, ever otherwise.
    """
    rows = _cohort_rows(patients)
    curves = {"kaplan_meier": [], "at_risk": [], "roc": []}
    last = patients["time_months"].max()
    step = TICK_MONTHS * max(1, round(last / TICK_MONTHS / 10))
    ticks = np.arange(0, last + 1e-9, step)
    for name, of_score in scores.groupby("score", sort=True):
        table = per_patient(of_score)
        rows += _score_rows(name, of_score, table)
        curves["kaplan_meier"].append(kaplan_meier(table).assign(score=name))
        curves["at_risk"].append(at_risk(table, ticks).assign(score=name))
        curves["roc"].append(roc_points(table).assign(score=name))
    if spots is not None:
        rows += _agreement_rows(patients, spots)
    if orders is not None:
        rows += _order_rows(patients, orders)
    metrics = pd.DataFrame(rows)[COLUMNS]
    metrics[["n", "events"]] = metrics[["n", "events"]].astype("Int64")
    return Evaluation(
        metrics, **{name: _score_first(pd.concat(tables)) for name, tables in curves.items()}
    )


def _score_rows(name: str, of_score: pd.DataFrame, table: pd.DataFrame) -> list[dict]:
    n_known = int(table["label_60m"].notna().sum())
    n_dead = int((table["label_60m"] == 1).sum())
    n_died = int((table["event"] == CANCER_DEATH).sum())
    points = operating_point(table)
    figures = {
        "auc_60m": (auc_pooled(table), n_known, n_dead),
        "auc_60m_per_repeat": (auc_per_repeat(of_score), n_known, n_dead),
        "auc_60m_within_folds": (auc_within_folds(of_score), n_known, n_dead),
        "sensitivity_60m": (*points["sensitivity_60m"], n_dead),
        "specificity_60m": (*points["specificity_60m"], 0),
        "score_sd": (spread_within_folds(of_score), len(table), n_died),
        "hr_high_low": (hazard_ratio(table), len(table), n_died),
        "logrank": (logrank(*_followed(table), table["is_high"].to_numpy()), len(table), n_died),
    }
    rows = [
        _row(name, estimand, estimate, n, events, METHODS[estimand])
        for estimand, (estimate, n, events) in figures.items()
    ]
    for group, is_high in (("low", False), ("high", True)):
        members = table[table["is_high"] == is_high]
        died = int((members["event"] == CANCER_DEATH).sum())
        size = Estimate(float(len(members)))
        rows.append(_row(name, f"n_{group}_risk", size, len(members), died, "count"))
    return rows


def _followed(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Months, and who died of the cancer."""
    died = (table["event"] == CANCER_DEATH).to_numpy()
    return table["time_months"].to_numpy(float), died


def _agreement_rows(patients: pd.DataFrame, spots: pd.DataFrame) -> list[dict]:
    """Agreement between the spots of those patients who have several."""
    died = patients.loc[patients["event"] == CANCER_DEATH, "patient_id"]
    rows = []
    for name, of_score in spots.groupby("score", sort=True):
        estimate, n = icc_of_spots(of_score)
        n_spots = of_score.groupby("patient_id")["spot_id"].nunique()
        events = int(n_spots[n_spots >= 2].index.isin(died).sum())
        rows.append(_row(name, "icc_spots", estimate, n, events, METHODS["icc_spots"]))
    return rows


def _order_rows(patients: pd.DataFrame, orders: pd.DataFrame) -> list[dict]:
    """What the order of tiles does to the scores of the first repeat."""
    outcomes = patients.set_index("patient_id")[["event", "label_60m"]]
    table = orders[orders["repeat"] == orders["repeat"].min()].join(outcomes, on="patient_id")
    rows = []
    for name, of_score in table.groupby("score", sort=True):
        once = of_score[of_score["order"] == 0]
        known = once["label_60m"].notna()
        died, dead = (once["event"] == CANCER_DEATH).sum(), (once["label_60m"] == 1).sum()
        spread, change = spread_over_orders(of_score), auc_change_by_order(of_score)
        rows += [
            _row(name, "order_spread", spread, len(once), int(died), METHODS["order_spread"]),
            _row(
                name, "auc_60m_order_change", change, int(known.sum()), int(dead),
                METHODS["auc_60m_order_change"],
            ),
        ]  # fmt: skip
    return rows


def _cohort_rows(patients: pd.DataFrame) -> list[dict]:
    n = len(patients)
    died = int((patients["event"] == CANCER_DEATH).sum())
    label = patients["label_60m"]
    counts = {
        "n_patients": n,
        "n_cancer_deaths": died,
        "n_other_deaths": int((patients["event"] == 2).sum()),
        "n_dead_60m": int((label == 1).sum()),
        "n_alive_60m": int((label == 0).sum()),
        "n_unknown_60m": int(label.isna().sum()),
    }
    rows = [
        _row("", name, Estimate(float(count)), n, died, "count") for name, count in counts.items()
    ]
    follow_up = follow_up_median(patients)
    return [
        *rows, _row("", "follow_up_median_months", follow_up, n, died, "reverse Kaplan-Meier")
    ]  # fmt: skip


def _row(score: str, estimand: str, estimate: Estimate, n: int, events: int, method: str) -> dict:
    return {
        "score": score,
        "against": "",
        "subgroup": "",
        "estimand": estimand,
        "estimate": estimate.value,
        "lower": estimate.lower,
        "upper": estimate.upper,
        "p": estimate.p,
        "n": n,
        "events": events,
        "method": method,
        "note": estimate.note,
    }


def _score_first(table: pd.DataFrame) -> pd.DataFrame:
    return table[["score", *(name for name in table if name != "score")]].reset_index(drop=True)
