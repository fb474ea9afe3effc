"""One network from one seed: trained on the fit part, stopped by the validation part."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from histosurv.errors import InputError
from histosurv.models.batches import Batches, Intake, per_patient
from histosurv.models.checkpoint import Checkpoint, Progress
from histosurv.models.losses import error, risk, targets
from histosurv.models.network import Penalised, penalty
from histosurv.models.settings import Training

OPTIMISERS = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
    "adadelta": torch.optim.Adadelta,
}
CURVE = ["epoch", "fit_error", "penalty", "validation_error", "gradient_norm", "score_sd"]


@dataclass(frozen=True)
class Lesson:
    """What a network learns from: the same for all initialisations of a fold.

    Attributes
    ----------
    batches : Batches
        Tiles of the cohort's patients.
    intake : Intake
        How features enter.
    fit, validation : list of str
        Patients who teach, and who stop the teaching.
    teachers : pandas.DataFrame
        As from `histosurv.models.losses.teachers`.
    training : Training
        How.
    penalised, l1, l2
        Matrices, and the weights of the sums of their absolute values and of their squares.
    device : torch.device
        Where to compute.
    """

    batches: Batches
    intake: Intake
    fit: list[str]
    validation: list[str]
    teachers: pd.DataFrame
    training: Training
    penalised: Penalised
    l1: float
    l2: float
    device: torch.device


def train_member(
    network: nn.Module,
    lesson: Lesson,
    seed: int,
    checkpoint: Checkpoint | None = None,
    tick: Callable[[], object] = lambda: None,
) -> pd.DataFrame:
    """Train a network in place; it ends as it was after its best epoch.

    Parameters
    ----------
    network : torch.nn.Module
        `RecurrentRisk` or `AttentionRisk`, on the lesson's device.
    lesson : Lesson
        What it learns from.
    seed : int
        Of the order of patients and of dropout, which differ from epoch to epoch and depend on
        nothing else: a training that is taken up goes on as if it had not been interrupted.
    checkpoint : Checkpoint, optional
        Where to keep the state, and to take it up from.
    tick : callable
        Called after every epoch.

    Returns
    -------
    pandas.DataFrame
        `CURVE` and ``best`` (1 at the epoch that was kept): mean error and penalty over the
        batches of an epoch, error of the validation patients after it, the mean norm of the
        gradient before it was clipped, and the standard deviation of the validation patients'
        scores, which is near zero in a network that gives everybody the same.

    Raises
    ------
    InputError
        The error is not finite.
    """
    how = lesson.training
    optimiser = _optimiser(network, how)
    at = Progress(0, 0, math.inf, copy.deepcopy(network.state_dict()), [])
    if checkpoint is not None:
        at = checkpoint.restore(network, optimiser) or at
    while at.epoch < how.max_epochs and at.epoch - at.best_epoch < how.patience_epochs:
        at.epoch += 1
        row = _epoch(network, lesson, optimiser, seed=seed, epoch=at.epoch)
        at.curve.append([at.epoch, *row])
        if not math.isfinite(sum(row)):
            raise InputError(
                f"training: the error is not finite in epoch {at.epoch}; lower learning_rate or "
                "gradient_clip in models: training:"
            )
        if row[2] < at.best_error:
            at.best_epoch, at.best_error = at.epoch, row[2]
            at.best = copy.deepcopy(network.state_dict())
        if checkpoint is not None and checkpoint.is_due():
            checkpoint.save(network, optimiser, at)
        tick()
    network.load_state_dict(at.best)
    if checkpoint is not None:
        checkpoint.save(network, optimiser, at)
    curve = pd.DataFrame(at.curve, columns=CURVE).astype({"epoch": int})
    return curve.assign(best=(curve["epoch"] == at.best_epoch).astype(int))


@torch.no_grad()
def outputs_of(
    network: nn.Module, batches: Batches, patient_ids: list[str], size: int
) -> torch.Tensor:
    """Outputs of a network that learns nothing from them, (n_patients, n_outputs)."""
    network.eval()
    parts = []
    for start in range(0, len(patient_ids), size):
        tiles, owner = batches.tiles(patient_ids[start : start + size])
        parts.append(per_patient(network(tiles), owner))
    return torch.cat(parts)


def _epoch(
    network: nn.Module, lesson: Lesson, optimiser: torch.optim.Optimizer, *, seed: int, epoch: int
) -> tuple[float, ...]:
    """One pass over the fit part: the row of `CURVE` that follows the number of the epoch."""
    how = lesson.training
    draw = np.random.default_rng([seed, epoch])
    for module in network.modules():
        if hasattr(module, "generator"):
            generator = torch.Generator(lesson.device)
            module.generator = generator.manual_seed(int(draw.integers(2**62)))
    network.train()
    n_batches = -(-len(lesson.fit) // how.batch_patients)
    sums = np.zeros(3)
    for batch in np.array_split(draw.permutation(lesson.fit), n_batches):
        tiles, owner = lesson.batches.tiles(batch.tolist())
        outputs = per_patient(network(tiles), owner)
        wrong = error(how.loss, outputs, targets(lesson.teachers, batch.tolist(), lesson.device))
        extra = penalty(network, lesson.penalised, lesson.l1, lesson.l2)
        optimiser.zero_grad()
        (wrong + extra).backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), how.gradient_clip or math.inf)
        optimiser.step()
        share = len(batch) / len(lesson.fit)
        sums += [wrong.item() * share, extra.item() / n_batches, norm.item() / n_batches]
    outputs = outputs_of(network, lesson.batches, lesson.validation, how.batch_patients)
    held_out = targets(lesson.teachers, lesson.validation, lesson.device)
    fit_error, extra, norm = sums.tolist()
    spread = risk(how.loss, outputs).std(unbiased=False).item()
    return fit_error, extra, error(how.loss, outputs, held_out).item(), norm, spread


def _optimiser(network: nn.Module, how: Training) -> torch.optim.Optimizer:
    more = {"momentum": how.momentum} if how.optimiser == "sgd" else {}
    return OPTIMISERS[how.optimiser](network.parameters(), lr=how.learning_rate, **more)
