"""The whole demo finds the signal that was planted, and nothing where there is none."""

import shutil

import pandas as pd
import pytest
from tests.running import figures, output_of, run_quickly
from tests.workflow.conftest import N_FOR_SIGNAL

from histosurv.cohort.demo import simulate
from histosurv.cohort.tables import read_patients
from histosurv.evaluation.discrimination import delong_variance
from histosurv.publish import write_table

pytestmark = pytest.mark.soak
MODELS = ["lstm", "logistic", "naive_bayes", "svm"]


def hanley_mcneil_error(auc, n_dead, n_alive):
    """Standard error of an AUC (Hanley and McNeil 1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (n_dead - 1) * (q1 - auc**2) + (n_alive - 1) * (q2 - auc**2)
    return (variance / (n_dead * n_alive)) ** 0.5


def test_cohort_is_large_enough_to_show_the_planted_signal():
    # Planted AUC 0.69, less 0.03 for what a model cannot learn from 120 patients. Half of the
    # 84 % with a known outcome are dead. 95 % power asks for a distance of 1.96 + 1.645 errors.
    n = round(0.84 * N_FOR_SIGNAL / 2)
    assert (0.66 - 0.5) / hanley_mcneil_error(0.66, n, n) >= 1.96 + 1.645


@pytest.mark.parametrize("model", MODELS)
def test_every_model_finds_the_planted_signal(large_study, model):
    auc = figures(large_study).loc[(model, "auc_60m_within_folds")]
    assert auc["lower"] > 0.5
    # No model can know more than the planted risk: a better one would have seen the outcome.
    truth = pd.read_csv(large_study / "demo/truth.csv").groupby("patient_id")["tissue_risk"].first()
    patients = read_patients(large_study / "demo/patients.csv").set_index("patient_id")
    label = patients["label_60m"].dropna().astype(int)
    planted, variance = delong_variance(truth[label.index].to_numpy(), label.to_numpy())
    assert auc["estimate"] < planted + 3 * variance**0.5


def test_lstm_separates_the_curves(large_study):
    ratio = figures(large_study).loc[("lstm", "hr_high_low")]
    assert ratio["lower"] > 1


def test_null_cohort_shows_nothing(large_study, tmp_path):
    # The null twin has the same images: its features are taken over, the outcomes are new.
    null = simulate(N_FOR_SIGNAL, seed=2018, null=True)
    for part in ("demo", "results/weights", "results/development/features"):
        shutil.copytree(
            large_study / part, tmp_path / part, ignore=shutil.ignore_patterns("batches")
        )
    write_table(null.patients, tmp_path / "demo/patients.csv")
    models = {"baselines": [], "clinical": [], "attribution": {"run": False}}
    settings = {"models": models, "spots_per_job": 1000}
    run = run_quickly(tmp_path, config=settings)
    assert run.returncode == 0, output_of(run)
    assert " 0 spots computed" in (tmp_path / "logs/development/features/0000.log").read_text()
    auc = figures(tmp_path).loc[("lstm", "auc_60m_within_folds")]
    assert auc["lower"] < 0.5 < auc["upper"]
