from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from histosurv.cohort.folds import members, rotate
from histosurv.evaluation.discrimination import delong_variance
from histosurv.models.baselines import score_baseline
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
    return Sequences(patients.set_index("patient_id", drop=False), np.array(patient_of), spots)


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


def test_scaling_is_that_of_the_fit_part():
    # The same study in other units gives the same scores.
    work = job(cohort())
    other = replace(work.sequences, spots=[spot * 4 - 8 for spot in work.sequences.spots])
    ours, theirs = (
        score_lstm(replace(work, sequences=sequences), SETTINGS, CPU)[0]["value"]
        for sequences in (work.sequences, other)
    )
    np.testing.assert_allclose(ours, theirs, atol=0.02)
