"""The classical models: what they optimise, and what pooling makes of tiles."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from tests.models.small_cohorts import cohort, job, perturbed

from histosurv.cohort.endpoint import label_60m
from histosurv.errors import InputError
from histosurv.models.baselines import decision, fit_baseline, score_baseline
from histosurv.models.cox import CoxRidge, outcome
from histosurv.models.pooling import fit_pooler


def drawn(n=120, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n, 6))
    time = rng.exponential(50 * np.exp(-2 * features[:, 0])).round(0)
    event = rng.choice([0, 1, 2], n, p=[0.3, 0.6, 0.1])
    patients = pd.DataFrame({"time_months": time, "event": event})
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    return pd.DataFrame(features), patients


def test_every_tile_counts_as_the_pooling_says():
    sequences = cohort(12).spot_by_spot()
    spots = dict(zip(sequences.spot_ids, sequences.spots, strict=True))
    for how, expected in (
        ("mean", lambda x: x.mean(axis=0)),
        ("mean_std", lambda x: np.concatenate([x.mean(axis=0), x.std(axis=0)])),
        ("max", lambda x: x.max(axis=0)),
    ):
        table = fit_pooler(sequences, how, [], seed=1).table(sequences)
        assert list(table.index) == sorted(spots)
        for spot_id, row in table.iterrows():
            np.testing.assert_allclose(row, expected(spots[spot_id].astype(float)), rtol=1e-6)


def test_fisher_vectors_have_their_length_and_learn_from_the_fit_part_alone():
    work = job(cohort())
    fit = work.parts["fit"]
    pooler = fit_pooler(work.sequences, "fisher", fit, seed=1)
    table = pooler.table(work.sequences)
    n_modes = (table.shape[1] + 1) // (2 * 12 + 1)
    assert table.shape[1] == 2 * n_modes * 12 + n_modes
    assert table.equals(fit_pooler(work.sequences, "fisher", fit, seed=1).table(work.sequences))
    changed = perturbed(work, work.parts["test"]).sequences
    others = fit_pooler(changed, "fisher", fit, seed=1).table(changed)
    assert table.loc[fit].equals(others.loc[fit])
    lengths = np.linalg.norm(table.to_numpy(), axis=1)
    assert (lengths <= 1 + 1e-9).all()  # a mean of vectors of length one


@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_ridge_cox_is_lifelines_and_its_score_is_harrells_c(penalty):
    features, patients = drawn()
    outcomes = outcome(patients["time_months"], patients["event"])
    model = CoxRidge(penalty).fit(features.to_numpy(), outcomes)
    table = features.rename(columns=str).assign(
        time=patients["time_months"].clip(lower=1e-6), event=patients["event"] == 1
    )
    penalties = penalty / features.var().to_numpy()  # lifelines' are per standard deviation
    theirs = CoxPHFitter(penalizer=penalties).fit(table, "time", "event")
    stretched = CoxRidge(penalty * 100).fit(features.to_numpy() * 10, outcomes)
    np.testing.assert_allclose(stretched.coefficients_ * 10, model.coefficients_, rtol=1e-4)
    np.testing.assert_allclose(model.coefficients_, theirs.params_, rtol=1e-6)
    if not penalty:
        assert model.score(features, outcomes) == pytest.approx(theirs.concordance_index_)


def test_cox_that_does_not_converge_is_told():
    _, patients = drawn()
    outcomes = outcome(patients["time_months"], patients["event"])
    repeated = np.repeat(np.random.default_rng(0).standard_normal((120, 1)), 2, axis=1)
    with pytest.raises(InputError, match="Cox regression on 2 variables of 120 patients"):
        CoxRidge(0.0).fit(repeated, outcomes)


@pytest.mark.parametrize("name", ["logistic", "elastic_net", "naive_bayes", "svm", "cox"])
def test_a_plain_signal_is_found_and_one_outcome_is_refused(name):
    features, patients = drawn()
    risk = decision(fit_baseline(name, features, patients, seed=1)[0], features)
    assert np.corrcoef(risk, features[0])[0, 1] > 0.6
    nobody = patients.assign(event=0, label_60m=pd.Series(0, patients.index, dtype="Int64"))
    with pytest.raises(InputError, match=f"{name}: the fit part has 0 patients with one of"):
        fit_baseline(name, features, nobody, seed=1)


@pytest.mark.parametrize("name", ["logistic", "naive_bayes", "svm", "cox"])
def test_repeated_features_and_rounding_are_no_components(name):
    features, patients = drawn()
    twice = pd.concat([features, features, features * 3], axis=1, ignore_index=True)
    noisy = twice * (1 + 1e-15 * np.random.default_rng(0).standard_normal(twice.shape))
    one, other = (
        decision(fit_baseline(name, table, patients, seed=1)[0], table) for table in (twice, noisy)
    )
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    alike = features * 0 + 7
    with pytest.raises(InputError, match="features are the same for every patient"):
        fit_baseline(name, alike, patients, seed=1)


def test_cox_stands_inner_folds_in_which_nobody_can_be_compared():
    features, patients = drawn(40)
    for seed in range(4):
        event = np.zeros(40, int)
        event[np.random.default_rng(seed).permutation(40)[:4]] = 1
        model = fit_baseline("cox", features, patients.assign(event=event), seed=seed)[0]
        assert np.isfinite(decision(model, features)).all()


@pytest.mark.parametrize("name", ["logistic", "naive_bayes", "svm", "cox"])
def test_a_constant_feature_is_no_trouble(name):
    work = job(cohort())
    for spot in work.sequences.spots:
        spot[:, 5] = 7.0
    assert np.isfinite(score_baseline(name, work)[0].rows["value"]).all()
