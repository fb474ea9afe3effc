import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from histosurv.models.calibration import LEAST_SLOPE, platt


def drawn(slope, n=400, seed=0):
    rng = np.random.default_rng(seed)
    value = rng.normal(3, 2, n)
    label = (rng.random(n) < 1 / (1 + np.exp(-slope * (value - 3)))).astype(int)
    return value, label


def test_platt_is_the_likelihood_of_softened_outcomes():
    value, label = drawn(0.8)
    n1, n0 = label.sum(), (1 - label).sum()
    soft = np.where(label == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))

    def loss(line):
        odds = line[0] * value + line[1]
        return (np.logaddexp(0, odds) - soft * odds).sum()

    expected = minimize(loss, [0.0, 0.0], tol=1e-10).x
    np.testing.assert_allclose(platt(value, label), expected, rtol=1e-3)


def test_the_scale_of_a_model_does_not_matter():
    value, label = drawn(0.8)
    one, other = platt(value, label), platt(value * 50 - 7, label)
    rows = pd.Series(value)
    np.testing.assert_allclose(one.log_odds(rows), other.log_odds(rows * 50 - 7), rtol=1e-4)


def test_perfect_separation_has_a_finite_slope():
    line = platt(np.arange(20.0), np.arange(20) // 10)
    assert 0 < line.slope < 5


@pytest.mark.parametrize("seed", range(10))
def test_a_ranking_is_never_turned_round(seed):
    value, label = drawn(-0.5, n=60, seed=seed)
    line = platt(value, label)
    assert line.slope == pytest.approx(LEAST_SLOPE / value.std())
    assert line.log_odds(pd.Series(value)).mean() == pytest.approx(
        np.log(label.mean() / (1 - label.mean())), abs=0.1
    )


def test_a_constant_score_is_the_prevalence():
    line = platt(np.full(40, 3.3), np.repeat([0, 1], [30, 10]))
    assert line.slope == 0
    assert 1 / (1 + np.exp(-line.intercept)) == pytest.approx(0.25, abs=0.02)
