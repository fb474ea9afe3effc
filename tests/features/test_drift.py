"""Distances of spots from the development cohort."""

import numpy as np
import pandas as pd
import pytest

from histosurv.errors import InputError
from histosurv.features.drift import drift


def drawn(n, seed, shift=0.0):
    """Mean features that lie along a few directions."""
    rng = np.random.default_rng(seed)
    loadings = np.random.default_rng(0).standard_normal((6, 50))
    return (rng.standard_normal((n, 6)) + shift) @ loadings + 0.1 * rng.standard_normal((n, 50))


def patients(n):
    return pd.DataFrame({"patient_id": [f"P{i // 2}" for i in range(n)]})


def test_a_cohort_of_the_same_kind_lies_where_the_development_cohort_lies():
    own, theirs = drift(patients(400), drawn(400, 1), drawn(300, 2))
    assert abs(np.median(own) - np.median(theirs)) < 0.05
    beyond = (theirs > np.quantile(own, 0.95)).mean()
    # 5 % are expected; of 300 the standard error is 1.3 %.
    assert abs(beyond - 0.05) < 4 * 0.013
    assert 0.8 < np.median(own) < 1.2


def test_the_farther_it_has_moved_the_larger_the_distance():
    medians = [
        np.median(drift(patients(200), drawn(200, 1), drawn(100, 2, shift))[1])
        for shift in (0.0, 1.0, 3.0)
    ]
    assert medians[1] > 1.1 * medians[0]
    assert medians[2] > 1.5 * medians[1]


def test_a_feature_that_never_varied_is_not_asked():
    own, theirs = drawn(60, 1), drawn(30, 2)
    own[:, 0], theirs[:, 0] = 7.0, 9.0
    assert np.isfinite(np.concatenate(drift(patients(60), own, theirs))).all()


def test_features_that_repeat_each_other_count_once():
    own, theirs = drawn(60, 1)[:, :6], drawn(30, 2)[:, :6]
    expected = drift(patients(60), own, theirs)[1]
    # There the copies differ: no spread of the development cohort says how far that is.
    copies = theirs + np.random.default_rng(3).standard_normal(theirs.shape)
    told = drift(patients(60), np.hstack([own, own]), np.hstack([theirs, copies]))[1]
    assert told.max() < 10 * expected.max()


def test_a_cohort_of_one_and_the_same_spot_is_told():
    with pytest.raises(InputError, match="all spots of the development cohort have the same"):
        drift(patients(20), np.ones((20, 5)), drawn(9, 1)[:, :5])


def test_a_part_of_a_large_cohort_tells_the_same(monkeypatch):
    whole = drift(patients(2000), drawn(2000, 1), drawn(100, 2, 1.0))[1]
    monkeypatch.setattr("histosurv.features.drift.MOST_SPOTS", 500)
    part = drift(patients(2000), drawn(2000, 1), drawn(100, 2, 1.0))[1]
    assert not np.array_equal(part, whole)
    np.testing.assert_allclose(np.median(part), np.median(whole), rtol=0.05)
