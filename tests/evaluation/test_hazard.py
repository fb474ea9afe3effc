import numpy as np
import pandas as pd
import pytest

from histosurv.evaluation.hazard import (
    at_risk,
    follow_up_median,
    hazard_ratio,
    kaplan_meier,
    logrank,
)

# Freireich's leukaemia trial (Blood 1963), weeks in remission: 6-mercaptopurine against placebo.
DRUG = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
DRUG_EVENT = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


@pytest.fixture
def trial():
    return pd.DataFrame(
        {
            "time_months": np.array(DRUG + PLACEBO, float),
            "event": DRUG_EVENT + [1] * 21,
            "is_high": [False] * 21 + [True] * 21,
        }
    )


def test_textbook_survival_of_the_drug_group(trial):
    curve = kaplan_meier(trial)
    low = curve[curve["group"] == "low"].set_index("time_months")["survival"]
    assert low[[6.0, 10.0, 22.0]].tolist() == pytest.approx([0.857, 0.753, 0.538], abs=5e-4)


def test_textbook_logrank(trial):
    test = logrank(trial)
    assert test.value == pytest.approx(16.793, abs=5e-4)
    assert test.p < 0.001


def test_textbook_hazard_ratio_with_efrons_ties(trial):
    # Efron 1.5721 (R's coxph default); Breslow would give 1.509.
    ratio = hazard_ratio(trial)
    assert np.log(ratio.value) == pytest.approx(1.5721, abs=1e-4)
    assert np.log(ratio.upper / ratio.lower) / (2 * 1.959964) == pytest.approx(0.4124, abs=1e-4)


def test_at_risk_counts_those_who_reach_the_tick(trial):
    numbers = at_risk(trial, np.array([0, 6, 7]))
    low = numbers[numbers["group"] == "low"]
    assert low["at_risk"].tolist() == [21, 21, 17]  # four left at week 6 and are at risk there
    assert low["events"].tolist() == [0, 0, 3]
    assert low["censored"].tolist() == [0, 0, 1]


def test_other_deaths_are_censored_in_the_hazard_ratio(trial):
    other = trial.assign(event=trial["event"].where(trial["time_months"] != 23, 2))
    censored = trial.assign(event=trial["event"].where(trial["time_months"] != 23, 0))
    assert hazard_ratio(other) == hazard_ratio(censored)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_high": False}, "nobody is at high risk"),
        ({"is_high": True}, "nobody is at low risk"),
        ({"event": 0}, "died of the cancer"),
    ],
)
def test_what_cannot_be_estimated_says_why(trial, change, reason):
    ratio = hazard_ratio(trial.assign(**change))
    assert np.isnan(ratio.value)
    assert reason in ratio.note


def test_a_group_without_deaths_gives_no_giant_hazard_ratio(trial):
    safe = trial.assign(event=trial["event"].where(trial["is_high"], 0))
    assert hazard_ratio(safe).note == "nobody at low risk died of the cancer"
    assert np.isfinite(logrank(safe).value)


def test_follow_up_is_that_of_the_living(trial):
    # Everybody alive is followed for 10 or 30 months, the dead die early: the median is 30.
    patients = pd.DataFrame(
        {"time_months": [1.0] * 50 + [10.0] * 10 + [30.0] * 20, "event": [1] * 50 + [0] * 30}
    )
    assert follow_up_median(patients).value == 30


def test_other_deaths_are_censored_in_the_curves_and_end_the_follow_up():
    patients = pd.DataFrame(
        {
            "time_months": [10.0, 20.0, 30.0, 40.0, 15.0, 25.0],
            "event": [2, 1, 2, 0, 1, 0],
            "is_high": [False, False, False, False, True, True],
        }
    )
    low = kaplan_meier(patients).query("group == 'low'").set_index("time_months")["survival"]
    assert low[[10.0, 20.0, 30.0]].tolist() == pytest.approx([1, 2 / 3, 2 / 3])
    as_censored = patients.assign(event=patients["event"].replace(2, 0))
    assert logrank(patients) == logrank(as_censored)
    # Reverse: only the contacts at 25 and 40 end in being alive; 6, 5, 4, 3, 2, 1 are at risk.
    assert follow_up_median(patients).value == 40.0
    assert follow_up_median(as_censored).value != 40.0
