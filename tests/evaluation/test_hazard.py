import numpy as np
import pytest

from histosurv.evaluation.hazard import high_against_low


def ratio_of(patients):
    high, time = patients["is_high"].to_numpy(bool), patients["time_months"].to_numpy(float)
    return high_against_low(high, time, (patients["event"] == 1).to_numpy())[1]


def test_textbook_hazard_ratio_with_efrons_ties(trial):
    # Efron 1.5721 (R's coxph default); Breslow would give 1.509.
    ratio = ratio_of(trial)
    assert np.log(ratio.value) == pytest.approx(1.5721, abs=1e-4)
    assert np.log(ratio.upper / ratio.lower) / (2 * 1.959964) == pytest.approx(0.4124, abs=1e-4)


def test_other_deaths_are_censored_in_the_ratio_of(trial):
    other = trial.assign(event=trial["event"].where(trial["time_months"] != 23, 2))
    censored = trial.assign(event=trial["event"].where(trial["time_months"] != 23, 0))
    assert ratio_of(other) == ratio_of(censored)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_high": False}, "nobody is at high risk"),
        ({"is_high": True}, "nobody is at low risk"),
        ({"event": 0}, "died of the cancer"),
    ],
)
def test_what_cannot_be_estimated_says_why(trial, change, reason):
    ratio = ratio_of(trial.assign(**change))
    assert np.isnan(ratio.value)
    assert reason in ratio.note


def test_a_group_without_deaths_gives_no_giant_ratio_of(trial):
    safe = trial.assign(event=trial["event"].where(trial["is_high"], 0))
    assert ratio_of(safe).note == "nobody at low risk died of the cancer"
