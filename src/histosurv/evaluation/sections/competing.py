"""Deaths of the cancer beside other deaths, by group."""

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import CANCER_DEATH, HORIZON_MONTHS, OTHER_DEATH
from histosurv.evaluation.competing import fine_gray, gray_test, incidence
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.hazard import why_not
from histosurv.evaluation.sample import Score
from histosurv.evaluation.sections.hazard import standardised
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.survival import GROUPS

CAUSES = {"cancer": CANCER_DEATH, "other": OTHER_DEATH}


def competing(study: Study, score: Score) -> list[dict]:
    """Incidence at 60 months by group, Gray's test, subdistribution hazard ratios."""
    of, key = study.of(score), {"score": score.name}
    rows = []
    for name, is_high in GROUPS.items():
        group = score.is_high == is_high
        n, events = int(group.sum()), int(of.dead_by_horizon[group].sum())
        for cause, code in CAUSES.items():
            estimate = Estimate.missing(f"nobody is at {name} risk")
            if n:
                estimate = incidence(of.time[group], of.event[group], code).at(HORIZON_MONTHS)
            how = "Aalen-Johansen; log-log"
            rows.append(
                row(f"incidence_60m_{cause}", estimate, n, events, how, subgroup=name, **key)
            )
    size = study.counts(score.rows)["ever"]
    high = score.is_high.astype(float)
    how = "Fine-Gray, robust; other deaths compete"
    test = gray_test(of.time, of.event, high)
    rows.append(row("gray", test, *size, "Gray's test, high against low", **key))
    for name, x in (("shr_high_low", high), ("shr_per_sd", standardised(score))):
        estimate = _subdistribution(of.time, of.event, x)
        rows.append(row(name, estimate, *size, how, **key))
    return rows


def _subdistribution(time: np.ndarray, event: np.ndarray, x: np.ndarray) -> Estimate:
    reason = why_not(pd.DataFrame({"the score": x}), event == CANCER_DEATH)
    if reason:
        return Estimate.missing(reason)
    try:
        return fine_gray(time, event, x[:, None]).ratio(0)
    except (ArithmeticError, np.linalg.LinAlgError):
        return Estimate.missing("the Fine-Gray regression has no finite ratio")


def curves(study: Study, score: Score) -> pd.DataFrame:
    """Incidence by group and cause: ``group, cause, time_months, incidence, lower, upper``."""
    of, tables = study.of(score), []
    for name, is_high in GROUPS.items():
        group = score.is_high == is_high
        if not group.any():
            continue
        for cause, code in CAUSES.items():
            curve = incidence(of.time[group], of.event[group], code)
            steps = np.concatenate([[True], np.diff(curve.values) > 0])
            at = curve.times[steps]
            estimates = [curve.at(months)[:3] for months in at]
            table = pd.DataFrame(estimates, columns=["incidence", "lower", "upper"])
            tables.append(table.assign(group=name, cause=cause, time_months=at))
    columns = ["group", "cause", "time_months", "incidence", "lower", "upper"]
    return pd.concat(tables)[columns]
