"""Who is evaluated, for how long they were followed, and what the order of tiles says."""

import pandas as pd

from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH, HORIZON_MONTHS, OTHER_DEATH
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.orders import auc_change_by_order, spread_over_orders
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.survival import follow_up_median, survival_at


def cohort(study: Study) -> list[dict]:
    """Numbers of patients by outcome, follow-up, survival of all at 60 months."""
    of, size = study.sample, study.counts(study.everybody)["ever"]
    early = of.time < HORIZON_MONTHS
    counts = {
        "n_patients": len(of),
        "n_cancer_deaths": (of.event == CANCER_DEATH).sum(),
        "n_other_deaths": (of.event == OTHER_DEATH).sum(),
        "n_dead_60m": (of.label == 1).sum(),
        "n_alive_60m": (of.label == 0).sum(),
        "n_unknown_60m": pd.isna(of.label).sum(),
        "n_unknown_60m_lost": ((of.event == ALIVE) & early).sum(),
        "n_unknown_60m_other_death": (pd.isna(of.label) & (of.event == OTHER_DEATH)).sum(),
    }
    rows = [row(name, Estimate(float(count)), *size, "count") for name, count in counts.items()]
    follow_up = follow_up_median(of.patients)
    rows.append(row("follow_up_median_months", follow_up, *size, "reverse Kaplan-Meier"))
    kinds = {"survival_60m_cancer": of.died, "survival_60m_overall": of.event != ALIVE}
    for name, died in kinds.items():
        estimate = Estimate.missing("nobody was followed for 60 months")
        if not early.all():
            estimate = survival_at(of.time, died, HORIZON_MONTHS)
        events = int((died & (of.time <= HORIZON_MONTHS)).sum())
        rows.append(row(name, estimate, len(of), events, "Kaplan-Meier; log-log"))
    return rows


def orders_matter(study: Study, orders: pd.DataFrame) -> list[dict]:
    """What the order of tiles does to the scores of the first repeat."""
    outcomes = study.sample.patients.set_index("patient_id")[["event", "label_60m"]]
    table = orders[orders["repeat"] == orders["repeat"].min()].join(outcomes, on="patient_id")
    rows = []
    for name, of_score in table.groupby("score", sort=True):
        once = of_score[of_score["order"] == 0]
        ever = (len(once), int((once["event"] == CANCER_DEATH).sum()))
        known = (int(once["label_60m"].notna().sum()), int((once["label_60m"] == 1).sum()))
        spread = spread_over_orders(of_score, study.settings.resamples, study.settings.seed)
        change = auc_change_by_order(of_score)
        of_spread = "SD over random orders of tiles / SD between patients; bootstrap"
        of_change = "mean over random orders of tiles (lowest to highest); within folds"
        rows.append(row("order_spread", spread, *ever, of_spread, score=str(name)))
        rows.append(row("auc_60m_order_change", change, *known, of_change, score=str(name)))
    return rows
