"""What must hold of the estimators whatever the table: monotone scores, row order, seeds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histosurv.cohort.endpoint import HORIZON_MONTHS, label_60m
from histosurv.evaluation.comparison import delong_difference
from histosurv.evaluation.concordance import concordance
from histosurv.evaluation.discrimination import delong_variance
from histosurv.evaluation.figures import figures
from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.resampling import bootstrap
from histosurv.evaluation.sample import Sample, Score
from histosurv.evaluation.study import Settings

RANKED = ["auc_60m", "auc_ipcw_60m", "c_uno", "c_harrell"]
ORDERED = [f"{name}{ending}" for name in RANKED for ending in ("", "_within_folds")]

MANY = settings(max_examples=30, deadline=None, derandomize=True)
FEW = settings(MANY, max_examples=4)  # a whole evaluation takes a third of a second


@st.composite
def cohorts(draw):
    """Times and scores of whole numbers, so that both tie; both outcomes and both ends of time."""
    n = draw(st.integers(8, 40))
    whole = st.lists(st.integers(1, 120), min_size=n, max_size=n)
    time, event, score, fold = (
        np.array(draw(of))
        for of in (
            whole,
            st.lists(st.sampled_from([0, 1, 1, 2]), min_size=n, max_size=n),
            st.lists(st.integers(-5, 5), min_size=n, max_size=n),
            st.lists(st.integers(1, 2), min_size=n, max_size=n),
        )
    )
    time[:2], event[:2], fold[:2] = (30, 90), (1, 0), 1
    return time.astype(float), event, score.astype(float), fold


def table_of(time, event, score, fold, name="s"):
    patients = pd.DataFrame(
        {
            "patient_id": [f"{i:03d}" for i in range(len(time))],
            "time_months": time,
            "event": event,
        }
    )
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    return patients, patients.assign(
        score=name, repeat=1, fold=fold, value=score, threshold=0.0, risk_60m=np.nan
    )


def drawn(cohort, seed=1, n_resamples=20):
    patients, table = table_of(*cohort)
    sample = Sample.of(patients)
    score = Score.of(table, sample)
    how = {"n_resamples": n_resamples, "seed": seed}
    parts = bootstrap(sample.time, sample.died, HORIZON_MONTHS, **how)
    found = [figures(score, sample, part) for part in parts]
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


@MANY
@given(cohorts())
def test_a_rising_transform_of_the_score_changes_no_rank_figure(cohort):
    time, event, score, fold = cohort
    plain, risen = drawn(cohort), drawn((time, event, np.exp(score / 3) * 7 - 2, fold))
    for name in ORDERED:
        np.testing.assert_allclose(risen[name], plain[name], rtol=1e-12)


@MANY
@given(cohorts())
def test_a_turned_score_has_the_turned_figure(cohort):
    time, event, score, fold = cohort
    plain, turned = drawn(cohort), drawn((time, event, -score, fold))
    for name in ORDERED:
        np.testing.assert_allclose(turned[name], 1 - plain[name], atol=1e-12)
    c = concordance(score, time, event == 1)
    assert concordance(-score, time, event == 1) == pytest.approx(1 - c)


@MANY
@given(cohorts(), st.integers(0, 5))
def test_the_same_seed_draws_the_same_and_another_does_not(cohort, seed):
    first, again, other = (drawn(cohort, s, 50) for s in (seed, seed, seed + 1))
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
    varied = {name for name, values in first.items() if len(np.unique(values)) > 20}
    assert all((first[name] != other[name]).any() for name in varied)


@MANY
@given(cohorts(), st.randoms(use_true_random=False))
def test_a_paired_test_is_antisymmetric(cohort, random):
    time, event, score, _ = cohort
    label = label_60m(pd.Series(time), pd.Series(event)).astype("Float64")
    label = label.to_numpy(float, na_value=np.nan)
    known = np.isfinite(label)
    if min((label[known] == 1).sum(), (label[known] == 0).sum()) < 2:
        return
    other = score + np.array([random.randint(-2, 2) for _ in score])
    there = delong_difference(score[known], other[known], label[known])
    back = delong_difference(other[known], score[known], label[known])
    np.testing.assert_allclose(
        [back.value, back.lower, back.upper, back.p],
        [-there.value, -there.upper, -there.lower, there.p],
        atol=1e-12,
    )
    areas = [delong_variance(s[known], label[known])[0] for s in (score, other)]
    assert there.value == pytest.approx(areas[0] - areas[1])


@FEW
@given(cohorts(), st.randoms(use_true_random=False))
def test_whole_evaluations_are_antisymmetric_and_blind_to_the_order_of_rows(cohort, random):
    time, event, score, fold = cohort
    other = score + np.array([random.randint(-2, 2) for _ in score])
    patients, first = table_of(time, event, score, fold, "first")
    scores = pd.concat([first, first.assign(score="second", value=other)])
    asked = {"resamples": 30, "covariates": (), "subgroups": ()}
    there = evaluate(patients, scores, settings=Settings(primary="first", **asked))
    back = evaluate(patients, scores, settings=Settings(primary="second", **asked))
    pairs = []
    for result, against in ((there, "second"), (back, "first")):
        rows = result.metrics[result.metrics["against"] == against]
        pairs.append(rows.set_index("estimand")[["estimate", "lower", "upper", "p"]])
    turned = -pairs[1][["estimate", "upper", "lower"]].set_axis(
        ["estimate", "lower", "upper"], axis=1
    )
    pd.testing.assert_frame_equal(pairs[0], turned.assign(p=pairs[1]["p"]), rtol=1e-9, atol=1e-12)
    order = list(range(len(scores)))
    random.shuffle(order)
    mixed = evaluate(
        patients.sample(frac=1, random_state=1),
        scores.iloc[order],
        settings=Settings(primary="first", **asked),
    )
    pd.testing.assert_frame_equal(mixed.metrics, there.metrics)
