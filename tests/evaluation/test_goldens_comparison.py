"""Comparisons, readers and the figures of the resamples against R; see goldens/goldens.R."""

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.golden_tables import NAMES, WITH_OTHER_DEATHS, Golden, near, small

from histosurv.cohort.endpoint import HORIZON_MONTHS, label_60m
from histosurv.evaluation.agreement import kappa
from histosurv.evaluation.comparison import corrected_t, delong_difference, holm, mcnemar
from histosurv.evaluation.discrimination import delong_variance, shares
from histosurv.evaluation.figures import figures
from histosurv.evaluation.imputation import pool
from histosurv.evaluation.resampling import Resamples
from histosurv.evaluation.sample import Sample, Score
from histosurv.evaluation.sections.sensitivity import other_endpoints
from histosurv.evaluation.study import Settings, Study


@pytest.fixture(params=NAMES)
def golden(request):
    return Golden.read(request.param)


def in_months(golden):
    """The table as ours: five years are where its horizon is."""
    time = golden.time * HORIZON_MONTHS / golden.horizon
    patients = pd.DataFrame(
        {
            "patient_id": [f"{i:04d}" for i in range(len(time))],
            "time_months": time,
            "event": golden.event,
        }
    )
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    return patients


def test_delong_paired_and_shares(golden):
    theirs = golden.figures["binary"]
    label = in_months(golden)["label_60m"].astype("Float64").to_numpy(float, na_value=np.nan)
    known = np.isfinite(label)
    assert (known.sum(), (label == 1).sum()) == (theirs["n"], theirs["cases"])
    scores = [golden[f"score_{name}"][known] for name in ("a", "b")]
    for name, score in zip(("a", "b"), scores, strict=True):
        auc, variance = delong_variance(score, label[known])
        reach = 1.959963984540054 * variance**0.5
        ours = [auc, max(auc - reach, 0), min(auc + reach, 1)]
        near(ours, theirs[f"auc_{name}"])
    paired = delong_difference(*scores, label[known])
    near(paired.p, theirs["paired_p"])
    near(paired.value, theirs["auc_a"][0] - theirs["auc_b"][0])
    found = shares(golden["high"][known] == 1, label[known] == 1)
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        near(found[f"{name}_60m"][0][:3], theirs[name])


def test_figures_of_the_resamples_are_those_of_the_sample(golden):
    patients = in_months(golden)
    sample = Sample.of(patients)
    high = golden["high"] == 1
    table = patients.assign(
        score="s", repeat=1, fold=golden["fold"].astype(int), value=golden["score_a"],
        risk_60m=golden["risk"], threshold=golden["score_a"] + np.where(high, -1, 1),
    )  # fmt: skip
    score = Score.of(table, sample)
    once = Resamples(np.ones((1, len(sample))), sample.time, sample.died, HORIZON_MONTHS)
    found = {name: value[0] for name, value in figures(score, sample, once).items()}
    theirs = golden.figures
    near(found["auc_60m"], theirs["binary"]["auc_a"][0])
    near(found["auc_ipcw_60m"], theirs["time_dependent"]["formula_a"][-1])
    near(found["c_uno"], theirs["concordance"]["uno_a"])
    near(found["c_harrell"], theirs["concordance"]["harrell_a"][0])
    near(found["c_harrell_within_folds"], theirs["concordance"]["harrell_strata"][0])
    near(found["brier_60m"], theirs["time_dependent"]["brier"])
    near(found["ipa_60m"], theirs["time_dependent"]["ipa"])
    near(np.exp(found["log_hr_high_low"]), theirs["cox"]["high"]["hr"], 1e-5)


def test_counts_are_as_good_as_rows_drawn_twice():
    golden = Golden.read("drawn_ties")
    patients = in_months(golden)
    times = np.random.default_rng(3).integers(0, 3, len(patients))
    twice = patients.loc[np.repeat(patients.index, times)].reset_index(drop=True)
    twice["patient_id"] = [f"{i:04d}" for i in range(len(twice))]

    def of(table, counts, rows):
        sample = Sample.of(table)
        score = Score.of(
            table.assign(
                score="s", repeat=1, fold=golden["fold"].astype(int)[rows], threshold=0.0,
                value=golden["score_b"][rows], risk_60m=golden["risk"][rows],
            ),
            sample,
        )  # fmt: skip
        return figures(score, sample, Resamples(counts, sample.time, sample.died, HORIZON_MONTHS))

    counted = of(patients, times[None].astype(float), slice(None))
    rows = np.repeat(np.arange(len(patients)), times)
    listed = of(twice, np.ones((1, len(twice))), rows)
    for name, value in listed.items():
        near(counted[name], value, 1e-9)


@pytest.mark.parametrize("name", WITH_OTHER_DEATHS)
def test_readers(name):
    golden = Golden.read(name)
    theirs, how = golden.figures["readers"], {"n_resamples": 200, "seed": 1}
    calls = np.column_stack([golden[f"reader_{i}"] for i in (1, 2, 3)])
    fleiss, n = kappa(calls, **how)
    near(fleiss.value, theirs["fleiss"])
    assert n == theirs["n_complete"]
    assert fleiss.lower < fleiss.value < fleiss.upper
    pairs = [kappa(calls[:, list(pair)], **how)[0].value for pair in ((0, 1), (0, 2), (1, 2))]
    near(pairs, theirs["cohen"])


def test_mcnemar_is_exact():
    for name in WITH_OTHER_DEATHS:
        theirs = Golden.read(name).figures["readers"]
        b, c = theirs["mcnemar_b"], theirs["mcnemar_c"]
        first = np.r_[np.zeros(b, bool), np.ones(c, bool), np.ones(30, bool)]
        second = np.r_[np.ones(b, bool), np.zeros(c, bool), np.ones(30, bool)]
        near(mcnemar(first, second).p, theirs["mcnemar_p"])
        assert mcnemar(first, second).value == -mcnemar(second, first).value


def test_figures_without_a_table():
    near(holm(np.array([0.01, 0.04, 0.03, 0.005])), small("holm"))
    differences = np.sin(np.arange(1, 31)) / 20 + 0.02
    found = corrected_t(differences, 280, 140)
    near(found.p, small("resampled")[1])
    values, variances = [0.50, 0.62, 0.55, 0.47, 0.58], [0.04, 0.05, 0.045, 0.038, 0.052]
    ours = pool(np.array(values), np.array(variances), 420, 4)
    mean, total, degrees = small("rubin")
    near(ours.value, mean)
    from scipy.stats import t

    near(ours.upper - ours.value, t.ppf(0.975, degrees) * total**0.5)


def test_fleiss_own_example():
    """Fleiss (1971), table 1, two of his five categories against the others would not do: ours is
    of two categories, so his formula is taken by hand for four patients and three readers."""
    calls = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0], [0, 1, 0]], float)
    # agreeing pairs 1, 1/3, 1, 1/3: 2/3 on average; half of the calls are high: 1/2 by chance
    near(kappa(calls, n_resamples=10, seed=1)[0].value, (2 / 3 - 1 / 2) / (1 / 2))


@pytest.mark.parametrize("name", WITH_OTHER_DEATHS)
def test_auc_with_other_deaths_as_controls(name):
    golden = Golden.read(name)
    patients = in_months(golden)
    sample = Sample.of(patients)
    table = patients.assign(
        score="s", repeat=1, fold=1, value=golden["score_a"], risk_60m=np.nan, threshold=0.0
    )
    score = Score.of(table, sample)
    rows = other_endpoints(Study(sample, {"s": score}, Settings("s", resamples=20)), score)
    ours = {line["estimand"]: line["estimate"] for line in rows}["auc_ipcw_60m_other_as_control"]
    near(ours, golden.figures["competing"]["auc_other_control"])
    # riskRegression's G again.
    near(ours, golden.figures["competing"]["auc_other_control_package"], 1e-3)
