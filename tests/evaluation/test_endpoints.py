"""Death of the cancer, of any cause, and others as survivors, where nobody was lost."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import concordance_index
from sklearn.metrics import roc_auc_score
from statsmodels.duration.survfunc import survdiff

from histosurv.cohort.endpoint import label_60m
from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.study import Settings

N = 150


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(21)
    risk = rng.standard_normal(N)
    cancer, other = rng.exponential(70 * np.exp(-risk)), rng.exponential(120, N)
    patients = pd.DataFrame(
        {
            "patient_id": [f"{i:03d}" for i in range(N)],
            "time_months": np.minimum(cancer, other),
            "event": np.where(cancer < other, 1, 2),
        }
    )
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    scores = patients.assign(
        score="s", repeat=1, fold=rng.integers(1, 3, N), value=risk, threshold=0.2, risk_60m=np.nan
    )
    metrics = evaluate(patients, scores, settings=Settings("s", resamples=50)).metrics
    metrics = metrics[(metrics["against"] == "") & (metrics["subgroup"] == "")]
    return scores, metrics.set_index("estimand")


def test_other_deaths_as_survivors(cohort):
    scores, found = cohort
    dead = (scores["event"] == 1) & (scores["time_months"] <= 60)
    row = found.loc["auc_ipcw_60m_other_as_control"]
    assert row["estimate"] == pytest.approx(roc_auc_score(dead, scores["value"]))
    assert (row["n"], row["events"]) == (N, dead.sum())


def test_overall_survival(cohort):
    scores, found = cohort
    time, died = scores["time_months"], np.ones(N)
    area = roc_auc_score(time <= 60, scores["value"])
    assert found.at["auc_ipcw_60m_overall", "estimate"] == pytest.approx(area)
    c = concordance_index(time, -scores["value"], died)
    assert found.at["c_harrell_overall", "estimate"] == pytest.approx(c)
    high = (scores["value"] >= 0.2).astype(int)
    test = multivariate_logrank_test(time, high, died)
    assert found.at["logrank_overall", "estimate"] == pytest.approx(test.test_statistic)
    table = pd.DataFrame({"time": time, "died": died, "high": high})
    ratio = CoxPHFitter().fit(table, "time", "died").hazard_ratios_["high"]
    assert found.at["hr_high_low_overall", "estimate"] == pytest.approx(ratio, rel=1e-5)
    assert (found.filter(like="_overall", axis=0)["n"] == N).all()
    assert found.at["hr_high_low_overall", "events"] == N
    assert found.at["hr_high_low", "events"] < N


def test_the_log_rank_test_within_folds_keeps_to_them(cohort):
    scores, found = cohort
    high = (scores["value"] >= 0.2).astype(int)
    statistic, p = survdiff(
        scores["time_months"], scores["event"] == 1, high, strata=scores["fold"].to_numpy()
    )
    row = found.loc["logrank_within_folds"]
    assert (row["estimate"], row["p"]) == pytest.approx((statistic, p))
