"""Tables that are odd but right: rare groups, deaths that part, gaps, scores of other repeats."""

import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test

from histosurv.cohort.endpoint import label_60m
from histosurv.errors import InputError
from histosurv.evaluation.competing import fine_gray, incidence
from histosurv.evaluation.curves import Curves
from histosurv.evaluation.design import Covariate
from histosurv.evaluation.hazard import high_against_low
from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.sections.readers import _cut
from histosurv.evaluation.study import Settings
from histosurv.evaluation.survival import logrank

N = 120


def cohort(seed=0, n=N):
    rng = np.random.default_rng(seed)
    risk = rng.standard_normal(n)
    ends = np.column_stack(
        [
            rng.uniform(20, 140, n),
            rng.exponential(80 * np.exp(-risk)),
            rng.exponential(150 * np.exp(-risk)),
        ]
    )
    patients = pd.DataFrame(
        {
            "patient_id": [f"{i:03d}" for i in range(n)],
            "time_months": ends.min(axis=1).round(1),
            "event": ends.argmin(axis=1),
        }
    )
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    return patients, risk


def score(patients, name, value, repeats=1, folds=1, risk=np.nan):
    rng = np.random.default_rng(len(name))
    tables = [
        patients.assign(
            score=name, repeat=repeat, fold=rng.integers(1, folds + 1, len(patients)),
            value=value, threshold=0.0, risk_60m=risk,
        )
        for repeat in range(1, repeats + 1)
    ]  # fmt: skip
    return pd.concat(tables)


def figures(patients, scores, **asked):
    asked = {"primary": "a", "resamples": 50} | asked
    return evaluate(patients, scores, settings=Settings(**asked))


@pytest.mark.parametrize("n_high", [5, 12, 20, 60])
def test_two_groups_have_one_degree_of_freedom_whatever_their_sizes(n_high):
    for seed in range(20):
        patients, _ = cohort(seed)
        high = np.random.default_rng(seed).permutation(N) < n_high
        time, died = patients["time_months"].to_numpy(), (patients["event"] == 1).to_numpy()
        theirs = logrank_test(time[high], time[~high], died[high], died[~high])
        ours = logrank(time, died, high)
        assert ours.note == "1 degree of freedom"
        assert (ours.value, ours.p) == pytest.approx((theirs.test_statistic, theirs.p_value))
        assert logrank(time, died, high, np.arange(N) % 3).note == "1 degree of freedom"


def test_other_deaths_as_controls_weigh_for_those_who_were_lost():
    patients, risk = cohort(n=400)
    found = figures(patients, score(patients, "a", risk)).metrics.set_index("estimand")
    time, event = patients["time_months"].to_numpy(), patients["event"].to_numpy()
    lost = Curves(time, event == 0)
    weight = 1 / np.where(time > 60, lost.at(60.0)[0], lost.before(time)[0])
    cases = (event == 1) & (time <= 60)
    controls = (time > 60) | ((event == 2) & (time <= 60))
    pairs = weight[cases][:, None] * weight[controls]
    right = np.sign(risk[cases][:, None] - risk[controls]) / 2 + 0.5
    row = found.loc["auc_ipcw_60m_other_as_control"]
    assert row["estimate"] == pytest.approx((pairs * right).sum() / pairs.sum())
    assert row["lower"] < row["estimate"] < row["upper"]


def test_deaths_that_part_have_no_finite_ratio():
    patients, _ = cohort()
    patients.loc[7, ["time_months", "event"]] = (0.1, 1)
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    high = np.arange(N) == 7
    time, died = patients["time_months"].to_numpy(), (patients["event"] == 1).to_numpy()
    _, ratio = high_against_low(high, time, died)
    assert np.isnan(ratio.value)
    assert "the deaths" in ratio.note
    with pytest.raises(ArithmeticError):
        fine_gray(time, patients["event"].to_numpy(), high[:, None].astype(float))
    metrics = figures(patients, score(patients, "a", np.where(high, 1.0, -1.0))).metrics
    found = metrics[metrics["subgroup"] == ""].set_index("estimand")
    for name in ("hr_high_low", "hr_per_sd", "shr_high_low", "hr_high_low_overall"):
        assert np.isnan(found.at[name, "estimate"])
    assert 1 < found.at["hr_high_low_firth", "lower"] < np.inf


def test_a_call_cut_at_its_own_specificity_is_itself():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        called, dead = rng.random(97) < 0.3, rng.random(97) < 0.4
        high = _cut(called.astype(float), np.ones(97, int), called, dead)
        np.testing.assert_array_equal(high, called)


def test_scores_of_other_repeats_and_folds_stand_beside_one_another():
    patients, risk = cohort()
    noise = np.random.default_rng(9).standard_normal(N)
    scores = pd.concat(
        [
            score(patients, "a", risk + noise, repeats=3, folds=3),
            score(patients, "bb", risk, repeats=2, folds=3),
            score(patients, "brought", risk - noise),
        ]
    )
    result = figures(patients, scores)
    pairs = result.metrics[result.metrics["against"] != ""]
    against = {of: rows.set_index("estimand") for of, rows in pairs.groupby("against")}
    assert "other folds" in against["bb"].at["auc_60m_difference_folds", "note"]
    # What was brought along has no folds of its own, and is compared in those of the other.
    assert np.isfinite(against["brought"].at["auc_60m_difference_folds", "estimate"])
    plain = result.metrics[(result.metrics["against"] == "") & (result.metrics["subgroup"] == "")]
    of = {name: rows.set_index("estimand")["estimate"] for name, rows in plain.groupby("score")}
    difference = against["brought"].at["auc_ipcw_60m_within_folds_difference", "estimate"]
    within = of["a"]["auc_ipcw_60m_within_folds"]
    assert difference != pytest.approx(within - of["brought"]["auc_ipcw_60m"], abs=1e-6)
    mixed = figures(patients, scores.sample(frac=1, random_state=4))
    pd.testing.assert_frame_equal(mixed.metrics, result.metrics, check_exact=True)


def test_gaps_in_one_covariate_alone_and_in_one_that_is_empty():
    patients, risk = cohort()
    gaps = np.arange(N) % 6 == 0
    cea = risk + np.random.default_rng(6).standard_normal(N)
    patients["cea"] = pd.Series(np.round(cea + 5, 2).astype(str)).mask(gaps)
    patients["loc"] = ""
    patients["sex"] = np.where(np.arange(N) % 2, "f", "m")
    scores = score(patients, "a", risk)
    alone = figures(patients, scores, covariates=("cea",)).metrics.set_index("estimand")
    assert np.isfinite(alone.at["hr_per_sd_adjusted_imputed", "estimate"])
    result = figures(patients, scores, covariates=("cea", "loc", "weight"))
    empty = result.metrics.set_index("estimand")
    assert empty.at["hr_per_sd_adjusted", "note"] == "nobody has all of cea, loc"
    assert any("no column weight" in warning for warning in result.warnings)
    patients["loc"] = "here"
    same = figures(patients, scores, covariates=("sex", "loc")).metrics.set_index("estimand")
    assert same.at["hr_per_sd_adjusted", "against"] == "sex"
    assert "left out, for the same for all: loc" in same.at["hr_per_sd_adjusted", "method"]


def test_the_outcome_is_no_covariate():
    with pytest.raises(InputError, match="event is what is to be foretold"):
        Settings.of({"covariates": ["age", "event"]}, ["a"])


def test_risks_that_lack_or_lie_at_the_edge_are_told():
    patients, risk = cohort()
    some = np.where(np.arange(N) == 3, np.nan, 0.4)
    result = figures(patients, score(patients, "a", risk, risk=some))
    assert any("1 of 120 patients have no risk_60m" in warning for warning in result.warnings)
    none = figures(patients, score(patients, "a", risk, risk=0.0)).metrics.set_index("estimand")
    assert none.at["observed_to_expected_60m", "note"] == "all risks are 0"
    edge = (risk > 0).astype(float)
    found = figures(patients, score(patients, "a", risk, risk=edge)).metrics.set_index("estimand")
    assert found.at["calibration_slope_60m", "note"].startswith("120 risks of 0 or 1")
    assert found["p"].dropna().gt(0).all()


def test_incidence_says_where_follow_up_ends():
    time, event = np.array([3.0, 8.0, 20.0, 23.9]), np.array([1, 0, 1, 0])
    assert incidence(time, event).at(60.0).note == "nobody was followed beyond 23.9 months"
    assert incidence(time, np.array([1, 0, 1, 1])).at(60.0).note == "no interval: no spread"
    nothing = incidence(time, event, cause=2).at(10.0)
    assert (nothing.value, nothing.note) == (0.0, "no interval: no such death")
    assert np.isnan(nothing.upper)


def test_levels_keep_all_their_digits():
    centre = pd.Series([1000001, 1000002, 1000003.0, 1000001], name="centre")
    assert Covariate.of(centre).levels(np.arange(4)) == ["1000001", "1000002", "1000003"]
    assert Covariate.of(pd.Series(["2", "2.0", "2.5"])).levels(np.arange(3)) == ["2", "2.5"]
