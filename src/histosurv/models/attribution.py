"""Which tiles make a patient's risk, and what the order of the tiles has to do with it."""

import copy
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from histosurv.models.batches import pack
from histosurv.models.calibration import Line
from histosurv.models.ensemble import Ensemble, one_thread
from histosurv.models.losses import risk
from histosurv.models.network import AttentionRisk
from histosurv.models.recurrence import Lstm
from histosurv.models.sequences import Sequences
from histosurv.parallel import ordered_map
from histosurv.progress import track

_AT_ONCE = 64  # sequences of the same tiles that are scored together


class _Sequence(NamedTuple):
    """Spots that are read one after another: one, or all of a patient."""

    spot_ids: list[str]
    tiles: list[np.ndarray]


def attribute(
    ensemble: Ensemble, sequences: Sequences, line: Line, *, threads: int = 1
) -> pd.DataFrame:
    """Contribution of every tile, running risk, and attention where there is one.

    Parameters
    ----------
    ensemble : Ensemble
        The networks; all figures are means over them.
    sequences : Sequences
        Patients who are looked at, with all of their spots.
    line : Line
        From the networks' scale to log-odds.
    threads : int
        Patients who are worked on at once on the CPU; the numbers do not depend on it.

    Returns
    -------
    pandas.DataFrame
        ``patient_id, spot_id, tile`` (from 1, in sequence order), ``contribution``: log-odds of
        the patient less those without this tile, missing for the only one of a sequence; and
        ``attention``, share of the tile in the readout.
    """
    networks = [_shared(network) for network in ensemble.networks]

    def look(patient: str) -> pd.DataFrame:
        with one_thread(ensemble.device), torch.no_grad():
            return _of_patient(ensemble, networks, patient, _read(ensemble, sequences, patient))

    tables = _for_each_patient(look, ensemble, sequences, threads, "attribution")
    table = pd.concat(tables, ignore_index=True)
    table["contribution"] *= line.slope
    return table


def shuffled(
    ensemble: Ensemble,
    sequences: Sequences,
    line: Line,
    *,
    n_orders: int,
    seed: int,
    threads: int = 1,
) -> pd.DataFrame:
    """Scores of the patients with their tiles in random orders.

    Parameters
    ----------
    ensemble, sequences, line, threads
        As in `attribute`.
    n_orders : int
        Random orders of every sequence.
    seed : int
        Of the orders, which differ from patient to patient.

    Returns
    -------
    pandas.DataFrame
        ``patient_id, order, value`` in log-odds; order 0 is the study's own.
    """
    networks = [_shared(network) for network in ensemble.networks]
    number = {patient: i for i, patient in enumerate(np.unique(sequences.patient_of))}

    def look(patient: str) -> pd.DataFrame:
        draw = np.random.default_rng([seed, number[patient]])
        outputs = []  # of every sequence, (n_orders + 1, n_networks, n_outputs)
        with one_thread(ensemble.device), torch.no_grad():
            for sequence in _read(ensemble, sequences, patient):
                n_tiles = sum(map(len, sequence.tiles))
                orders = [np.arange(n_tiles), *(draw.permutation(n_tiles) for _ in range(n_orders))]
                tiles = _intake(ensemble, sequence)
                outputs.append(torch.stack([_outputs(n, tiles, orders) for n in networks], dim=1))
            mean = torch.stack(outputs).mean(dim=0)
            each = [risk(ensemble.settings.training.loss, of) for of in mean.unbind(1)]
        value = torch.stack(each).mean(dim=0).double().cpu().numpy()
        return pd.DataFrame({"patient_id": patient, "order": range(len(value)), "value": value})

    table = pd.concat(
        _for_each_patient(look, ensemble, sequences, threads, "orders"), ignore_index=True
    )
    return table.assign(value=line.log_odds(table["value"]))


class _Shared(NamedTuple):
    """A network that takes what `project` makes of the tiles, once for many sequences of them."""

    network: nn.Module
    project: Callable[[torch.Tensor], torch.Tensor]
    whole: nn.Module


def _shared(network: nn.Module) -> _Shared:
    behind = copy.deepcopy(network)
    first = behind if isinstance(behind, AttentionRisk) else behind.layers[0]
    if not isinstance(first, AttentionRisk | Lstm) or getattr(first, "bidirectional", False):
        return _Shared(network, lambda tiles: tiles, network)
    first.takes_projection = True
    for module in behind.modules():  # on a GPU a copy's weights lie scattered
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    return _Shared(behind, first.project, network)


def _read(ensemble: Ensemble, sequences: Sequences, patient: str) -> list[_Sequence]:
    """The sequences of a patient."""
    spots = sequences.spots_of([patient])
    groups = [spots] if ensemble.settings.spots == "sequence" else [[spot] for spot in spots]
    return [
        _Sequence([str(sequences.spot_ids[i]) for i in group], [sequences.spots[i] for i in group])
        for group in groups
    ]


def _intake(ensemble: Ensemble, sequence: _Sequence) -> torch.Tensor:
    return pack([sequence.tiles], ensemble.intake).data.to(ensemble.device)


def _outputs(of: _Shared, tiles: torch.Tensor, chosen: list[np.ndarray]) -> torch.Tensor:
    """Outputs of sequences of chosen tiles, (n_sequences, n_outputs)."""
    projected, parts = of.project(tiles), []
    for start in range(0, len(chosen), _AT_ONCE):
        some = [projected[torch.from_numpy(at)] for at in chosen[start : start + _AT_ONCE]]
        parts.append(of.network(pack_sequence(some, enforce_sorted=False)))
    return torch.cat(parts)


def _of_patient(
    ensemble: Ensemble, networks: list[_Shared], patient: str, sequences: list[_Sequence]
) -> pd.DataFrame:
    """Figures of one patient on the networks' own scale."""
    loss, tables = ensemble.settings.training.loss, []
    tiles = [_intake(ensemble, sequence) for sequence in sequences]
    everything = [
        [_outputs(network, of, [np.arange(len(of))]) for of in tiles] for network in networks
    ]
    for number, sequence in enumerate(sequences):
        n_tiles = len(tiles[number])
        without = [np.delete(np.arange(n_tiles), i) for i in range(n_tiles)] if n_tiles > 1 else []
        figures = []
        for network, whole in zip(networks, everything, strict=True):
            total = torch.cat(whole).mean(dim=0, keepdim=True)
            contribution = torch.full((n_tiles,), torch.nan)
            if without:
                changed = _outputs(network, tiles[number], without) - whole[number]
                less = total + changed / len(sequences)
                contribution = risk(loss, total) - risk(loss, less)
            packed = pack([sequence.tiles], ensemble.intake).to(ensemble.device)
            weights = network.whole.tile_weights(packed)
            attention = torch.full((n_tiles,), torch.nan) if weights is None else weights[0]
            figures.append(torch.stack([x.cpu() for x in (contribution, attention)]))
        mean = torch.stack(figures).double().mean(dim=0).numpy()
        lengths = [len(spot) for spot in sequence.tiles]
        tables.append(
            pd.DataFrame(
                {
                    "patient_id": patient,
                    "spot_id": np.repeat(sequence.spot_ids, lengths),
                    "tile": np.concatenate([np.arange(1, n + 1) for n in lengths]),
                    "contribution": mean[0],
                    "attention": mean[1],
                }
            )
        )
    return pd.concat(tables)


def _for_each_patient(
    look: Callable[[str], pd.DataFrame],
    ensemble: Ensemble,
    sequences: Sequences,
    threads: int,
    what: str,
) -> list[pd.DataFrame]:
    patients = [str(patient) for patient in np.unique(sequences.patient_of)]
    workers = threads if ensemble.device.type == "cpu" else 1
    done = ordered_map(look, patients, workers)
    return list(track(done, what, "patient", total=len(patients)))
