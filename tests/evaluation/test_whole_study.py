"""The whole evaluation of a drawn cohort with readers, folds, gaps and competing deaths."""

import numpy as np
import pandas as pd
import pytest
from tests.evaluation.golden_tables import Golden, near

from histosurv.cohort.endpoint import label_60m
from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.study import Settings

READERS = ("reader_1", "reader_2", "reader_3")


def rows_of(patients, name, value, threshold, risk=np.nan, fold=1):
    table = patients[["patient_id", "time_months", "event", "label_60m"]].assign(
        score=name, repeat=1, fold=fold, value=value, threshold=threshold, risk_60m=risk
    )
    return table[np.isfinite(value)]


@pytest.fixture(scope="module")
def golden():
    return Golden.read("drawn")


@pytest.fixture(scope="module")
def study(golden):
    rng = np.random.default_rng(5)
    n = len(golden.time)
    grade = pd.Series(rng.integers(1, 4, n).astype(str))
    patients = pd.DataFrame(
        {
            "patient_id": [f"P{i:03d}" for i in rng.permutation(n)],
            "time_months": golden.time,
            "event": golden.event,
            "stage": golden["stage"].astype(int).astype(str),
            "age": golden["x1"].astype(str),
            "grade": grade.mask(rng.random(n) < 0.1, "GX"),
        }
    )
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    fold = golden["fold"].astype(int)
    scores = pd.concat(
        [
            rows_of(patients, "lstm", golden["score_a"], 0.0, golden["risk"], fold),
            rows_of(patients, "shifted", golden["score_shifted"], 4.0, fold=fold),
            *(rows_of(patients, name, golden[name], 1.0, fold=fold) for name in READERS),
        ]
    )
    asked = Settings(
        primary="lstm", against="reader_1", covariates=("stage", "grade", "age"),
        subgroups=("stage", "age", "location"), readers=READERS, resamples=200,
    )  # fmt: skip
    return evaluate(patients, scores, settings=asked)


def find(study, **keys):
    table = study.metrics
    for name, value in ({"against": "", "subgroup": ""} | keys).items():
        table = table[table[name] == value]
    assert len(table) == 1, keys
    return table.iloc[0]


def test_every_figure_is_one_row_with_n_events_method_or_reason(study):
    metrics = study.metrics
    assert not metrics.duplicated(["score", "against", "subgroup", "estimand"]).any()
    assert metrics[["n", "events"]].notna().all(axis=None)
    assert (metrics["method"] != "").all()
    assert (metrics.loc[metrics["estimate"].isna(), "note"] != "").all()
    assert (metrics["lower"].fillna(-np.inf) <= metrics["estimate"].fillna(0) + 1e-9).all()
    assert (metrics["p"].dropna() > 0).all()


def test_figures_are_those_of_r(study, golden):
    theirs = golden.figures
    ours = study.metrics[(study.metrics["score"] == "lstm") & (study.metrics["against"] == "")]
    ours = ours[ours["subgroup"] == ""].set_index("estimand")
    near(ours.at["c_uno", "estimate"], theirs["concordance"]["uno_a"])
    high = theirs["cox"]["high"]
    ratio = ours.loc["hr_high_low", ["estimate", "lower", "upper"]]
    near(ratio, [high[name] for name in ("hr", "lower", "upper")], 1e-5)
    near(ours.at["gray", "p"], theirs["competing"]["gray_high"][1])
    near(ours.at["hr_per_sd", "estimate"], theirs["cox"]["per_sd"]["hr"], 1e-5)
    kappa = find(study, estimand="kappa", against=" + ".join(READERS))
    near(kappa["estimate"], theirs["readers"]["fleiss"])
    assert kappa["n"] == theirs["readers"]["n_complete"]


def test_fold_shifts_are_seen_and_said(study):
    near(
        find(study, score="shifted", estimand="c_uno_within_folds")["estimate"],
        find(study, score="lstm", estimand="c_uno_within_folds")["estimate"],
    )
    assert find(study, score="shifted", estimand="c_uno")["estimate"] < 0.57
    assert len(study.warnings) == 4
    assert all(warning.startswith("shifted: ") for warning in study.warnings)


def test_one_declared_comparison_and_holm_for_the_others(study):
    tests = study.metrics[study.metrics["estimand"] == "auc_ipcw_60m_difference"]
    assert set(tests["against"]) == {"shifted", *READERS}
    declared = tests[tests["method"].str.endswith("the declared test")]
    assert declared["against"].tolist() == ["reader_1"]
    adjusted = study.metrics[study.metrics["estimand"] == "auc_ipcw_60m_difference_holm"]
    assert set(adjusted["against"]) == {"shifted", "reader_2", "reader_3"}
    plain = tests.set_index("against")["p"][adjusted["against"]].to_numpy()
    assert (adjusted["p"].to_numpy() >= plain).all()
    for name in READERS:  # readers with gaps: of the patients whom both have
        n = find(study, score="lstm", against=name, estimand="auc_ipcw_60m_difference")["n"]
        assert n == find(study, score=name, estimand="auc_ipcw_60m")["n"] < 420


def test_the_score_is_cut_at_the_readers_specificity(study):
    for name in READERS:
        matched = find(study, score="lstm", against=name, estimand="specificity_60m_matched")
        own = find(study, score=name, estimand="specificity_60m")
        assert matched["estimate"] == pytest.approx(own["estimate"], abs=0.06)
        gap = find(study, score="lstm", against=name, estimand="sensitivity_60m_matched_difference")
        ours = find(study, score="lstm", against=name, estimand="sensitivity_60m_matched")
        theirs = find(study, score=name, estimand="sensitivity_60m")
        assert gap["estimate"] == pytest.approx(ours["estimate"] - theirs["estimate"])


def test_the_clinic_has_the_same_patients_in_every_model(study):
    forest = study.curves["forest"].query("score == 'lstm'")
    assert len(set(forest["n"])) == 1
    assert forest["n"].iloc[0] < 420  # grade has gaps
    models = forest.groupby("model")["term"].apply(set)
    assert models["univariable"] == models["multivariable"]
    names = "stage + grade + age"
    assert find(study, score="lstm", against=names, estimand="lrt_added")["p"] < 0.001
    complete = find(study, score="lstm", against=names, estimand="hr_per_sd_adjusted")
    filled = find(study, score="lstm", against=names, estimand="hr_per_sd_adjusted_imputed")
    assert filled["n"] == 420 > complete["n"]
    assert "missing: grade 10%" in filled["method"].replace("9%", "10%").replace("11%", "10%")
    assert filled["estimate"] == pytest.approx(complete["estimate"], rel=0.15)


def test_subgroups_have_their_numbers_and_one_test_of_interaction(study):
    table = study.metrics[study.metrics["estimand"] == "hr_per_sd"]
    levels = table[table["subgroup"] != ""].set_index("subgroup")
    assert [name for name in levels.index if name.startswith("stage")] == [
        "stage: 1", "stage: 2", "stage: 3", "stage: 4"
    ]  # fmt: skip
    assert levels.loc[levels.index.str.startswith("stage"), "n"].sum() == 420
    assert find(study, score="lstm", subgroup="stage", estimand="interaction")["p"] > 0.001
    assert not study.metrics["subgroup"].str.startswith("location").any()


def test_interaction_is_rs_likelihood_ratio(study, golden):
    theirs = golden.figures["cox"]["interaction"][0]
    ours = find(study, score="lstm", subgroup="stage", estimand="interaction")
    near(ours["estimate"], theirs, 1e-5)


def test_decision_curve_concerns_the_patients_who_have_every_score(study):
    curve = study.curves["decision_curve"]
    assert set(curve["rule"]) == {"lstm", "shifted", *READERS, "all", "none"}
    assert len(set(curve["n"])) == 1
    assert curve.groupby("rule")["n_treated"].nunique()["reader_1"] == 1
