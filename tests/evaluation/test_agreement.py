import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from histosurv.evaluation.agreement import icc_of_spots

# Six subjects, four judges, of Shrout and Fleiss (1979), table 2: ICC(1,1) is 0.17, its 95 %
# interval -0.13 to 0.72 (McGraw and Wong 1996).
RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def table_of(values):
    rows = [
        (f"{i}_{j}", f"p{i}", 1, 1, float(value))
        for i, row in enumerate(values)
        for j, value in enumerate(row)
    ]
    return pd.DataFrame(rows, columns=["spot_id", "patient_id", "repeat", "fold", "value"])


def test_the_published_example():
    estimate, n = icc_of_spots(table_of(RATINGS))
    assert n == 6
    assert estimate.value == pytest.approx(0.17, abs=0.005)
    assert estimate.lower == pytest.approx(-0.13, abs=0.005)
    assert estimate.upper == pytest.approx(0.72, abs=0.005)


def test_single_spots_do_not_count_and_too_few_patients_have_a_reason():
    estimate, n = icc_of_spots(table_of([*RATINGS, [100]]))
    assert (n, estimate.value) == (6, pytest.approx(icc_of_spots(table_of(RATINGS))[0].value))
    estimate, n = icc_of_spots(table_of([[1, 2], [3, 4], [5]]))
    assert n == 2
    assert "2 patients have several spots" in estimate.note
    assert "same score" in icc_of_spots(table_of([[1, 1]] * 4))[0].note


def test_spots_that_agree_wholly():
    estimate, _ = icc_of_spots(table_of([[1, 1], [2, 2], [5, 5]]))
    assert estimate.value == 1


def test_levels_of_folds_and_repeats_do_not_matter():
    one = table_of(RATINGS)
    other = table_of((np.array(RATINGS) + 3).tolist()).assign(fold=2)
    other["patient_id"] += "b"
    other["spot_id"] += "b"
    shifted = other.assign(value=other["value"] + 1000)
    both, apart = (icc_of_spots(pd.concat([one, t]))[0].value for t in (other, shifted))
    assert both == pytest.approx(apart)
    repeated = pd.concat([one, one.assign(repeat=2, value=one["value"] - 50)])
    assert icc_of_spots(repeated)[0].value == pytest.approx(icc_of_spots(one)[0].value)


@given(true=st.floats(0.05, 0.95), seed=st.integers(0, 10_000), scale=st.floats(0.01, 100))
def test_the_planted_correlation_is_within_the_interval_and_scale_is_free(true, seed, scale):
    rng = np.random.default_rng(seed)
    patient = rng.normal(0, true**0.5, (400, 1))
    values = patient + rng.normal(0, (1 - true) ** 0.5, (400, 3))
    estimate, _ = icc_of_spots(table_of(values * scale))
    assert estimate.lower < estimate.value < estimate.upper
    assert abs(estimate.value - true) < 5 * (estimate.upper - estimate.lower) / 3.92
