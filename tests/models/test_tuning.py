"""Settings are chosen within the fit part, by the same budget for every model."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tests.models.small_cohorts import CPU, cohort, given, job, of_part, perturbed, scrambled_test

from histosurv.config import complete
from histosurv.errors import InputError
from histosurv.models import member, tuning
from histosurv.models.baselines import score_baseline
from histosurv.models.inner import inner_splits, tuning_table
from histosurv.models.settings import Candidates
from histosurv.models.tuning import choose

BASELINES = ["logistic", "elastic_net", "naive_bayes", "svm", "cox"]


def candidates(n=3, name="lstm", **changes):
    """Two settings that cannot learn, around one that can."""
    alternatives = [{"rate_factor": 1.0}, {"rate_factor": 1e-6}]
    made = given(name, max_epochs=6, patience_epochs=3, **changes)
    made["network"] |= {"rate_factor": 1e-6, "alternatives": alternatives}
    return Candidates.of(made | {"tuning": {"settings": n, "inner_folds": 2}})


@pytest.mark.parametrize("loss", ["cross_entropy", "cox"])
def test_the_setting_that_learns_is_chosen(loss):
    chosen, table = choose("lstm", job(cohort()), candidates(loss=loss), CPU, threads=2)
    assert chosen.training.learning_rate == pytest.approx(0.01)
    assert table["setting"].unique().tolist() == [
        "{}", '{"rate_factor": 1.0}', '{"rate_factor": 1e-06}'
    ]  # fmt: skip
    means = table.groupby("setting")["value"].mean()
    assert means.idxmax() == '{"rate_factor": 1.0}'
    assert set(table.loc[table["chosen"] == 1, "setting"]) == {means.idxmax()}
    assert table["inner_fold"].tolist() == [1, 2] * 3


def test_test_patients_have_no_say_in_the_choice():
    work = job(cohort())
    table = choose("lstm", work, candidates(), CPU)[1]
    assert table.equals(choose("lstm", scrambled_test(work), candidates(), CPU)[1])
    moved = perturbed(work, work.parts["test"])
    assert table.equals(choose("lstm", moved, candidates(), CPU, threads=3)[1])


@pytest.mark.parametrize("name", BASELINES)
def test_test_patients_have_no_say_in_the_choice_of_a_classical_model(name):
    work = job(cohort())
    tables = [score_baseline(name, each)[1].tuning for each in (work, scrambled_test(work))]
    assert tables[0].equals(tables[1])
    assert tables[0].groupby("setting").ngroups <= 6
    assert tables[0]["inner_fold"].max() == 5


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("n_settings", [1, 2])
def test_the_budget_is_kept(name, n_settings):
    fitted = score_baseline(name, job(cohort()), n_settings=n_settings, inner_folds=3)[1]
    assert fitted.tuning["setting"].nunique() == n_settings
    assert len(fitted.tuning) == (1 if n_settings == 1 else 3 * n_settings)


def test_a_single_setting_is_taken_as_it_is():
    only = candidates(1)
    chosen, table = choose("lstm", job(cohort()), only, CPU)
    assert chosen == only.settings[0]
    assert table[["setting", "chosen"]].to_numpy().tolist() == [["{}", 1]]


def test_inner_patients_are_ranked_by_networks_that_have_not_seen_them(monkeypatch):
    looked = []

    def measure(_name, inner, _settings, lesson, _kept=None):
        looked.append((set(lesson.fit) | set(lesson.validation), set(inner.parts["test"])))
        return 0.5

    monkeypatch.setattr(tuning, "_measure", measure)
    work = job(cohort())
    choose("lstm", work, candidates(), CPU)
    assert len(looked) == 6
    for learnt, held in looked:
        assert held
        assert learnt.isdisjoint(held | set(work.parts["test"]))
    labels = work.sequences.patients.loc[work.parts["fit"], "label_60m"]
    assert set().union(*(held for _, held in looked)) == set(labels.dropna().index)


def test_an_interrupted_choice_goes_on_where_it_stood(tmp_path, monkeypatch):
    work, trained, real = job(cohort()), [], member._epoch
    whole = choose("lstm", work, candidates(), CPU)[1]

    def kill(*args, **kwargs):
        trained.append(kwargs["epoch"])
        if trained.count(1) == 4:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(member, "_epoch", kill)
    with pytest.raises(KeyboardInterrupt):
        choose("lstm", work, candidates(), CPU, checkpoints=tmp_path)
    trained.clear()
    monkeypatch.setattr(
        member, "_epoch", lambda *a, **k: (trained.append(k["epoch"]), real(*a, **k))[1]
    )
    assert choose("lstm", work, candidates(), CPU, checkpoints=tmp_path)[1].equals(whole)
    assert 1 <= trained.count(1) <= 3  # of six networks three and more were done
    trained.clear()
    exchanged = perturbed(work, of_part(work, "fit", unknown=False)[:1])
    again = choose("lstm", exchanged, candidates(), CPU, checkpoints=tmp_path)[1]
    assert trained.count(1) == 6
    assert again.equals(choose("lstm", exchanged, candidates(), CPU)[1])


def test_ties_go_to_the_first_and_one_outcome_is_told():
    table = tuning_table(["a", "b"], np.array([[0.6, 0.8], [0.8, 0.6]]))
    assert table.loc[table["chosen"] == 1, "setting"].unique().tolist() == ["a"]
    with pytest.raises(InputError, match="lstm: the fit part has 1 patients with one of the two"):
        inner_splits("lstm", np.array([0, 0, 0, 1]), 5, 1)
    work = job(cohort())
    patients = work.sequences.patients.assign(
        label_60m=pd.Series(0, work.sequences.patients.index, dtype="Int64")
    )
    alike = replace(work, sequences=replace(work.sequences, patients=patients))
    with pytest.raises(InputError, match="lstm: the fit part has 0 patients"):
        choose("lstm", alike, candidates(), CPU)


def test_shipped_alternatives_make_networks_of_their_own():
    models = complete({"cohorts": {"development": {"patients": "p", "spots": "s"}}})["models"]
    shared = {name: models[name] for name in ("training", "tuning")}
    for name in ("lstm", "attention_mil"):
        all_of = Candidates.of(json.loads(json.dumps({"network": models[name], **shared})))
        assert len(all_of.settings) == models["tuning"]["settings"] == 6
        assert len({json.dumps(each.as_dict()) for each in all_of.settings}) == 6
        for each in all_of.settings:
            assert isinstance(each.draw(name, 8, seed=1), torch.nn.Module)
