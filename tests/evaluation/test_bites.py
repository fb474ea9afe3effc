"""The comparisons with R can fail: the well-known wrong estimators do not pass them."""

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.duration.hazard_regression import PHReg
from tests.evaluation.golden_tables import Golden, near

from histosurv.cohort.endpoint import label_60m
from histosurv.evaluation.concordance import concordance
from histosurv.evaluation.curves import Curves
from histosurv.evaluation.discrimination import delong_variance
from histosurv.evaluation.survival import survival_at
from histosurv.evaluation.time_dependent import auc_terms


@pytest.fixture
def golden():
    return Golden.read("drawn_ties")


@pytest.fixture
def label(golden):
    return label_60m(golden.table["time"], golden.table["event"]).astype("Float64")


def refused(ours, theirs, tolerance):
    """Fail unless `near` does, at the tolerance of the right estimator or a wider one."""
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        near(ours, theirs, tolerance)


def test_breslows_ties(golden):
    x = np.column_stack([golden[name] for name in ("score_a", "x1", "x2")])
    fits = {
        ties: PHReg(golden.time, x, golden.died.astype(int), ties=ties).fit()
        for ties in ("efron", "breslow")
    }
    theirs = golden.figures["cox"]["several"]["hr"]
    near(np.exp(fits["efron"].params), theirs, 1e-5)
    refused(np.exp(fits["breslow"].params), theirs, 1e-5)


def test_one_less_survival_for_incidence(golden):
    theirs = golden.figures["competing"]
    wrong = [1 - survival_at(golden.time, golden.died, t).value for t in theirs["times"]]
    refused(wrong, theirs["incidence_1"], 1e-6)
    assert (np.array(wrong) > np.array(theirs["incidence_1"])).all()


def test_delong_without_the_pairing(golden, label):
    known = label.notna().to_numpy()
    parts = [
        delong_variance(golden[f"score_{name}"][known], label[known].to_numpy(float))
        for name in ("a", "b")
    ]
    error = np.sqrt(parts[0][1] + parts[1][1])
    p = 2 * norm.sf(abs(parts[0][0] - parts[1][0]) / error)
    refused(p, golden.figures["binary"]["paired_p"], 1e-2)


def test_the_unknown_counted_as_survivors(golden, label):
    auc, _ = delong_variance(golden["score_a"], label.fillna(0).to_numpy(float))
    refused(auc, golden.figures["binary"]["auc_a"][0], 1e-3)


def test_a_concordance_that_is_turned_round(golden):
    theirs = golden.figures["concordance"]["harrell_a"][0]
    turned = concordance(-golden["score_a"], golden.time, golden.died)
    refused(turned, theirs, 1e-3)
    near(1 - turned, theirs)


def test_weights_from_the_deaths_or_from_just_after(golden):
    horizon, score = golden.horizon, golden["score_a"]
    theirs = golden.figures["time_dependent"]["formula_a"][-1]
    controls = (golden.time > horizon).astype(float)[None]
    cases = golden.died & (golden.time <= horizon)

    def auc(reached):
        weight = np.where(cases, 1 / np.maximum(reached, 1e-9), 0.0)
        top, pairs = auc_terms(score, weight, controls)
        return top[0] / pairs[0]

    losses, deaths = Curves(golden.time, ~golden.died), Curves(golden.time, golden.died)
    near(auc(losses.before(golden.time)), theirs)
    refused(auc(losses.at(golden.time)), theirs, 1e-6)
    refused(auc(deaths.before(golden.time)), theirs, 1e-6)
