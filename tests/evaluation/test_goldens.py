"""Estimators against R: see goldens/goldens.R for what computed each figure.

Tolerance 1e-6 unless the line says why not.
"""

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.golden_tables import NAMES, WITH_OTHER_DEATHS, Golden, near

from histosurv.evaluation.calibration import (
    calibration_groups,
    integrated_brier,
    observed_to_expected,
    slope,
)
from histosurv.evaluation.competing import fine_gray, gray_test, incidence
from histosurv.evaluation.concordance import concordance
from histosurv.evaluation.efron import Efron, firth, proportional_hazards
from histosurv.evaluation.survival import (
    logrank,
    median_survival,
    restricted_mean,
    survival_at,
)
from histosurv.evaluation.time_dependent import auc_at, brier_at, standard_error
from histosurv.evaluation.usefulness import decision_curve


@pytest.fixture(params=NAMES)
def golden(request):
    return Golden.read(request.param)


@pytest.fixture(params=WITH_OTHER_DEATHS)
def competing(request):
    return Golden.read(request.param)


def test_kaplan_meier_medians_and_mean_survival(golden):
    theirs = golden.figures["kaplan_meier"]
    ours = [survival_at(golden.time, golden.died, at) for at in theirs["times"]]
    curve = theirs["log_log"]
    near([e[:3] for e in ours], np.transpose([curve["surv"], curve["lower"], curve["upper"]]))
    names = ("median", "median_lower", "median_upper")
    median = median_survival(golden.time, golden.died)[:3]
    if curve["median"] != "NA":  # R gives a lower end to a median that is not reached; we do not
        near(median, [curve[name] for name in names])
    else:
        assert np.isnan(median[0])
    near(median_survival(golden.time, golden.event == 0)[:3], theirs["follow_up"])
    high, tau = golden["high"] == 1, theirs["rmst_tau"]
    for of, at, name in (
        (slice(None), golden.horizon, "rmst"),
        (high, tau, "rmst_high"),
        (~high, tau, "rmst_low"),
    ):
        mean, variance = restricted_mean(golden.time[of], golden.died[of], at)
        near([mean, variance**0.5], theirs[name])


def test_logrank_plain_stratified_and_trend(golden):
    theirs, seen = golden.figures["log_rank"], (golden.time, golden.died)
    near(logrank(*seen, golden["high"]).value, theirs["high"][0])
    stage = logrank(*seen, golden["stage"])
    near(stage.value, theirs["stage"][0])
    assert stage.note.startswith(str(theirs["stage"][1]))
    near(logrank(*seen, golden["high"], golden["fold"]).value, theirs["stratified"][0])
    near(logrank(*seen, golden["stage"], trend=True).value, theirs["trend"][0])


def test_partial_likelihood_with_efrons_ties(golden):
    several = golden.figures["cox"]["several"]
    x = np.column_stack([golden[name] for name in ("score_a", "x1", "x2")])
    one = np.zeros(len(x))
    beta = np.log(several["hr"])
    near(Efron.at(beta * 0, x, golden.time, golden.died, one).loglik, several["loglik"][0])
    at_best = Efron.at(beta, x, golden.time, golden.died, one)
    near(at_best.loglik, several["loglik"][1])
    error = np.sqrt(np.diag(np.linalg.inv(at_best.information)))
    near(np.exp(beta + 1.959963985 * error), several["upper"], 1e-5)
    strata = golden.figures["cox"]["strata"]
    fit = Efron.at(
        np.log([strata["hr"]]), x[:, :1], golden.time, golden.died, golden["fold"]
    )  # fmt: skip
    near(fit.loglik, strata["loglik"][1])


def test_proportional_hazards_is_rs_score_test(golden):
    theirs = golden.figures["cox"]
    x = np.column_stack([golden[name] for name in ("score_a", "x1", "x2")])
    beta = np.log(theirs["several"]["hr"])
    # R's coefficients are near the maximum only, and its test is taken there too.
    ours = proportional_hazards(x, beta, golden.time, golden.died)
    near([e.value for e in ours], theirs["zph_km"], 1e-4)


def test_firth(golden):
    theirs = golden.figures["cox"]
    one = firth(golden["high"][:, None], golden.time, golden.died)
    near(one[0].value, theirs["firth_one"]["coef"], 1e-4)  # R's is the end of a search
    second = golden["x2"]
    second = (second - second.mean()) / second.std(ddof=1)
    two = firth(np.column_stack([golden["high"], second]), golden.time, golden.died)
    near([e.value for e in two], theirs["firth_two"]["coef"], 1e-4)


def test_concordance_of_harrell_and_uno(golden):
    theirs = golden.figures["concordance"]
    for name in ("a", "b"):
        seen = (golden[f"score_{name}"], golden.time, golden.died)
        near(concordance(*seen), theirs[f"harrell_{name}"][0])
        near(concordance(*seen, tau=golden.horizon), theirs[f"uno_{name}"])


def test_auc_at_the_horizon_with_its_error(golden):
    theirs = golden.figures["time_dependent"]
    moved = {}
    for name in ("a", "b"):
        found = [
            auc_at(golden[f"score_{name}"], golden.time, golden.died, t) for t in theirs["times"]
        ]
        near([auc for auc, _ in found], theirs[f"formula_{name}"])
        # For G, riskRegression takes deaths out of the risk set of losses at the same time.
        near([auc for auc, _ in found], theirs[f"auc_{name}"], 1e-3)
        near([standard_error(influence) for _, influence in found], theirs[f"se_{name}"], 5e-3)
        moved[name] = [influence for _, influence in found]
    errors = [standard_error(a - b) for a, b in zip(moved["a"], moved["b"], strict=True)]
    near(errors, theirs["difference_se"], 5e-3)


def test_brier_score_and_what_is_made_of_it(golden):
    theirs, risk = golden.figures["time_dependent"], golden["risk"]
    seen = (golden.time, golden.died)
    brier = brier_at(risk, *seen, golden.horizon)
    near(brier, theirs["brier"])
    near(brier, theirs["brier_package"], 1e-2)  # ties in G, as above
    grid = np.array(theirs["ibs_grid"], float)
    risks = 1 - (1 - risk)[:, None] ** (grid / golden.horizon)[None]
    near(integrated_brier(risks, grid, *seen), theirs["ibs"])


def test_calibration_and_net_benefit(golden):
    theirs, risk = golden.figures["calibration"], golden["risk"]
    # R's figures censor other deaths, so here they are losses for us too.
    seen = (golden.time, golden.censored, golden.horizon)
    ratio = observed_to_expected(risk, *seen)
    near(ratio[:3], [theirs[name] for name in ("oe", "oe_lower", "oe_upper")])
    found = slope(risk, golden.time, golden.died, golden.horizon)
    reach = 1.959963985 * theirs["slope_se"]
    near(found[:3], [theirs["slope"] + d for d in (0, -reach, reach)], 1e-5)
    groups = calibration_groups(risk, *seen)
    near(groups[["predicted", "observed", "n"]], np.array(theirs["groups"])[:, [0, 1, 4]])
    thresholds = np.array(theirs["net_points"])
    curve = decision_curve({"model": risk}, *seen, thresholds).set_index("rule")["net_benefit"]
    near(curve["model"], theirs["net_benefit"])
    near(curve["all"], theirs["net_all"])
    assert (curve["none"] == 0).all()


def test_cumulative_incidence_and_grays_test(competing):
    theirs, seen = competing.figures["competing"], (competing.time, competing.event)
    for cause in (1, 2):
        curve = incidence(*seen, cause)
        near([curve.at(t).value for t in theirs["times"]], theirs[f"incidence_{cause}"])
        place = np.searchsorted(curve.times, theirs["times"], side="right") - 1
        # cmprsk's variance is Aalen's, ours the infinitesimal jackknife of R's survival.
        near(curve.errors[place] ** 2, theirs[f"variance_{cause}"], 1e-2)
        if cause == 1:
            near(curve.errors[place], theirs["survival_se_1"])
    for group in ("high", "stage"):
        test = gray_test(*seen, competing[group])
        near([test.value, test.p], theirs[f"gray_{group}"][:2])
    near(
        gray_test(*seen, competing["high"], competing["fold"]).value, theirs["gray_stratified"][0]
    )  # fmt: skip


def test_fine_gray(competing):
    theirs, seen = competing.figures["competing"], (competing.time, competing.event)
    for name, columns in (("crr_high", ["high"]), ("crr_two", ["score_a", "x1"])):
        fit = fine_gray(*seen, np.column_stack([competing[c] for c in columns]))
        near(fit.beta, theirs[name]["coef"], 1e-5)  # crr stops a little earlier
        near(np.sqrt(np.diag(fit.covariance)), theirs[name]["robust_se"], 1e-4)
    near(fit.beta, theirs["finegray_two"], 1e-2)  # Efron's ties there, Breslow's here


def test_all_tables_are_as_the_script_writes_them():
    from tests.evaluation.goldens.inputs import tables

    made = tables()
    assert sorted(made) == NAMES
    for name, table in made.items():
        pd.testing.assert_frame_equal(table, Golden.read(name).table, check_dtype=False)
