"""What single spots say: do a patient's agree, and what would the doubtful ones change."""

from dataclasses import replace

import numpy as np

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.evaluation.agreement import icc_of_spots
from histosurv.evaluation.spots import Spots
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.time_dependent import auc_estimate


def single_spots(study: Study, spots: Spots) -> list[dict]:
    """Figures of every score that single spots have."""
    if spots.scores is None:
        return []
    known = spots.scores["patient_id"].isin(study.sample.patients["patient_id"])
    spots = replace(spots, scores=spots.scores[known])
    return [*_agreement(study, spots), *_without_remarks(study, spots)]


def _agreement(study: Study, spots: Spots) -> list[dict]:
    """Agreement between the spots of those patients who have several."""
    died = study.sample.patients.loc[study.sample.died, "patient_id"]
    how = "one-way intraclass correlation of single spots; F distribution"
    rows = []
    for name, of_score in spots.scores.groupby("score", sort=True):
        estimate, n = icc_of_spots(of_score)
        n_spots = of_score.groupby("patient_id")["spot_id"].nunique()
        events = int(n_spots[n_spots >= 2].index.isin(died).sum())
        rows.append(row("icc_spots", estimate, n, events, how, score=str(name)))
    return rows


def _without_remarks(study: Study, spots: Spots) -> list[dict]:
    """AUC at 60 months of the spots that no remark was made on, beside that of all of them.

    A patient's value is the mean over his spots and over the repeats in both.
    """
    if spots.remarked is None:
        return []
    patients, rows = study.sample.patients, []
    for name, of_score in spots.scores.groupby("score", sort=True):
        doubtful = of_score["spot_id"].isin(spots.remarked)
        n_out = of_score.loc[doubtful, "spot_id"].nunique()
        readings = {
            "all_spots": (of_score, "all spots of a patient averaged"),
            "spots_without_remark": (
                of_score[~doubtful],
                f"{n_out} of {of_score['spot_id'].nunique()} spots with a remark left out",
            ),
        }
        for ending, (table, what) in readings.items():
            value = table.groupby("patient_id")["value"].mean().reindex(patients["patient_id"])
            own = np.flatnonzero(value.notna())
            of = study.sample.only(own)
            auc = auc_estimate(value.to_numpy()[own], of.time, of.died, HORIZON_MONTHS)
            size, how = (
                study.counts(own)["horizon"],
                f"{what}; weights for censoring, normal interval",
            )
            rows.append(row(f"auc_ipcw_60m_{ending}", auc, *size, how, score=str(name)))
    return rows
