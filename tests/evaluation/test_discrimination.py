import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from histosurv.evaluation.discrimination import (
    auc_per_repeat,
    auc_pooled,
    auc_within_folds,
    delong_variance,
    roc_points,
    shares,
    spread_within_folds,
)


def table(value, label, **columns):
    return pd.DataFrame(
        {"value": np.asarray(value, float), "label_60m": pd.Series(label, dtype="Int64"), **columns}
    )


def slow_delong(score, label):
    """The definition, pair by pair: placements, their variances, their sum."""
    dead, alive = score[label == 1], score[label == 0]
    wins = (dead[:, None] > alive).astype(float) + 0.5 * (dead[:, None] == alive)
    return wins.mean(), wins.mean(1).var(ddof=1) / len(dead) + wins.mean(0).var(ddof=1) / len(alive)


@given(st.integers(0, 10_000))
def test_auc_and_delong_follow_their_definition_with_ties(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 60))
    label = np.r_[1, 1, 0, 0, rng.integers(0, 2, n)]
    score = rng.integers(0, 8, len(label)).astype(float)
    auc, variance = delong_variance(score, label)
    assert auc == pytest.approx(roc_auc_score(label, score))
    assert (auc, variance) == pytest.approx(slow_delong(score, label))
    assert delong_variance(-score, label) == pytest.approx((1 - auc, variance))
    assert delong_variance(np.exp(score / 3), label) == pytest.approx((auc, variance))


def test_a_textbook_figure():
    # Four dead (3, 4, 5, 6) against four alive (1, 2, 3, 4): 14 of 16 pairs in order, ties half.
    auc = auc_pooled(table([3, 4, 5, 6, 1, 2, 3, 4], [1] * 4 + [0] * 4))
    assert auc.value == 14 / 16
    assert auc.lower < auc.value < auc.upper <= 1


def test_unknown_outcomes_are_left_out_and_not_called_survivors():
    known = table([1, 2, 3, 4], [0, 0, 1, 1])
    more = pd.concat([known, table([9, 9], [None, None])])
    assert auc_pooled(more) == auc_pooled(known)


def test_one_class_gives_a_reason_and_a_constant_score_one_half():
    one = auc_pooled(table([1, 2], [1, 1]))
    assert np.isnan(one.value)
    assert one.note
    constant = auc_pooled(table([1, 1, 1, 1], [0, 1, 0, 1]))
    assert (constant.value, constant.note) == (
        0.5,
        "no interval: the score is the same for everybody",
    )
    apart = auc_pooled(table([1, 2, 3, 4], [0, 0, 1, 1]))
    assert apart.value == 1
    assert "do not overlap" in apart.note


def test_within_folds_ignores_an_offset_between_folds():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 300)
    value = label + rng.standard_normal(300)
    fold = np.arange(300) % 3
    plain = table(value, label, repeat=1, fold=fold)
    shifted = table(value + 5 * fold, label, repeat=1, fold=fold)
    assert auc_within_folds(shifted) == auc_within_folds(plain)
    assert auc_pooled(shifted).value < auc_pooled(plain).value - 0.05
    pairs = [(label[fold == f].sum() * (1 - label[fold == f]).sum()) for f in range(3)]
    aucs = [roc_auc_score(label[fold == f], value[fold == f]) for f in range(3)]
    assert auc_within_folds(plain).value == pytest.approx(np.average(aucs, weights=pairs))


def test_shares_count_dead_and_survivors():
    is_high, is_dead = np.array([False, False, True, True]), np.array([False, True, False, True])
    found = shares(is_high, is_dead)
    assert [found[name][0].value for name in found] == [0.5] * 4
    # Wilson's interval for 1 of 2
    assert found["sensitivity_60m"][0][1:3] == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert {name: of[1:] for name, of in found.items()} == {
        "sensitivity_60m": (2, 2), "specificity_60m": (2, 0), "ppv_60m": (2, 1), "npv_60m": (2, 1)
    }  # fmt: skip
    nobody = shares(np.zeros(4, bool), is_dead)["ppv_60m"]
    assert np.isnan(nobody[0].value)
    assert nobody[0].note == "no such patient"


def test_roc_runs_from_corner_to_corner():
    points = roc_points(table([1, 2, 3, 4], [0, 1, 0, 1]))
    assert points.iloc[0].tolist() == [0, 0]
    assert points.iloc[-1].tolist() == [1, 1]


def test_variance_within_folds_is_that_of_a_weighted_mean():
    rng = np.random.default_rng(3)
    folds = [
        pd.DataFrame(
            {
                "repeat": 1,
                "fold": fold,
                "value": rng.standard_normal(n),
                "label_60m": pd.Series([0, 1] * (n // 2), dtype="Int64"),
            }
        )
        for fold, n in ((1, 20), (2, 40))
    ]
    parts = [delong_variance(f["value"].to_numpy(), f["label_60m"].to_numpy(int)) for f in folds]
    weight = np.array([100, 400]) / 500
    expected = sum(w * auc for w, (auc, _) in zip(weight, parts, strict=True))
    error = sum(w**2 * variance for w, (_, variance) in zip(weight, parts, strict=True)) ** 0.5
    found = auc_within_folds(pd.concat(folds))
    assert found.value == pytest.approx(expected)
    assert found.upper == pytest.approx(expected + 1.959964 * error, rel=1e-6)


def test_a_repeat_by_itself_is_what_within_folds_is_held_against():
    rng = np.random.default_rng(4)
    label = pd.Series([0, 1] * 30, dtype="Int64")
    repeats = [
        pd.DataFrame({"repeat": r, "fold": 1, "value": rng.standard_normal(60), "label_60m": label})
        for r in (1, 2)
    ]
    both = pd.concat(repeats)
    mean = np.mean([auc_pooled(repeat).value for repeat in repeats])
    assert auc_per_repeat(both).value == pytest.approx(mean)
    # No fold model differs in scale here: pooling is no reason for a difference.
    assert auc_per_repeat(both) == auc_within_folds(both)


def test_the_spread_within_folds_is_that_of_the_drawing():
    rng = np.random.default_rng(0)
    n = 600
    scores = pd.DataFrame(
        {
            "patient_id": np.tile(np.arange(n), 2),
            "repeat": np.repeat([1, 2], n),
            "fold": np.tile(np.arange(n) % 3, 2),
            "value": np.tile(0.5 * rng.standard_normal(n), 2),
        }
    )
    scores["value"] += 10 * scores["fold"]
    found = spread_within_folds(scores)
    assert found.value == pytest.approx(0.5, rel=0.05)
    assert found.lower < 0.5 < found.upper
    # Of normal values the standard error of a standard deviation is sd / sqrt(2 n).
    assert found.upper - found.lower == pytest.approx(2 * 1.96 * 0.5 / (2 * n) ** 0.5, rel=0.05)
    assert spread_within_folds(scores.assign(value=scores["fold"])).value == 0
    assert "no fold has two" in spread_within_folds(scores[:3]).note
