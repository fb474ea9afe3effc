"""What the order of tiles does to a score."""

import numpy as np
import pandas as pd
import pytest

from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.orders import auc_change_by_order, spread_over_orders


def orders(n=200, share=0.5, n_orders=400, seed=1):
    """Scores of standard deviation one that other orders move by `share`."""
    rng = np.random.default_rng(seed)
    own = rng.standard_normal(n)
    value = np.concatenate([own, (own + share * rng.standard_normal((n_orders, n))).ravel()])
    table = pd.DataFrame(
        {
            "patient_id": np.tile([f"P{i}" for i in range(n)], n_orders + 1),
            "order": np.repeat(np.arange(n_orders + 1), n),
            "value": value,
            "score": "lstm",
            "repeat": 1,
            "fold": np.tile(np.arange(n) % 2 + 1, n_orders + 1),
        }
    )
    label = pd.Series((own + rng.standard_normal(n) > 0).astype(int), dtype="Int64")
    return table.assign(label_60m=label[np.tile(np.arange(n), n_orders + 1)].to_numpy())


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_the_share_is_that_of_the_drawing(share):
    found = spread_over_orders(orders(share=share), 1000, 2018)
    assert found.value == pytest.approx(share, rel=0.1)
    assert found.lower <= share <= found.upper or share == 0


def test_a_fold_with_another_level_does_not_hide_the_spread():
    table = orders()
    moved = table.assign(value=table["value"] + 100 * (table["fold"] == 2))
    before, after = (spread_over_orders(of, 1000, 2018).value for of in (table, moved))
    assert after == pytest.approx(before)


def test_random_orders_of_a_noisy_score_cost_auc_and_those_of_a_firm_one_nothing():
    assert auc_change_by_order(orders(share=1.0)).upper < 0
    firm = auc_change_by_order(orders(share=0.0))
    assert (firm.value, firm.lower, firm.upper) == (0, 0, 0)


def test_a_constant_score_and_a_single_outcome_are_told():
    table = orders()
    assert "same for everybody" in spread_over_orders(table.assign(value=1.0), 1000, 2018).note
    assert "no fold has both outcomes" in auc_change_by_order(table.assign(label_60m=1)).note


def test_figures_stand_in_the_metrics_with_their_n():
    table = orders(n=60, n_orders=5)
    once = table[table["order"] == 0]
    patients = pd.DataFrame(
        {
            "patient_id": once["patient_id"],
            "time_months": np.where(once["label_60m"] == 1, 20.0, 80.0),
            "event": (once["label_60m"] == 1).astype(int),
            "label_60m": once["label_60m"].astype("Int64"),
        }
    )
    scores = once.assign(threshold=0.0).merge(patients.drop(columns="label_60m"), on="patient_id")
    metrics = evaluate(patients, scores, None, table.drop(columns="label_60m")).metrics
    rows = metrics.set_index("estimand").loc[["order_spread", "auc_60m_order_change"]]
    assert (rows["n"] == 60).all()
    assert (rows["events"] == (patients["event"] == 1).sum()).all()
    assert (rows["lower"] <= rows["upper"]).all()
