"""How networks are trained: stopping, resuming, threads, optimisers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tests.models.small_cohorts import CPU, cohort, job, perturbed, settings

from histosurv.config import complete
from histosurv.errors import InputError
from histosurv.models import checkpoint, member
from histosurv.models.sequences import moments
from histosurv.models.training import score_network, train_network


@pytest.fixture(autouse=True)
def two_threads():
    torch.set_num_threads(2)


def rows(work, how, **options):
    return score_network("lstm", work, how, CPU, **options)[0].rows


def test_the_best_epoch_is_kept_and_the_curve_tells_which():
    work = job(cohort())
    trained = train_network("lstm", work, settings(initialisations=1, precision="fp32"), device=CPU)
    curve = trained.curve
    assert curve["best"].sum() == 1
    best = curve.loc[curve["best"] == 1].iloc[0]
    assert best["validation_error"] == curve["validation_error"].min()
    assert len(curve) <= 15
    # The kept network is that of the best epoch: its error on validation patients is that row's.
    label = work.sequences.patients["label_60m"].loc[work.parts["validation"]].dropna()
    logit = trained.members[0].loc[label.index].to_numpy()
    error = np.logaddexp(0, logit) - label.to_numpy(float) * logit
    assert error.mean() == pytest.approx(best["validation_error"], rel=1e-4)


def test_the_number_of_threads_changes_no_score():
    work = job(cohort())
    how = settings(initialisations=3)
    one, three = (score_network("lstm", work, how, CPU, threads=n) for n in (1, 3))
    assert one[0].rows.equals(three[0].rows)
    assert one[1].equals(three[1])
    assert one[2].curve.equals(three[2].curve)
    pd.testing.assert_frame_equal(one[2].gradients, three[2].gradients, check_exact=True)


@pytest.mark.parametrize("killed_in", [2, 7])
def test_an_interrupted_training_goes_on_where_it_stood(killed_in, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_CHECKPOINTS", -1.0)
    work, how = job(cohort()), settings(dropout=0.3)
    whole = score_network("lstm", work, how, CPU)
    real, calls = member._epoch, []

    def kill(*args, **kwargs):
        calls.append(kwargs["epoch"])
        if len(calls) > killed_in:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(member, "_epoch", kill)
    with pytest.raises(KeyboardInterrupt):
        score_network("lstm", work, how, CPU, checkpoints=tmp_path)
    calls.clear()
    monkeypatch.setattr(
        member, "_epoch", lambda *a, **k: (calls.append(k["epoch"]), real(*a, **k))[1]
    )
    resumed = score_network("lstm", work, how, CPU, checkpoints=tmp_path)
    assert resumed[0].rows.equals(whole[0].rows)
    assert resumed[2].curve.equals(whole[2].curve)
    assert len(calls) == len(whole[2].curve) - killed_in
    # All is done: nothing is trained again.
    calls.clear()
    assert score_network("lstm", work, how, CPU, checkpoints=tmp_path)[0].rows.equals(whole[0].rows)
    assert not calls


def test_a_checkpoint_of_another_training_or_a_broken_one_is_not_taken_up(tmp_path):
    work = job(cohort())
    other = settings(learning_rate=0.02)
    expected = score_network("lstm", work, settings(), CPU)[0].rows
    score_network("lstm", work, other, CPU, checkpoints=tmp_path)
    assert score_network("lstm", work, settings(), CPU, checkpoints=tmp_path)[0].rows.equals(
        expected
    )
    of_fit = work.sequences.spots_of(work.parts["fit"])
    swapped = work.sequences.patient_of.copy()
    swapped[of_fit[[0, -1]]] = swapped[of_fit[[-1, 0]]]
    exchanged = replace(work, sequences=replace(work.sequences, patient_of=swapped))
    fresh = score_network("lstm", exchanged, settings(), CPU)[0].rows
    again = score_network("lstm", exchanged, settings(), CPU, checkpoints=tmp_path)[0].rows
    assert again.equals(fresh)
    moved = perturbed(work, work.parts["fit"][:1])
    score_network("lstm", moved, settings(), CPU, checkpoints=tmp_path)
    assert score_network("lstm", work, settings(), CPU, checkpoints=tmp_path)[0].rows.equals(
        expected
    )
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:1000])
    assert score_network("lstm", work, settings(), CPU, checkpoints=tmp_path)[0].rows.equals(
        expected
    )


@pytest.mark.parametrize("optimiser", ["adam", "adamw", "rmsprop", "sgd", "adadelta"])
def test_every_optimiser_lowers_the_error_at_its_usual_rate(optimiser):
    rate = {"adadelta": 1.0, "sgd": 0.01}.get(optimiser, 0.001)
    how = settings(optimiser=optimiser, learning_rate=rate, dropout=0.0, patience_epochs=15)
    curve = train_network("lstm", job(cohort()), how, device=CPU).curve
    assert curve["fit_error"].iloc[-1] < 0.97 * curve["fit_error"].iloc[0]


def test_adadelta_without_a_rate_is_refused_and_others_get_their_own():
    tables = {"cohorts": {"development": {"patients": "p", "spots": "s"}}}
    with pytest.raises(InputError, match="learning_rate: state one for adadelta"):
        complete(tables | {"models": {"training": {"optimiser": "adadelta"}}})
    for optimiser, rate in (("sgd", 0.01), ("adam", 0.001)):
        assert settings(optimiser=optimiser, learning_rate=0).training.learning_rate == rate


def test_gradients_are_clipped_and_a_broken_training_is_told():
    work = job(cohort())
    wild = settings(optimiser="sgd", learning_rate=1e30, gradient_clip=0.0, l1=0.1)
    with pytest.raises(InputError, match="error is not finite in epoch"):
        train_network("lstm", work, wild, device=CPU)
    held = settings(optimiser="sgd", learning_rate=1.0, momentum=0.0, gradient_clip=1e-6)
    before, after = (
        train_network("lstm", work, replace(held, training=training), device=CPU).ensemble
        for training in (replace(held.training, learning_rate=1e-9), held.training)
    )
    n_steps = 15 * -(-len(work.parts["fit"]) // 12)
    for a, b in zip(before.networks[0].parameters(), after.networks[0].parameters(), strict=True):
        assert (a - b).norm() <= n_steps * 1e-6 + 1e-9


def test_a_sequence_of_one_tile_and_one_patient_in_a_batch_are_no_trouble():
    work = job(cohort())
    spots = [spot[:1] for spot in work.sequences.spots]
    work = replace(work, sequences=replace(work.sequences, spots=spots))
    for changes in ({}, {"readout": "attention"}, {"normalisation": "layer"}):
        scores = score_network(
            "lstm", work, settings(batch_patients=1, max_epochs=2, **changes), CPU
        )[0].rows
        assert np.isfinite(scores["value"]).all()


def test_batch_normalisation_of_a_single_tile_is_told():
    work = job(cohort())
    spots = [spot[:1] for spot in work.sequences.spots]
    work = replace(work, sequences=replace(work.sequences, spots=spots))
    with pytest.raises(InputError, match="needs more than one tile in a batch"):
        train_network("lstm", work, settings(batch_patients=1, normalisation="batch"), device=CPU)


def test_several_spots_are_averaged_or_read_as_one():
    work = job(cohort())
    ids = work.sequences.patient_of
    average = train_network("lstm", work, settings(precision="fp32"), device=CPU)
    mean = pd.Series(average.spots).groupby(ids).mean()
    np.testing.assert_allclose(average.members.mean(axis=1), mean, rtol=1e-4, atol=1e-5)
    joined = train_network("lstm", work, settings(spots="sequence", precision="fp32"), device=CPU)
    several = pd.Series(ids).value_counts().loc[lambda n: n > 1].index
    alone = pd.Series(joined.spots).groupby(ids).mean()
    assert not np.allclose(joined.members.mean(axis=1)[several], alone[several], atol=1e-3)
    single = pd.Series(ids).value_counts().loc[lambda n: n == 1].index
    np.testing.assert_allclose(
        joined.members.mean(axis=1)[single], alone[single], rtol=1e-4, atol=1e-5
    )


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


def test_penalties_pull_the_recurrent_weights_down():
    how = settings(l1=0.05, max_epochs=8, patience_epochs=8, initialisations=1)
    curve = train_network("lstm", job(cohort()), how, device=CPU).curve
    assert curve["penalty"].iloc[-1] < 0.5 * curve["penalty"].iloc[0]
