"""Whether the predicted risks come true, and what treating by them would be worth."""

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.evaluation.calibration import (
    calibration_groups,
    integrated_brier,
    observed_to_expected,
    risks_before,
    slope,
)
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.resampling import percentiles
from histosurv.evaluation.sample import Score
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.usefulness import decision_curve

GRID_MONTHS = np.arange(6.0, HORIZON_MONTHS + 1, 6.0)
THRESHOLDS = np.arange(0.05, 0.96, 0.05).round(2)


def calibration(study: Study, score: Score) -> list[dict]:
    """Brier score, IPA, observed over expected and slope of a score with risks; else nothing."""
    if not score.has_risk:
        return []
    of, size = study.of(score), study.counts(score.rows)["horizon"]
    seen = (of.time, of.died)
    point, drawn = study.point(score), study.drawn(score)
    along = integrated_brier(
        risks_before(score.risk, GRID_MONTHS, HORIZON_MONTHS, *seen), GRID_MONTHS, *seen
    )
    found = [
        (
            "brier_60m",
            percentiles(point["brier_60m"], drawn["brier_60m"]),
            "weighted for censoring; percentile bootstrap of patients",
        ),
        (
            "ipa_60m",
            percentiles(point["ipa_60m"], drawn["ipa_60m"], null=0.0),
            "1 - Brier / Brier of the Kaplan-Meier curve; percentile bootstrap of patients",
        ),
        (
            "ibs_6_to_60m",
            Estimate(along, note="no interval: the figure is for comparison only"),
            "Brier score over every sixth month; risks before 60 months by proportional hazards",
        ),
        (
            "observed_to_expected_60m",
            observed_to_expected(score.risk, of.time, of.event, HORIZON_MONTHS),
            "Aalen-Johansen over mean risk; Poisson deaths",
        ),
        (
            "calibration_slope_60m",
            slope(score.risk, *seen, HORIZON_MONTHS),
            "Cox on log(-log(1 - risk)), follow-up cut at 60 months; p against 1",
        ),
    ]
    return [row(name, estimate, *size, how, score=score.name) for name, estimate, how in found]


def groups(study: Study, score: Score) -> pd.DataFrame:
    """Predicted and observed risk by quarters: columns of `calibration_groups`."""
    of = study.of(score)
    return calibration_groups(score.risk, of.time, of.event, HORIZON_MONTHS)


def usefulness(study: Study) -> pd.DataFrame:
    """Net benefit of every score, of all and none: columns of `decision_curve`, ``n, events``.

    A score without risks treats the patients whom it calls high, at each threshold. All rules
    concern the patients who have every score.
    """
    rows = study.everybody
    for score in study.scores.values():
        rows = np.intersect1d(rows, score.rows)
    if not len(rows):
        names = ["rule", "threshold", "net_benefit", "n_treated", "n", "events"]
        return pd.DataFrame(columns=names)
    rules = {}
    for name, score in study.scores.items():
        own = score.among(rows)
        rules[name] = own.risk if score.has_risk else own.is_high
    of, (n, events) = study.sample.only(rows), study.counts(rows)["horizon"]
    curve = decision_curve(rules, of.time, of.event, HORIZON_MONTHS, THRESHOLDS)
    return curve.assign(n=n, events=events)
