"""How well every score tells who dies sooner."""

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.evaluation.discrimination import shares
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.resampling import percentiles
from histosurv.evaluation.sample import Score
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.time_dependent import auc_estimate

OVER_TIME_MONTHS = np.arange(12.0, HORIZON_MONTHS + 1, 12.0)

_WEIGHTED = "cases dead by 60 months 1/G(T-), controls alive beyond; "
_PAIRS = {
    "auc_ipcw_60m": _WEIGHTED,
    "c_uno": "Uno's C until 60 months; ",
    "c_harrell": "Harrell's C; ",
}
_FOLDS = {
    "": "mean score over repeats, all patients; ",
    "_within_folds": "pairs within folds, mean over repeats; ",
    "_mean_of_folds": "mean of the folds' figures; ",
}
_BOOTSTRAP = "percentile bootstrap of patients"


def discrimination(study: Study, score: Score) -> list[dict]:
    """AUC and concordance of a score, pooled and by fold, and its predictive values."""
    point, drawn, n = study.point(score), study.drawn(score), study.counts(score.rows)
    rows = []
    for name, method in _PAIRS.items():
        size = n["ever"] if name == "c_harrell" else n["horizon"]
        for ending, how in _FOLDS.items():
            estimand = f"{name}{ending}"
            if np.isnan(point[estimand]):
                estimate = Estimate.missing(_no_pair(study, score))
            else:
                estimate = percentiles(point[estimand], drawn[estimand], null=0.5)
            text = method + how + _BOOTSTRAP
            rows.append(row(estimand, estimate, *size, text, score=score.name))
    label = study.sample.label[score.rows]
    known = np.isfinite(label)
    for name, (estimate, of, events) in shares(score.is_high[known], label[known] == 1).items():
        rows.append(
            row(name, estimate, of, events, "high against low risk; Wilson", score=score.name)
        )
    return rows


def over_time(study: Study, score: Score) -> pd.DataFrame:
    """AUC at every year until five: ``time_months, auc, lower, upper, n, events``."""
    of, found = study.of(score), []
    for months in OVER_TIME_MONTHS:
        estimate = auc_estimate(score.value, of.time, of.died, months)
        dead = int((of.died & (of.time <= months)).sum())
        found.append((months, *estimate[:3], len(of), dead))
    columns = ["time_months", "auc", "lower", "upper", "n", "events"]
    return pd.DataFrame(found, columns=columns)


def _no_pair(study: Study, score: Score) -> str:
    dead = study.sample.dead_by_horizon[score.rows]
    if not dead.any():
        return "nobody died of the cancer within 60 months"
    return "nobody was followed beyond 60 months"
