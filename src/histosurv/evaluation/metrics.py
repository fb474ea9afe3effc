"""All figures of a study in one long table, and the curves beside it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from histosurv.evaluation.discrimination import (
    auc_by_fold,
    auc_per_repeat,
    auc_pooled,
    auc_within_folds,
    roc_points,
    spread_within_folds,
)
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.resampling import percentiles
from histosurv.evaluation.sample import Sample, Score
from histosurv.evaluation.scores import with_numbers
from histosurv.evaluation.sections import calibration, competing
from histosurv.evaluation.sections.cohort import cohort, orders_matter
from histosurv.evaluation.sections.comparison import comparisons, gaps, not_there
from histosurv.evaluation.sections.discrimination import discrimination, over_time
from histosurv.evaluation.sections.hazard import clinical_models, hazards
from histosurv.evaluation.sections.readers import agreement, like_for_like
from histosurv.evaluation.sections.sensitivity import other_endpoints, with_gaps_filled
from histosurv.evaluation.sections.spots import single_spots
from histosurv.evaluation.sections.subgroups import subgroups, without_each_block
from histosurv.evaluation.spots import Spots
from histosurv.evaluation.study import COLUMNS, Settings, Study, row
from histosurv.evaluation.survival import at_risk, kaplan_meier
from histosurv.parallel import ordered_map
from histosurv.progress import track

TICK_MONTHS = 12
CURVES = [
    "kaplan_meier", "kaplan_meier_overall", "at_risk", "roc", "auc_over_time", "auc_by_fold",
    "incidence", "calibration", "forest",
]  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """Tables of an evaluation.

    Attributes
    ----------
    metrics : pandas.DataFrame
        One row per figure.
    curves : dict of str to pandas.DataFrame
        The tables named in `CURVES`, one row per point and score, and ``decision_curve``.
    warnings : list of str
        What must be known before the figures are read.
    """

    metrics: pd.DataFrame
    curves: dict[str, pd.DataFrame]
    warnings: list[str]


def evaluate(
    patients: pd.DataFrame,
    scores: pd.DataFrame,
    spots: Spots | None = None,
    orders: pd.DataFrame | None = None,
    settings: Settings | None = None,
    threads: int = 1,
) -> Evaluation:
    """Evaluate every score of a table.

    Parameters
    ----------
    patients : pandas.DataFrame
        ``patient_id, time_months, event, label_60m``, and the columns that the settings name.
    scores : pandas.DataFrame
        As from `histosurv.evaluation.scores.read_scores`.
    spots : Spots, optional
        What is known of single spots.
    orders : pandas.DataFrame, optional
        As from `histosurv.evaluation.scores.read_order_scores`.
    settings : Settings, optional
        What is asked; by default no score is compared with another.
    threads : int
        Scores that are resampled at once; they change the speed, and no number.
    """
    spots = spots or Spots()
    sample = Sample.of(spots.with_block(patients))
    # Sums of the same rows in another order differ in the last digit.
    scores = scores.sort_values(["score", "repeat", "patient_id"], kind="stable")
    scores, without = with_numbers(scores)
    of_name = {
        str(name): Score.of(table, sample) for name, table in scores.groupby("score", sort=True)
    }
    study = Study(sample, of_name, settings or Settings())
    rows = cohort(study)
    curves: dict[str, list] = {name: [] for name in CURVES}
    tables = list(scores.groupby("score", sort=True))
    resampled = ordered_map(study.drawn, study.scores.values(), threads)
    for _ in track(resampled, "resampling", "score", total=len(tables)):
        pass  # the study keeps them
    for name, table in track(tables, "evaluating", "score"):
        own, of_score = _of_score(study, str(name), table)
        rows += own
        for curve, points in of_score.items():
            curves[curve].append(points)
    rows += comparisons(study) + agreement(study) + like_for_like(study)
    rows += subgroups(study) + without_each_block(study, spots.members(sample.patients))
    rows += with_gaps_filled(study) + single_spots(study, spots)
    if orders is not None:
        rows += orders_matter(study, orders)
    metrics = pd.DataFrame(rows)[COLUMNS]
    metrics[["n", "events"]] = metrics[["n", "events"]].astype("Int64")
    joined = {
        name: _score_first(pd.concat([of for of in tables if len(of)] or tables[:1]))
        for name, tables in curves.items()
        if tables
    }
    joined |= {name: pd.DataFrame(columns=["score"]) for name in CURVES if name not in joined}
    joined["decision_curve"] = calibration.usefulness(study)
    return Evaluation(metrics, joined, [*without, *not_there(study), *gaps(study)])


def _of_score(
    study: Study, name: str, table: pd.DataFrame
) -> tuple[list[dict], dict[str, pd.DataFrame]]:
    """Rows and curves of one score alone."""
    score = study.scores[name]
    rows = _of_label(study, score, table)
    rows += discrimination(study, score) + hazards(study, score)
    rows += calibration.calibration(study, score) + competing.competing(study, score)
    rows += other_endpoints(study, score)
    adjusted, forest = clinical_models(study, score)
    curves = _curves(study, score) | {"forest": forest, "auc_by_fold": auc_by_fold(table)}
    return rows + adjusted, {curve: of.assign(score=name) for curve, of in curves.items()}


def _of_label(study: Study, score: Score, table: pd.DataFrame) -> list[dict]:
    """The study's own figures, of patients whose outcome at 60 months is known."""
    members, mean = _members(study, score), "auc_60m_mean_of_folds"
    sizes, key = study.counts(score.rows), {"score": score.name}
    known = sizes["label"]
    found = [
        ("auc_60m", auc_pooled(members), known, "out-of-fold scores pooled; DeLong"),
        (
            "auc_60m_high_low",
            auc_pooled(members.assign(value=score.is_high.astype(float))),
            known,
            "high against low risk, like a reader's call; DeLong",
        ),
        (
            "auc_60m_per_repeat",
            auc_per_repeat(table),
            known,
            "folds of a repeat pooled, mean over repeats; DeLong",
        ),
        ("auc_60m_within_folds", auc_within_folds(table), known, "pairs within folds; DeLong"),
        (
            "auc_60m_mean_of_folds",
            percentiles(study.point(score)[mean], study.drawn(score)[mean], null=0.5),
            known,
            "mean of the folds' figures; percentile bootstrap of patients",
        ),
        (
            "score_sd",
            spread_within_folds(table),
            sizes["ever"],
            "standard deviation of the score within folds; chi-squared",
        ),
    ]
    rows = [row(name, estimate, *size, how, **key) for name, estimate, size, how in found]
    for name, is_high in (("low", False), ("high", True)):
        n, events = study.counts(score.rows[score.is_high == is_high])["ever"]
        rows.append(row(f"n_{name}_risk", Estimate(float(n)), n, events, "count", **key))
    return rows


def _curves(study: Study, score: Score) -> dict[str, pd.DataFrame]:
    members = _members(study, score)
    last = study.sample.time.max()
    step = TICK_MONTHS * max(1, round(last / TICK_MONTHS / 10))
    found = {
        "kaplan_meier": kaplan_meier(members),
        "kaplan_meier_overall": kaplan_meier(members.assign(event=members["event"].clip(upper=1))),
        "at_risk": at_risk(members, np.arange(0, last + 1e-9, step)),
        "roc": roc_points(members),
        "auc_over_time": over_time(study, score),
        "incidence": competing.curves(study, score),
    }
    if score.has_risk:
        found["calibration"] = calibration.groups(study, score)
    return found


def _members(study: Study, score: Score) -> pd.DataFrame:
    """Outcomes of the patients who have a score, with ``value`` and ``is_high``."""
    return study.of(score).patients.assign(value=score.value, is_high=score.is_high)


def _score_first(table: pd.DataFrame) -> pd.DataFrame:
    return table[["score", *(name for name in table if name != "score")]].reset_index(drop=True)
