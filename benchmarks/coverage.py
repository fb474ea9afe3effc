"""How often the reported 95 % intervals hold the truth, in drawn cohorts whose truth is known.

    python benchmarks/coverage.py [--runs 500] [--patients 420] [--processes 2]

Three designs, all with exponential deaths of the cancer and uniform losses:

marker   a score that was not learnt; the truth is that of two million patients without losses.
learner  ridge logistic regression on 20 covariates in three folds, Platt-scaled; the truth is the
         mean AUC that the very models of the folds reach in 200,000 new patients.
pair     two markers of equal worth, among other deaths; the true difference is nothing, the true
         incidence that of two million patients without losses.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import cache

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from histosurv.cohort.endpoint import HORIZON_MONTHS, label_60m
from histosurv.evaluation.concordance import concordance
from histosurv.evaluation.discrimination import auc_pooled, auc_within_folds
from histosurv.evaluation.sample import Sample, Score
from histosurv.evaluation.sections.calibration import calibration
from histosurv.evaluation.sections.comparison import comparisons
from histosurv.evaluation.sections.competing import competing
from histosurv.evaluation.sections.discrimination import discrimination
from histosurv.evaluation.sections.hazard import hazards
from histosurv.evaluation.study import Settings, Study
from histosurv.evaluation.time_dependent import auc_at, auc_estimate, brier_at

SLOPE, RATE, N_COVARIATES = 0.6, 1 / 110, 20
OTHER_RATE = 1 / 300
N_TRUTH, N_NEW, N_RESAMPLES = 2_000_000, 200_000, 500


def draw(
    rng: np.random.Generator, linear: np.ndarray, *, lost: bool = True, others: bool = False
) -> pd.DataFrame:
    """Outcomes of patients with a log hazard."""
    n = len(linear)
    cancer = rng.exponential(1 / (RATE * np.exp(linear)))
    end = rng.uniform(20, 140, n) if lost else np.full(n, np.inf)
    other = rng.exponential(1 / OTHER_RATE, n) if others else np.full(n, np.inf)
    ends = np.column_stack([end, cancer, other])
    table = pd.DataFrame({"time_months": ends.min(axis=1), "event": ends.argmin(axis=1)})
    table["label_60m"] = label_60m(table["time_months"], table["event"])
    return table.assign(patient_id=[f"{i:07d}" for i in range(n)])


def true_risk(linear: np.ndarray) -> np.ndarray:
    """Probability of the cancer's death by 60 months where nothing else happens."""
    return 1 - np.exp(-RATE * np.exp(linear) * HORIZON_MONTHS)


@cache
def marker_truth() -> dict[str, float]:
    """Figures of the marker in very many patients who are followed to the end."""
    rng = np.random.default_rng(0)
    score = rng.standard_normal(N_TRUTH)
    table = draw(rng, SLOPE * score, lost=False)
    time, died = table["time_months"].to_numpy(), np.ones(N_TRUTH, bool)
    some = slice(0, N_TRUTH // 10)  # of a figure that costs more
    cut = np.minimum(time, HORIZON_MONTHS + 1e-6)
    risk = true_risk(SLOPE * score)
    high, low = risk[score > 0].mean(), risk[score <= 0].mean()
    return {
        "auc_60m": auc_at(score, time, died, HORIZON_MONTHS)[0],
        "auc_ipcw_60m": auc_at(score, time, died, HORIZON_MONTHS)[0],
        "c_uno": concordance(score[some], cut[some], (time <= HORIZON_MONTHS)[some]),
        "hr_per_sd": float(np.exp(SLOPE)),
        "brier_60m": brier_at(risk, time, died, HORIZON_MONTHS),
        "observed_to_expected_60m": 1.0,
        "calibration_slope_60m": 1.0,
        "sensitivity_60m": float(high / (high + low)),
    }


def marker_run(seed: int, n: int) -> dict[str, tuple[float, float]]:
    """Intervals of one cohort with a marker."""
    rng = np.random.default_rng([1, seed])
    score = rng.standard_normal(n)
    table = draw(rng, SLOPE * score)
    rows = table.assign(
        score="marker",
        repeat=1,
        fold=1,
        value=score,
        threshold=0.0,
        risk_60m=true_risk(SLOPE * score),
    )
    sample = Sample.of(table)
    marker = Score.of(rows, sample)
    study = Study(sample, {"marker": marker}, Settings("marker", resamples=N_RESAMPLES))
    found = [*discrimination(study, marker), *hazards(study, marker), *calibration(study, marker)]
    intervals = {line["estimand"]: (line["lower"], line["upper"]) for line in found}
    members = rows.assign(is_high=score >= 0)
    intervals["auc_60m"] = auc_pooled(members)[1:3]
    by_influence = auc_estimate(score, sample.time, sample.died, HORIZON_MONTHS)
    intervals["auc_ipcw_60m (influence)"] = by_influence[1:3]
    return intervals


def learner_run(seed: int, n: int) -> tuple[dict[str, tuple[float, float]], float]:
    """Intervals of one cohort with a model that learns, and what its models are worth."""
    rng = np.random.default_rng([2, seed])
    weights = SLOPE * rng.standard_normal(N_COVARIATES) / np.sqrt(N_COVARIATES)
    x = rng.standard_normal((n, N_COVARIATES))
    table = draw(rng, x @ weights)
    new_x = rng.standard_normal((N_NEW, N_COVARIATES))
    new = draw(rng, new_x @ weights, lost=False)
    new_label = new["label_60m"].to_numpy(int)
    label = table["label_60m"].astype("Float64").to_numpy(float, na_value=np.nan)
    fold = rng.permutation(n) % 3 + 1
    value, worth = np.zeros(n), []
    for test in (1, 2, 3):
        learn = rng.permutation(np.flatnonzero((fold != test) & np.isfinite(label)))
        fit, check = learn[len(learn) // 5 :], learn[: len(learn) // 5]
        model = LogisticRegression(C=0.05).fit(x[fit], label[fit])
        platt = LogisticRegression(C=1e6).fit(
            model.decision_function(x[check])[:, None], label[check]
        )
        value[fold == test] = platt.decision_function(
            model.decision_function(x[fold == test])[:, None]
        )
        side = np.sign(platt.coef_[0, 0]) or 1.0
        area = auc_pooled(
            pd.DataFrame({"value": side * model.decision_function(new_x), "label_60m": new_label})
        ).value
        worth.append(area)
    rows = table.assign(
        score="learner", repeat=1, fold=fold, value=value, threshold=0.0, risk_60m=expit(value)
    )
    sample = Sample.of(table)
    learner = Score.of(rows, sample)
    study = Study(sample, {"learner": learner}, Settings("learner", resamples=N_RESAMPLES))
    intervals = {
        line["estimand"]: (line["lower"], line["upper"]) for line in discrimination(study, learner)
    }
    intervals["auc_60m"] = auc_pooled(rows)[1:3]
    intervals["auc_60m_within_folds"] = auc_within_folds(rows)[1:3]
    kept = ("auc_60m", "auc_60m_within_folds", "auc_ipcw_60m", "auc_ipcw_60m_within_folds")
    return {name: intervals[name] for name in kept}, float(np.mean(worth))


def two_markers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """What makes the hazard, and two equally blurred looks at it."""
    latent = rng.standard_normal(n)
    return latent, latent + rng.standard_normal((2, n))


@cache
def pair_truth() -> float:
    """Incidence of the cancer's death by 60 months where the first marker is high."""
    rng = np.random.default_rng(0)
    latent, (first, _) = two_markers(rng, N_TRUTH)
    table = draw(rng, SLOPE * latent, lost=False, others=True)
    dead = (table["event"] == 1) & (table["time_months"] <= HORIZON_MONTHS)
    return float(dead[first >= 0].mean())


def pair_run(seed: int, n: int) -> dict[str, tuple[float, float]]:
    """Intervals of one cohort with two markers."""
    rng = np.random.default_rng([3, seed])
    latent, markers = two_markers(rng, n)
    table = draw(rng, SLOPE * latent, others=True)
    sample = Sample.of(table)
    scores = {
        name: Score.of(
            table.assign(score=name, repeat=1, fold=1, value=value, threshold=0.0, risk_60m=np.nan),
            sample,
        )
        for name, value in zip(("first", "second"), markers, strict=True)
    }
    study = Study(sample, scores, Settings("first", "second", resamples=N_RESAMPLES))
    found = {line["estimand"]: (line["lower"], line["upper"]) for line in comparisons(study)}
    names = ("auc_ipcw_60m_difference", "c_uno_difference", "auc_60m_difference_delong")
    intervals = {name: found[name] for name in names}
    for line in competing(study, scores["first"]):
        if (line["estimand"], line["subgroup"]) == ("incidence_60m_cancer", "high"):
            intervals["incidence_60m_cancer, high"] = (line["lower"], line["upper"])
    return intervals


def report(title: str, hits: dict[str, list[bool]]) -> None:
    """Coverage of each interval with its own error."""
    for name, held in hits.items():
        share = np.mean(held)
        error = np.sqrt(share * (1 - share) / len(held))
        print(f"| {title} | {name} | {share:.1%} ({error:.1%}) | {len(held)} |", flush=True)


def main() -> None:
    """Run all designs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--patients", type=int, default=420)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    print("| design | interval | coverage (its standard error) | cohorts |\n|---|---|---|---|")
    truth = marker_truth()
    truth["auc_ipcw_60m (influence)"] = truth["auc_ipcw_60m"]
    sizes = [given.patients] * given.runs
    with ProcessPoolExecutor(given.processes) as workers:
        hits: dict[str, list[bool]] = {name: [] for name in truth}
        for found in workers.map(marker_run, range(given.runs), sizes):
            for name, value in truth.items():
                hits[name].append(found[name][0] <= value <= found[name][1])
        report("marker", hits)
        hits = {}
        for found, worth in workers.map(learner_run, range(given.runs), sizes):
            for name, (lower, upper) in found.items():
                hits.setdefault(name, []).append(lower <= worth <= upper)
        report("learner", hits)
        hits = {}
        for found in workers.map(pair_run, range(given.runs), sizes):
            for name, (lower, upper) in found.items():
                truth = pair_truth() if name.startswith("incidence") else 0.0
                hits.setdefault(name, []).append(lower <= truth <= upper)
        report("pair", hits)


if __name__ == "__main__":
    main()
