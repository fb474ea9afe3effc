"""Folds of whole tissue-microarray blocks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cohort.test_folds import cohort

from histosurv.cohort.folds import blocks_of, rotate
from histosurv.errors import InputError


def spots_of(patients, n_blocks, seed=0, several=0.0):
    """A spot of every patient, and of some another one in the next block."""
    rng = np.random.default_rng([1, seed])  # another stream than the outcomes', or blocks tell them
    block = rng.integers(0, n_blocks, len(patients))
    again = rng.random(len(patients)) < several
    table = pd.DataFrame(
        {
            "patient_id": [*patients["patient_id"], *patients["patient_id"][again]],
            "block": [f"B{i}" for i in (*block, *((block[again] // 2 * 2 + 1) % n_blocks))],
        }
    )
    return table.assign(spot_id=[f"S{i}" for i in range(len(table))])


@settings(max_examples=30, deadline=None)
@given(n_blocks=st.integers(6, 12), seed=st.integers(0, 1000), several=st.sampled_from([0.0, 0.02]))
def test_no_block_is_on_both_sides_and_every_patient_is_tested_once(n_blocks, seed, several):
    patients = cohort(300, seed)
    spots = spots_of(patients, n_blocks, seed, several)
    how = {"n_repeats": 2, "n_folds": 3, "strata": [], "seed": seed, "scheme": "blocks"}
    folds = rotate(patients, spots=spots, **how)
    for _, of in folds.groupby(["repeat", "fold"]):
        tested = of.loc[of["part"] == "test", "patient_id"]
        there = spots["patient_id"].isin(tested)
        assert not set(spots.loc[there, "block"]) & set(spots.loc[~there, "block"])
    once = folds[folds["part"] == "test"].groupby("repeat")["patient_id"]
    assert all(sorted(of) == sorted(patients["patient_id"]) for _, of in once)


def test_as_many_folds_as_blocks_leaves_one_block_out():
    patients = cohort(200)
    spots = spots_of(patients, 5)
    how = {"n_repeats": 1, "n_folds": 5, "strata": [], "seed": 1, "scheme": "blocks"}
    folds = rotate(patients, spots=spots, **how)
    block = spots.set_index("patient_id")["block"]
    tested = folds[folds["part"] == "test"]
    assert (tested.groupby("fold")["patient_id"].agg(lambda of: len(set(block[of]))) == 1).all()
    with pytest.raises(InputError, match="5 tissue-microarray blocks cannot fill 6 folds"):
        rotate(patients, spots=spots, **how | {"n_folds": 6})


def test_a_slide_is_a_block_and_a_spot_without_one_is_named():
    spots = pd.DataFrame({"spot_id": ["a", "b"], "block": ["B1", ""], "tma_slide": ["", "slide 7"]})
    assert blocks_of(spots).tolist() == ["B1", "slide 7"]
    with pytest.raises(InputError, match="spot 'b' has no block"):
        blocks_of(spots.drop(columns="tma_slide"))
