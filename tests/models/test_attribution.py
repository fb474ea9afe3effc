"""Contributions of tiles, running risk, orders: held against the networks themselves."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tests.models.small_cohorts import CPU, cohort, job, settings

from histosurv.models.attribution import attribute, shuffled
from histosurv.models.calibration import Line
from histosurv.models.ensemble import Ensemble
from histosurv.models.training import train_network

LINE = Line(2.0, -0.5)
KINDS = {
    "lstm": ("lstm", {}),
    "fp32": ("lstm", {"precision": "fp32"}),
    "both ways": ("lstm", {"bidirectional": True}),
    "gru, mean": ("lstm", {"cell": "gru", "readout": "mean"}),
    "attention": ("lstm", {"readout": "attention", "normalisation": "batch"}),
    "joined": ("lstm", {"spots": "sequence"}),
    "discrete time": ("lstm", {"loss": "discrete_time"}),
    "mil": ("attention_mil", {}),
}


@pytest.fixture(scope="module", params=KINDS)
def trained(request):
    torch.set_num_threads(2)
    name, changes = KINDS[request.param]
    work = job(cohort(60))
    how = settings(name, max_epochs=3, **changes)
    some = work.sequences.of_patients(work.parts["test"][:4])
    return train_network(name, work, how, device=CPU).ensemble, some


def risk(ensemble, sequences, spots):
    """Log-odds of patients whose spots are others."""
    members, _ = ensemble.risks(replace(sequences, spots=spots))
    return LINE.log_odds(members.mean(axis=1))


def test_a_contribution_is_what_is_lost_without_the_tile(trained):
    ensemble, sequences = trained
    table = attribute(ensemble, sequences, LINE)
    assert len(table) == sum(len(spot) for spot in sequences.spots)
    whole = risk(ensemble, sequences, list(sequences.spots))
    for number, spot_id in enumerate(sequences.spot_ids):
        rows = table[table["spot_id"] == spot_id]
        assert rows["tile"].tolist() == list(range(1, len(rows) + 1))
        patient = rows["patient_id"].iloc[0]
        for tile in (0, len(rows) - 1):
            spots = list(sequences.spots)
            spots[number] = np.delete(spots[number], tile, axis=0)
            lost = whole[patient] - risk(ensemble, sequences, spots)[patient]
            assert rows["contribution"].iloc[tile] == pytest.approx(lost, rel=1e-3, abs=1e-4)


def test_attention_adds_up_to_one_or_is_missing(trained):
    ensemble, sequences = trained
    table = attribute(ensemble, sequences, LINE)
    has_it = ensemble.name == "attention_mil" or ensemble.networks[0].readout == "attention"
    assert table["attention"].notna().all() == has_it
    if has_it:
        np.testing.assert_allclose(table.groupby("spot_id")["attention"].sum(), 1, rtol=1e-5)


def test_orders_differ_unless_the_network_knows_none(trained):
    ensemble, sequences = trained
    how = {"n_orders": 5, "seed": 3}
    table = shuffled(ensemble, sequences, LINE, **how)
    own = table[table["order"] == 0].set_index("patient_id")["value"]
    expected = risk(ensemble, sequences, list(sequences.spots))
    np.testing.assert_allclose(own[expected.index], expected, rtol=1e-3, atol=1e-4)
    spread = table.groupby("patient_id")["value"].std()
    if ensemble.name == "attention_mil":
        assert (spread < 1e-3).all()
    else:
        assert (spread > 1e-4).all()
    pd.testing.assert_frame_equal(table, shuffled(ensemble, sequences, LINE, **how, threads=3))


def test_each_patient_has_orders_of_his_own(trained):
    ensemble, sequences = trained
    patients, first = np.unique(sequences.patient_of, return_index=True)
    tiles = max(sequences.spots, key=len)
    alike = replace(
        sequences,
        patient_of=patients,
        spot_ids=sequences.spot_ids[first],
        spots=[tiles] * len(patients),
    )
    table = shuffled(ensemble, alike, LINE, n_orders=5, seed=3)
    values = table.pivot_table("value", "patient_id", "order").to_numpy()
    assert len(values) > 1
    assert np.ptp(values[:, 0]) < 1e-5
    if ensemble.name != "attention_mil":
        assert np.ptp(values[:, 1:], axis=0).max() > 1e-4


def test_the_number_of_threads_changes_no_figure(trained):
    ensemble, sequences = trained
    one, three = (attribute(ensemble, sequences, LINE, threads=n) for n in (1, 3))
    pd.testing.assert_frame_equal(one, three, check_exact=True)


def test_networks_from_a_file_are_the_networks(trained, tmp_path):
    ensemble, sequences = trained
    ensemble.save(tmp_path / "networks.safetensors")
    again = Ensemble.load(tmp_path / "networks.safetensors", CPU)
    again.save(tmp_path / "again.safetensors")
    kept = [(tmp_path / f"{name}.safetensors").read_bytes() for name in ("networks", "again")]
    assert kept[0] == kept[1]
    assert (again.name, again.settings) == (ensemble.name, ensemble.settings)
    for of, other in zip(ensemble.risks(sequences), again.risks(sequences), strict=True):
        assert np.array_equal(of, other)


def test_the_only_tile_of_a_sequence_has_no_contribution(trained):
    ensemble, sequences = trained
    single = replace(sequences, spots=[spot[:1] for spot in sequences.spots]).spot_by_spot()
    table = attribute(ensemble, single, LINE)
    assert table["contribution"].isna().all()
