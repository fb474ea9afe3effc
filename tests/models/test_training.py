from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from histosurv.cohort.folds import members, rotate
from histosurv.evaluation.discrimination import delong_variance
from histosurv.models.baselines import fit_baseline, log_odds, score_baseline
from histosurv.models.job import Job
from histosurv.models.sequences import Sequences, moments
from histosurv.models.training import LstmSettings, score_lstm, train_lstm

SETTINGS = LstmSettings(
    units=[16, 8],
    l1=0.0001,
    l2=0.0001,
    penalised="recurrent",
    dropout=0.05,
    learning_rate=0.01,
    batch_spots=16,
    max_epochs=15,
    patience_epochs=5,
    feature_scaling="standardise",
)
CPU = torch.device("cpu")


def cohort(n=90, signal=2.0, seed=0, unknown=0.1):
    """Sequences of unequal length whose mean in one feature carries the label."""
    rng = np.random.default_rng(seed)
    label = pd.Series(rng.integers(0, 2, n), dtype="Int64")
    ids = [f"P{i:03d}" for i in range(n)]
    patient_of, spots = [], []
    for patient, y in zip(ids, label, strict=True):
        for _ in range(rng.integers(1, 3)):
            spot = rng.standard_normal((rng.integers(3, 7), 12)).astype(np.float32)
            spot[:, 3] += signal * (y - 0.5)
            patient_of.append(patient)
            spots.append(spot * 5 + 100)
    label[rng.random(n) < unknown] = pd.NA
    patients = pd.DataFrame({"patient_id": ids, "label_60m": label})
    return Sequences(
        patients.set_index("patient_id", drop=False),
        np.array(patient_of),
        np.arange(len(spots)).astype(str),
        spots,
    )


def job(sequences, seed=5):
    patients = sequences.patients.reset_index(drop=True)
    folds = rotate(patients, n_repeats=1, n_folds=3, strata=[], seed=seed)
    return Job(sequences, members(folds, 1, 1), 1, 1, seed)


def scrambled_test(work):
    """The same job with the outcomes of its test patients turned round."""
    patients = work.sequences.patients.copy()
    label = patients.loc[work.parts["test"], "label_60m"]
    patients.loc[work.parts["test"], "label_60m"] = (1 - label).fillna(1)
    return replace(work, sequences=replace(work.sequences, patients=patients))


def auc(scores, sequences):
    label = sequences.patients["label_60m"].loc[scores["patient_id"]]
    known = label.notna().to_numpy()
    return delong_variance(scores["value"].to_numpy()[known], label[known].to_numpy(int))[0]


@pytest.fixture(autouse=True)
def two_threads():
    torch.set_num_threads(2)


MODELS = {
    "lstm": lambda work: score_lstm(work, SETTINGS, CPU)[0],
    "logistic": lambda work: score_baseline("logistic", work),
    "naive_bayes": lambda work: score_baseline("naive_bayes", work),
    "svm": lambda work: score_baseline("svm", work),
}


@pytest.mark.parametrize("name", MODELS)
def test_scrambling_test_outcomes_changes_no_prediction_and_no_threshold(name):
    work = job(cohort())
    assert MODELS[name](work).equals(MODELS[name](scrambled_test(work)))


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_scores_and_every_test_patient_once(name):
    work = job(cohort())
    scores = MODELS[name](work)
    assert scores.equals(MODELS[name](work))
    assert sorted(scores["patient_id"]) == sorted(work.parts["test"])
    assert len(set(scores["threshold"])) == 1
    np.testing.assert_allclose(scores["risk_60m"], 1 / (1 + np.exp(-scores["value"])))


@pytest.mark.parametrize("name", MODELS)
def test_a_plain_signal_is_found(name):
    sequences = cohort(300)
    # Chance has a standard error of 0.06 with 100 test patients; the signal's own AUC is 0.98.
    assert auc(MODELS[name](job(sequences)), sequences) > 0.5 + 4 * 0.06


def test_the_best_epoch_is_kept_and_the_curve_tells_which():
    work = job(cohort())
    trained = train_lstm(work.sequences, work.parts, SETTINGS, seed=1, device=CPU)
    curve = trained.curve
    assert curve["best"].sum() == 1
    best = curve.loc[curve["best"] == 1].iloc[0]
    assert best["validation_error"] == curve["validation_error"].min()
    assert len(curve) <= SETTINGS.max_epochs
    # The kept network is that of the best epoch: its error on validation patients is that row's.
    positions = work.sequences.of(work.parts["validation"], labelled=True)
    label = work.sequences.labels(positions)
    weight = 1 / pd.Series(work.sequences.patient_of[positions]).map(work.sequences.n_spots)
    error = np.logaddexp(0, trained.logits[positions]) - label * trained.logits[positions]
    assert np.average(error, weights=weight) == pytest.approx(best["validation_error"], rel=1e-4)


def test_moments_look_at_the_given_spots_only():
    spots = cohort(10).spots
    mean, inverse = moments(spots, np.arange(5))
    seen = np.concatenate(spots[:5])
    np.testing.assert_allclose(mean, seen.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(inverse, 1 / seen.std(axis=0), rtol=1e-4)
    changed = [*spots[:5], *(spot * 9 for spot in spots[5:])]
    assert (np.array(moments(changed, np.arange(5))) == np.array([mean, inverse])).all()


def test_a_constant_feature_says_nothing():
    spots = [np.full((3, 2), 4.0, np.float32), np.array([[4.0, 1.0]], np.float32)]
    assert moments(spots, np.arange(2))[1].tolist() == [0.0, pytest.approx(1 / 1.299038)]


def perturbed(work, patients):
    """The same job with the features of some patients blown up."""
    sequences = work.sequences
    spots = [
        spot * 7 - 300 if patient in set(patients) else spot
        for patient, spot in zip(sequences.patient_of, sequences.spots, strict=True)
    ]
    return replace(work, sequences=replace(sequences, spots=spots))


def of_part(work, part, *, unknown):
    label = work.sequences.patients.loc[work.parts[part], "label_60m"]
    return label.index[label.isna() == unknown].tolist()


@pytest.mark.parametrize("name", MODELS)
def test_features_of_test_patients_move_nobodys_score_but_their_own(name):
    work = job(cohort())
    some, others = work.parts["test"][::2], work.parts["test"][1::2]
    before, after = (
        MODELS[name](each).set_index("patient_id") for each in (work, perturbed(work, some))
    )
    assert before.loc[others].equals(after.loc[others])
    assert (before["threshold"] == after["threshold"]).all()
    assert (before.loc[some, "value"] != after.loc[some, "value"]).any()


@pytest.mark.parametrize("name", MODELS)
def test_patients_of_unknown_outcome_teach_nothing(name):
    work = job(cohort(unknown=0.3))
    unknown = of_part(work, "fit", unknown=True)
    assert len(unknown) > 5
    assert MODELS[name](work).equals(MODELS[name](perturbed(work, unknown)))


@pytest.mark.parametrize("name", ["logistic", "naive_bayes", "svm"])
def test_classical_models_learn_from_the_fit_part_alone(name):
    work = job(cohort())
    changed = perturbed(work, work.parts["validation"])
    before, after = MODELS[name](work), MODELS[name](changed)
    assert before["value"].equals(after["value"])
    assert before["threshold"].iloc[0] != after["threshold"].iloc[0]


def test_threshold_is_the_median_of_the_validation_patients():
    work = job(cohort())
    trained = train_lstm(work.sequences, work.parts, SETTINGS, seed=work.seed, device=CPU)
    value = work.sequences.patient_means(trained.logits, np.arange(len(trained.logits)))
    expected = value.loc[work.parts["validation"]].median()
    assert MODELS["lstm"](work)["threshold"].iloc[0] == pytest.approx(expected)


def test_penalties_pull_the_recurrent_weights_down():
    work = job(cohort())
    held = replace(SETTINGS, l1=0.05, max_epochs=8, patience_epochs=8)
    curve = train_lstm(work.sequences, work.parts, held, seed=1, device=CPU).curve
    assert curve["penalty"].iloc[-1] < 0.5 * curve["penalty"].iloc[0]


def test_a_weak_signal_never_turns_the_ranking_of_the_support_vector_machine():
    # Thirty cohorts without signal: Platt's line alone would fall in some of them.
    for seed in range(30):
        rng = np.random.default_rng(seed)
        features = pd.DataFrame(rng.standard_normal((40, 6)))
        label = pd.Series(rng.permutation([0, 1] * 20))
        model = fit_baseline("svm", features, label, seed=seed)
        distance = model.model.decision_function(features.to_numpy())
        assert model.slope > 0
        assert (np.argsort(log_odds(model, features)) == np.argsort(distance)).all()
