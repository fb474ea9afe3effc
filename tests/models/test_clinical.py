"""The clinical model alone, and joined with a network."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.models.small_cohorts import auc, cohort, job, scrambled_test

from histosurv.errors import InputError
from histosurv.models.clinical import covariate_table, score_clinical
from histosurv.models.job import scored

COVARIATES = ["age", "stage"]
FEW = {"n_settings": 2, "inner_folds": 3}  # where the choice of the penalty is not the point


def with_covariates(n=120, seed=0):
    """Age follows the outcome, with gaps; stage is letters, with gaps."""
    work = job(cohort(n, seed=seed))
    rng = np.random.default_rng(seed + 1)
    patients = work.sequences.patients.copy()
    dead = (patients["event"] == 1).to_numpy()
    patients["age"] = rng.normal(60 + 10 * dead, 5).round()
    patients.loc[patients.index[::7], "age"] = np.nan
    patients["stage"] = rng.choice(["A", "B", ""], n)
    return replace(work, sequences=replace(work.sequences, patients=patients))


def changed(work, **columns):
    patients = work.sequences.patients.assign(**columns)
    return replace(work, sequences=replace(work.sequences, patients=patients))


def network_folder(work, folder, noise=0.5):
    """A network that knows something that age does not."""
    label = work.sequences.patients["event"] == 1
    value = label + noise * np.random.default_rng(3).standard_normal(len(label))
    scored("lstm", value, work).write(folder)
    return folder


def test_the_covariates_are_found_and_the_joined_score_is_better(tmp_path):
    work = with_covariates(300)
    alone, tuning = score_clinical(work, COVARIATES)
    assert auc(alone.rows, work.sequences) > 0.75
    assert set(alone.rows["score"]) == {"clinical"}
    assert tuning["setting"].nunique() == 6
    joined, _ = score_clinical(work, COVARIATES, network_folder(work, tmp_path))
    assert set(joined.rows["score"]) == {"clinical_lstm"}
    assert auc(joined.rows, work.sequences) > auc(alone.rows, work.sequences)
    assert sorted(joined.rows["patient_id"]) == sorted(work.parts["test"])


def test_scrambling_test_outcomes_changes_nothing(tmp_path):
    work = with_covariates()
    folder = network_folder(work, tmp_path)
    for network in (None, folder):
        first, other = (
            score_clinical(each, COVARIATES, network, **FEW)[0].rows
            for each in (work, scrambled_test(work))
        )
        assert first.equals(other)


def test_covariates_of_test_patients_move_nobodys_score_but_their_own():
    work = with_covariates()
    some, others = work.parts["test"][::2], work.parts["test"][1::2]
    age = work.sequences.patients["age"].copy()
    age[some] += 30
    before, after = (
        score_clinical(each, COVARIATES, **FEW)[0].rows.set_index("patient_id")
        for each in (work, changed(work, age=age))
    )
    assert before.loc[others].equals(after.loc[others])
    assert (before.loc[some, "value"] != after.loc[some, "value"]).any()


def test_empty_and_constant_covariates_are_left_out_and_said(capsys):
    work = with_covariates()
    work = changed(work, weight="", site="colon")
    expected = score_clinical(work, COVARIATES, **FEW)[0].rows
    told = score_clinical(work, [*COVARIATES, "weight", "site"], **FEW)[0].rows
    assert told.equals(expected)
    said = capsys.readouterr().err
    assert "covariate weight is empty for all patients of the fit part" in said
    assert "covariate site is the same for all patients of the fit part" in said
    with pytest.raises(InputError, match=r"none of the covariates \(weight, site\) differs"):
        score_clinical(work, ["weight", "site"], **FEW)


def test_numbers_are_numbers_and_the_rest_are_categories():
    patients = pd.DataFrame(
        {
            "age": ["50", "", "61"],
            "grade": pd.array([1, 3, pd.NA], "Int64"),
            "site": ["a", "", "2"],
        },
        index=["P1", "P2", "P3"],
    )
    table = covariate_table(patients, ["age", "grade", "site"], ["P1", "P2", "P3"])
    assert table["age"].tolist()[::2] == [50.0, 61.0]
    assert table["grade"].tolist()[:2] == [1.0, 3.0]
    assert table["site"].tolist() == ["a", "", "2"]
    assert table[["age", "grade"]].isna().sum().tolist() == [1, 1]


def test_a_category_of_the_test_part_alone_is_no_trouble():
    work = with_covariates()
    stage = work.sequences.patients["stage"].copy()
    stage[work.parts["test"][0]] = "Z"
    assert np.isfinite(
        score_clinical(changed(work, stage=stage), COVARIATES, **FEW)[0].rows["value"]
    ).all()


def test_a_word_among_numbers_is_missing_or_told_and_never_turns_them_into_categories():
    work = with_covariates()
    patient = work.parts["test"][0]
    age = work.sequences.patients["age"].astype(object)
    others = work.parts["test"][1:]
    expected = score_clinical(work, COVARIATES, **FEW)[0].rows.set_index("patient_id").loc[others]
    age[patient] = "unknown"
    rows = score_clinical(changed(work, age=age), COVARIATES, **FEW)[0].rows
    assert rows.set_index("patient_id").loc[others].equals(expected)
    for odd in (">90", "inf"):
        age[patient] = odd
        with pytest.raises(InputError, match=f"covariate age, patient '{patient}': '{odd}' is no"):
            score_clinical(changed(work, age=age), COVARIATES, **FEW)


@pytest.mark.parametrize("seed", range(3))
def test_a_covariate_that_hardly_anybody_has_is_no_trouble(seed):
    work = with_covariates(seed=seed)
    few = work.parts["fit"][seed : seed + 2]
    rare, score = pd.Series("no", work.sequences.patients.index), pd.Series(np.nan, age_index(work))
    rare[few[0]], score[few] = "yes", [1.0, 2.0]
    for column in (rare, score):
        rows = score_clinical(changed(work, rare=column), ["rare"], **FEW)[0].rows
        assert np.isfinite(rows["value"]).all()


def age_index(work):
    return work.sequences.patients.index


def test_a_missing_category_is_none_of_the_others():
    work = with_covariates()
    sex = pd.Series(np.where(work.sequences.patients["event"] == 1, "m", "f"), age_index(work))
    sex[sex.index[::3]] = ""
    rows = score_clinical(changed(work, sex=sex), ["sex"], **FEW)[0].rows.set_index("patient_id")
    value = rows["value"].groupby(sex[rows.index]).first()
    assert value["f"] < value[""] < value["m"]


def test_the_joined_score_is_not_scaled_twice(tmp_path):
    work = with_covariates()
    joined = score_clinical(work, COVARIATES, network_folder(work, tmp_path), **FEW)[0]
    assert joined.line == (1.0, 0.0)


def test_a_network_of_another_fold_is_refused(tmp_path):
    work = with_covariates()
    folder = network_folder(work, tmp_path)
    told = "was trained for --repeat 1 --fold 1, not for --repeat 1 --fold 2; name the folder"
    with pytest.raises(InputError, match=told):
        score_clinical(replace(work, fold=2), COVARIATES, folder, **FEW)
