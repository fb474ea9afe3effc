import numpy as np
import pandas as pd
import pytest

from histosurv.evaluation.survival import at_risk, follow_up_median, kaplan_meier, logrank


def columns(patients):
    died = (patients["event"] == 1).to_numpy()
    return patients["time_months"].to_numpy(), died, patients["is_high"].to_numpy()


def test_textbook_survival_of_the_drug_group(trial):
    curve = kaplan_meier(trial)
    low = curve[curve["group"] == "low"].set_index("time_months")["survival"]
    assert low[[6.0, 10.0, 22.0]].tolist() == pytest.approx([0.857, 0.753, 0.538], abs=5e-4)


def test_textbook_logrank(trial):
    test = logrank(*columns(trial))
    assert test.value == pytest.approx(16.793, abs=5e-4)
    assert test.p < 0.001


def test_at_risk_counts_those_who_reach_the_tick(trial):
    numbers = at_risk(trial, np.array([0, 6, 7]))
    low = numbers[numbers["group"] == "low"]
    assert low["at_risk"].tolist() == [21, 21, 17]  # four left at week 6 and are at risk there
    assert low["events"].tolist() == [0, 0, 3]
    assert low["censored"].tolist() == [0, 0, 1]


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
    assert logrank(*columns(patients)) == logrank(*columns(as_censored))
    # Reverse: only the contacts at 25 and 40 end in being alive; 6, 5, 4, 3, 2, 1 are at risk.
    assert follow_up_median(patients).value == 40.0
    assert follow_up_median(as_censored).value != 40.0


def test_a_group_without_deaths_has_a_logrank(trial):
    safe = trial.assign(event=trial["event"].where(trial["is_high"], 0))
    assert np.isfinite(logrank(*columns(safe)).value)
