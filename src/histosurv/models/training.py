"""Train the recurrent network on one fold; stop where the validation patients say so."""

import copy
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from histosurv.models.job import Job, score_rows, spot_rows
from histosurv.models.network import Penalised, RecurrentRisk, penalty
from histosurv.models.sequences import Sequences, moments
from histosurv.progress import say, track


@dataclass(frozen=True)
class LstmSettings:
    """Settings of the network, named and explained as in the config's ``models: lstm:``."""

    units: list[int]
    l1: float
    l2: float
    penalised: Penalised
    dropout: float
    learning_rate: float
    batch_spots: int
    max_epochs: int
    patience_epochs: int
    feature_scaling: str


@dataclass(frozen=True)
class Trained:
    """Logits of all spots by the best network, and how the training went.

    Attributes
    ----------
    logits : numpy.ndarray
        (n_spots,) log-odds of death of the cancer within five years.
    curve : pandas.DataFrame
        ``epoch, fit_error, penalty, validation_error, best``: cross-entropies and the sum of the
        penalty terms.
    """

    logits: np.ndarray
    curve: pd.DataFrame


def score_lstm(
    job: Job, settings: LstmSettings, device: torch.device
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train the LSTM on one fold.

    Returns
    -------
    tuple of pandas.DataFrame
        Score rows of the test patients (the mean logit of a patient's spots), learning curve, and
        the logit of each of their spots.
    """
    trained = train_lstm(job.sequences, job.parts, settings, seed=job.seed, device=device)
    everyone = np.arange(len(trained.logits))
    scores = score_rows("lstm", job.sequences.patient_means(trained.logits, everyone), job)
    return scores, trained.curve, spot_rows("lstm", trained.logits, job)


def train_lstm(
    sequences: Sequences,
    parts: dict[str, list[str]],
    settings: LstmSettings,
    *,
    seed: int,
    device: torch.device,
) -> Trained:
    """Fit on the fit part, stop by the validation part, score every spot.

    Each spot is a sequence with its patient's label; a patient with several spots weighs as much
    as one with a single spot. Patients whose five-year outcome is unknown teach nothing.

    Parameters
    ----------
    sequences : Sequences
        The cohort.
    parts : dict of list of str
        Patient ids of ``fit``, ``validation`` and ``test``; the last are scored and not looked at.
    settings : LstmSettings
        The network and its training.
    seed : int
        Seed of initialisation, dropout and the order of spots.
    device : torch.device
        Where to compute.
    """
    fit = sequences.of(parts["fit"], labelled=True)
    validation = sequences.of(parts["validation"], labelled=True)
    data = [torch.from_numpy(spot) for spot in sequences.spots]
    scaling = []
    if settings.feature_scaling == "standardise":
        scaling = [torch.from_numpy(moment) for moment in moments(sequences.spots, fit)]
    torch.manual_seed(seed)
    order = np.random.default_rng(seed)
    network = RecurrentRisk(data[0].shape[1], settings.units, settings.dropout, *scaling)
    network.to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    best, best_error, best_epoch, rows = network.state_dict(), np.inf, 0, []
    # The bar is not left behind: stopping early, it would look unfinished.
    epochs = range(1, settings.max_epochs + 1)
    for epoch in track(epochs, "training", "epoch", leave=False):
        network.train()
        fit_error, term, n_batches = 0.0, 0.0, -(-len(fit) // settings.batch_spots)
        for batch in np.array_split(order.permutation(fit), n_batches):
            error = _cross_entropy(network(_pack(data, batch, device)), sequences, batch, fit)
            extra = penalty(network, settings.penalised, settings.l1, settings.l2)
            optimiser.zero_grad()
            (error + extra).backward()
            optimiser.step()
            fit_error += error.item() * len(batch) / len(fit)
            term += extra.item() / n_batches
        logits = _score(network, data, validation, settings.batch_spots, device)
        validation_error = _cross_entropy(logits, sequences, validation, validation).item()
        rows.append((epoch, fit_error, term, validation_error))
        if validation_error < best_error:
            best, best_error, best_epoch = (
                copy.deepcopy(network.state_dict()),
                validation_error,
                epoch,
            )
        elif epoch - best_epoch >= settings.patience_epochs:
            break
    say(f"lstm: best epoch {best_epoch} of {epoch}, validation error {best_error:.4f}")
    network.load_state_dict(best)
    curve = pd.DataFrame(rows, columns=["epoch", "fit_error", "penalty", "validation_error"])
    curve["best"] = (curve["epoch"] == best_epoch).astype(int)
    everyone = np.arange(len(data))
    scores = _score(network, data, everyone, settings.batch_spots, device)
    return Trained(scores.cpu().numpy().astype(np.float64), curve)


def _pack(data: list[torch.Tensor], positions: np.ndarray, device: torch.device) -> PackedSequence:
    return pack_sequence([data[i] for i in positions], enforce_sorted=False).to(device)


def _cross_entropy(
    logits: torch.Tensor, sequences: Sequences, positions: np.ndarray, part: np.ndarray
) -> torch.Tensor:
    """Binary cross-entropy over patients: the spots of one patient share one vote.

    Votes are relative to the mean vote of the whole part, so that they count the same in
    whatever batch they come.
    """
    vote = _votes(sequences, positions) / _votes(sequences, part).mean()
    label = torch.from_numpy(sequences.labels(positions)).to(logits.device)
    errors = nn.functional.binary_cross_entropy_with_logits(logits, label, reduction="none")
    return (torch.from_numpy(vote).to(logits.device) * errors).mean()


def _votes(sequences: Sequences, positions: np.ndarray) -> np.ndarray:
    return 1 / sequences.n_spots[sequences.patient_of[positions]].to_numpy(np.float32)


@torch.inference_mode()
def _score(
    network: RecurrentRisk,
    data: list[torch.Tensor],
    positions: np.ndarray,
    batch_spots: int,
    device: torch.device,
) -> torch.Tensor:
    network.eval()
    batches = np.array_split(positions, -(-len(positions) // batch_spots))
    return torch.cat([network(_pack(data, batch, device)) for batch in batches])
