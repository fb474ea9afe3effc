"""Nothing of a test patient reaches a model, whichever it is."""

from functools import cache

import numpy as np
import pytest
import torch
from tests.models.small_cohorts import (
    BRIEF,
    CPU,
    MODELS,
    NETWORKS,
    auc,
    cohort,
    job,
    network,
    of_part,
    perturbed,
    scrambled_test,
    settings,
)

from histosurv.models.calibration import platt
from histosurv.models.training import train_network


@pytest.fixture(autouse=True)
def two_threads():
    torch.set_num_threads(2)


@cache
def undisturbed(name):
    """Scores of a model on the cohort as it is."""
    return MODELS[name](job(cohort()))


@pytest.mark.parametrize("name", MODELS)
def test_scrambling_test_outcomes_changes_no_prediction_and_no_threshold(name):
    assert undisturbed(name).equals(MODELS[name](scrambled_test(job(cohort()))))


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_scores_and_every_test_patient_once(name):
    work = job(cohort())
    scores = MODELS[name](work)
    assert scores.equals(undisturbed(name))
    assert sorted(scores["patient_id"]) == sorted(work.parts["test"])
    assert len(set(scores["threshold"])) == 1
    np.testing.assert_allclose(scores["risk_60m"], 1 / (1 + np.exp(-scores["value"])))


@pytest.mark.parametrize("name", MODELS)
def test_a_plain_signal_is_found(name):
    sequences = cohort(200)
    model = network(name) if name in NETWORKS else MODELS[name]
    # Chance has a standard error of 0.07 with 66 test patients; the signal's own AUC is 0.98.
    assert auc(model(job(sequences)), sequences) > 0.5 + 4 * 0.07


@pytest.mark.parametrize("name", MODELS)
def test_features_of_test_patients_move_nobodys_score_but_their_own(name):
    work = job(cohort())
    some, others = work.parts["test"][::2], work.parts["test"][1::2]
    before, after = (
        scores.set_index("patient_id")
        for scores in (undisturbed(name), MODELS[name](perturbed(work, some)))
    )
    assert before.loc[others].equals(after.loc[others])
    assert (before["threshold"] == after["threshold"]).all()
    assert (before.loc[some, "value"] != after.loc[some, "value"]).any()


@pytest.mark.parametrize("name", MODELS)
def test_patients_of_unknown_outcome_teach_the_losses_of_time_and_nobody_else(name):
    work = job(cohort(unknown=0.3))
    unknown = of_part(work, "fit", unknown=True)
    assert len(unknown) > 5
    is_same = MODELS[name](work).equals(MODELS[name](perturbed(work, unknown)))
    # The Fisher vector's mixture is of all tiles of the fit part; it knows no outcome.
    assert is_same != (name in ("cox", "discrete_time", "cox_ridge", "logistic_fisher"))


@pytest.mark.parametrize("name", [name for name in MODELS if name not in NETWORKS])
def test_classical_models_learn_their_ranking_from_the_fit_part_alone(name):
    work = job(cohort())
    changed = perturbed(work, work.parts["validation"])
    before, after = undisturbed(name), MODELS[name](changed)
    assert before["value"].rank().equals(after["value"].rank())
    assert before["threshold"].iloc[0] != after["threshold"].iloc[0]


def test_scale_and_threshold_come_from_the_validation_patients():
    work = job(cohort())
    trained = train_network("lstm", work, settings(**BRIEF), device=CPU)
    value = trained.members.mean(axis=1)
    held_out = value.loc[work.parts["validation"]]
    label = work.sequences.patients["label_60m"].loc[held_out.index]
    known = label.notna()
    line = platt(held_out[known].to_numpy(), label[known].to_numpy(int))
    scores = MODELS["lstm"](work).set_index("patient_id")
    expected = line.slope * value.loc[scores.index] + line.intercept
    np.testing.assert_allclose(scores["value"], expected)
    threshold = line.slope * held_out.median() + line.intercept
    assert scores["threshold"].unique() == pytest.approx(threshold)
