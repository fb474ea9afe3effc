import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from histosurv.cohort.folds import members, rotate
from histosurv.errors import InputError


def cohort(n, seed=0, unknown=0.1):
    rng = np.random.default_rng(seed)
    label = pd.Series(rng.integers(0, 2, n), dtype="Int64")
    label[rng.random(n) < unknown] = pd.NA
    return pd.DataFrame(
        {
            "patient_id": [f"P{i:04d}" for i in range(n)],
            "label_60m": label,
            "stage": rng.choice(list("ABCD"), n, p=[0.02, 0.38, 0.3, 0.3]),
        }
    )


def test_the_studys_rotation_is_220_60_140():
    folds = rotate(cohort(420), n_repeats=1, n_folds=3, strata=["stage"], seed=1)
    sizes = pd.crosstab(folds["fold"], folds["part"])
    assert (sizes[["fit", "validation", "test"]] == [220, 60, 140]).all(axis=None)


def test_the_single_split_is_the_rotations_first():
    how = {"n_repeats": 2, "n_folds": 3, "strata": ["stage"], "seed": 1}
    rotation, single = (rotate(cohort(420), scheme=it, **how) for it in ("rotation", "single"))
    first = rotation[rotation["fold"] == 1].reset_index(drop=True)
    assert single.equals(first)
    assert (single["part"] == "test").sum() == 2 * 140


@settings(max_examples=40, deadline=None)
@given(n=st.integers(60, 300), n_folds=st.integers(2, 6), seed=st.integers(0, 1000))
def test_each_patient_is_tested_once_and_never_in_two_parts(n, n_folds, seed):
    patients = cohort(n, seed)
    folds = rotate(patients, n_repeats=2, n_folds=n_folds, strata=["stage"], seed=seed)
    tests = folds[folds["part"] == "test"]
    assert (tests.groupby(["repeat", "patient_id"]).size() == 1).all()
    assert len(tests) == 2 * n
    assert not folds.duplicated(["patient_id", "repeat", "fold"]).any()
    sizes = tests.groupby(["repeat", "fold"]).size()
    assert sizes.max() - sizes.min() <= 1
    # Each stratum is dealt out evenly, the unknown outcomes too.
    known = tests.merge(patients, on="patient_id")
    for _, stratum in known.groupby(["repeat", "label_60m", "stage"], dropna=False):
        counts = stratum.groupby("fold").size().reindex(range(1, n_folds + 1), fill_value=0)
        assert counts.max() - counts.min() <= 1


def test_same_seed_same_folds_and_another_seed_others():
    a, b, c = (
        rotate(cohort(100), n_repeats=1, n_folds=3, strata=[], seed=seed) for seed in (1, 1, 2)
    )
    assert a.equals(b)
    assert not a.equals(c)


def test_fewer_patients_than_folds():
    with pytest.raises(InputError, match="2 patients cannot fill 3 folds"):
        rotate(cohort(2), n_repeats=1, n_folds=3, strata=[], seed=1)


def test_a_fold_without_one_of_the_outcomes():
    patients = cohort(60, unknown=0)
    patients["label_60m"] = pd.Series([1] + [0] * 59, dtype="Int64")
    with pytest.raises(InputError, match=r"no .* patient is dead of the cancer within 60 months"):
        rotate(patients, n_repeats=1, n_folds=3, strata=[], seed=1)


def test_a_patient_in_two_parts_is_refused():
    folds = rotate(cohort(60), n_repeats=1, n_folds=3, strata=[], seed=1)
    leak = folds[(folds["fold"] == 1) & (folds["part"] == "test")].head(1).assign(part="fit")
    with pytest.raises(InputError, match="is in two parts"):
        members(pd.concat([folds, leak]), 1, 1)
