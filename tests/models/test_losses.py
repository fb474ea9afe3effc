import numpy as np
import pandas as pd
import pytest
import torch
from lifelines import KaplanMeierFitter
from sklearn.metrics import log_loss
from statsmodels.duration.hazard_regression import PHReg

from histosurv.cohort.endpoint import label_60m
from histosurv.models import losses
from histosurv.models.losses import INTERVAL_ENDS_MONTHS, Targets, cox, discrete_time, error, risk

CPU = torch.device("cpu")


def patients(n=200, seed=0, rounded=True):
    """Times with ties, deaths of both kinds, and people who are lost, some at the horizon."""
    rng = np.random.default_rng(seed)
    time = rng.exponential(60, n).clip(0.5, 150)
    if rounded:
        time = time.round(-1).clip(10)
    event = rng.choice([0, 1, 2], n, p=[0.4, 0.45, 0.15])
    table = pd.DataFrame(
        {"patient_id": [f"P{i}" for i in range(n)], "time_months": time, "event": event}
    )
    table["label_60m"] = label_60m(table["time_months"], table["event"])
    return table.set_index("patient_id", drop=False)


def targets_of(table, loss):
    who = losses.teachers(table, list(table.index), loss)
    return losses.targets(who, list(who.index), CPU), who


def outputs_for(n, width=1, seed=1):
    return torch.tensor(np.random.default_rng(seed).standard_normal((n, width)))


def test_cross_entropy_is_scikit_learns_on_patients_with_a_known_outcome():
    of, who = targets_of(patients(), "cross_entropy")
    assert len(who) == patients()["label_60m"].notna().sum()
    outputs = outputs_for(len(who))
    expected = log_loss(of.label, torch.sigmoid(outputs[:, 0]))
    assert error("cross_entropy", outputs, of).item() == pytest.approx(expected, rel=1e-6)


def test_weights_for_the_lost_are_those_of_an_independent_kaplan_meier():
    table = patients()
    alive_at_horizon = (table["time_months"] == 60) & (table["event"] == 0)
    assert alive_at_horizon.any()
    of, who = targets_of(table, "ipcw")
    time = table["time_months"].where(~alive_at_horizon, 60.001)
    # Of those who die and are lost at one time, the dead were at risk to be lost: a hair later.
    order = time + np.where(table["event"] == 1, 0.0001, 0)
    lost = KaplanMeierFitter().fit(order, table["event"] != 1)
    at = np.minimum(time[who.index], 60) - np.where(who["label"] == 1, 1e-5, 0)
    weight = 1 / lost.survival_function_at_times(at.to_numpy()).to_numpy()
    weight = np.minimum(weight / weight.mean(), losses.MAX_WEIGHT)
    np.testing.assert_allclose(who["weight"], weight, rtol=1e-9)
    outputs = outputs_for(len(who))
    expected = log_loss(
        of.label, torch.sigmoid(outputs[:, 0]), sample_weight=weight
    ) * weight.mean()  # fmt: skip
    assert error("ipcw", outputs, of).item() == pytest.approx(expected, rel=1e-6)


def test_weights_come_from_the_fit_part_alone():
    table = patients()
    fit = list(table.index[:120])
    before = losses.teachers(table, fit, "ipcw").loc[lambda t: t.index.isin(fit)]
    others = table.index[120:]
    table.loc[others, "time_months"] = 1.0
    after = losses.teachers(table, fit, "ipcw").loc[lambda t: t.index.isin(fit)]
    assert before.equals(after)
    assert before["weight"].mean() == pytest.approx(1, abs=1e-9)


def test_a_weight_is_capped_and_told(capsys):
    # Thirty die at once, three hundred are lost, and one is left to stand for all of them.
    time = np.concatenate([np.full(30, 0.5), np.linspace(1, 50, 300), [70.0]])
    event = np.concatenate([np.ones(30, int), np.zeros(301, int)])
    table = pd.DataFrame(
        {"patient_id": np.arange(331).astype(str), "time_months": time, "event": event}
    ).set_index("patient_id", drop=False)
    table["label_60m"] = label_60m(table["time_months"], table["event"])
    weights = losses.teachers(table, list(table.index), "ipcw")["weight"]
    assert weights.max() == losses.MAX_WEIGHT
    assert "of 1 patients are held at 10 times the mean" in capsys.readouterr().err


@pytest.mark.parametrize("rounded", [True, False])
def test_cox_is_the_efron_likelihood_of_statsmodels(rounded):
    of, who = targets_of(patients(rounded=rounded), "cox")
    assert len(who) == 200  # those of unknown outcome teach, too
    score = outputs_for(200)[:, 0]
    model = PHReg(of.time.numpy(), score.numpy()[:, None], status=of.event.numpy(), ties="efron")
    expected = -model.loglike(np.array([1.0])) / of.event.sum().item()
    assert cox(score, of.time, of.event).item() == pytest.approx(expected, rel=1e-9)
    assert torch.equal(risk("cox", score[:, None]), score)


def test_cox_has_a_right_gradient_and_stands_large_scores():
    of, _ = targets_of(patients(40), "cox")
    score = outputs_for(40)[:, 0].requires_grad_()
    assert torch.autograd.gradcheck(lambda s: cox(s, of.time, of.event), (score,))
    shifted = cox(score + 800, of.time, of.event)
    assert shifted.item() == pytest.approx(cox(score, of.time, of.event).item(), rel=1e-9)
    far = (score.detach() * 100).float().requires_grad_()  # apart by hundreds, in single precision
    wide = cox(far, of.time, of.event)
    wide.backward()
    exact = cox(far.detach().double(), of.time, of.event).item()
    assert wide.item() == pytest.approx(exact, rel=1e-4)
    assert torch.isfinite(far.grad).all()
    assert torch.isfinite(risk("discrete_time", torch.tensor([[-200.0] * 5, [200.0] * 5]))).all()


@pytest.mark.parametrize("time", [[5.0], [5.0, 9.0], [3.0, 3.0]])
def test_a_batch_without_a_death_and_a_single_patient_teach_cox_nothing(time):
    score = torch.zeros(len(time), requires_grad=True)
    nobody = cox(score, torch.tensor(time), torch.zeros(len(time)))
    nobody.backward()
    assert nobody.item() == 0
    assert (score.grad == 0).all()
    if len(time) == 1:  # alone in the risk set
        assert cox(score, torch.tensor(time), torch.ones(1)).item() == pytest.approx(0)


def test_discrete_time_is_the_likelihood_person_by_person():
    of, _ = targets_of(patients(), "discrete_time")
    outputs = outputs_for(200, 5)
    hazard = torch.sigmoid(outputs).numpy()
    total = 0.0
    for row, time, event in zip(hazard, of.time.numpy(), of.event.numpy(), strict=True):
        for k, end in enumerate(INTERVAL_ENDS_MONTHS):
            if event and time <= end:
                total -= np.log(row[k])
                break
            if time < end:
                break  # lost within the interval
            total -= np.log(1 - row[k])
    assert discrete_time(outputs, of.time, of.event).item() == pytest.approx(total / 200, rel=1e-6)
    dead = 1 - np.prod(1 - hazard, axis=1)
    np.testing.assert_allclose(risk("discrete_time", outputs), np.log(dead / (1 - dead)), rtol=1e-6)


@pytest.mark.parametrize(
    ("time", "event", "intervals"),
    [(0.0, 1, [1]), (12.0, 1, [1]), (12.0, 0, [0]), (11.9, 0, []), (60.0, 0, [0] * 5),
     (61.0, 1, [0] * 5), (60.0, 1, [0, 0, 0, 0, 1])],
)  # fmt: skip
def test_edges_of_the_intervals(time, event, intervals):
    outputs = torch.full((1, 5), 0.4)
    hazard = torch.sigmoid(torch.tensor(0.4))
    expected = sum(-torch.log(hazard if died else 1 - hazard).item() for died in intervals)
    given = discrete_time(outputs, torch.tensor([time]), torch.tensor([float(event)]))
    assert given.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("loss", ["cross_entropy", "ipcw", "cox", "discrete_time"])
def test_every_error_falls_when_scores_follow_the_outcome(loss):
    of, who = targets_of(patients(), loss)
    outputs = torch.zeros(len(who), losses.n_outputs(loss), requires_grad=True)
    before = error(loss, outputs, of)
    (slope,) = torch.autograd.grad(before, outputs)
    assert error(loss, outputs - slope, of) < before
    assert isinstance(of, Targets)
