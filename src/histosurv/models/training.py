"""Train a network on one fold: several initialisations side by side, one score."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from histosurv.code import code_digest
from histosurv.models.batches import Batches, Intake
from histosurv.models.checkpoint import Checkpoint
from histosurv.models.ensemble import Ensemble, one_thread
from histosurv.models.health import gradient_norms
from histosurv.models.job import Job, Scored, scored, spot_rows
from histosurv.models.losses import targets, teachers
from histosurv.models.member import Lesson, train_member
from histosurv.models.names import Network
from histosurv.models.network import RecurrentRisk
from histosurv.models.sequences import moments
from histosurv.models.settings import NetworkSettings
from histosurv.parallel import ordered_map
from histosurv.progress import say, track

_LOOKED_AT = 32  # validation patients whose gradients are measured


@dataclass(frozen=True)
class Trained:
    """Networks of one fold, and what they say.

    Attributes
    ----------
    ensemble : Ensemble
        The networks.
    members : pandas.DataFrame
        (n_patients, n_initialisations) risk of every patient of the cohort.
    spots : numpy.ndarray
        (n_spots,) mean risk of every spot by itself.
    curve : pandas.DataFrame
        ``initialisation`` and the columns of `histosurv.models.member.train_member`.
    gradients : pandas.DataFrame
        Of the first network before and after training (``moment``), as from
        `histosurv.models.health.gradient_norms`; empty without recurrence.
    """

    ensemble: Ensemble
    members: pd.DataFrame
    spots: np.ndarray
    curve: pd.DataFrame
    gradients: pd.DataFrame


def score_network(
    name: Network,
    job: Job,
    settings: NetworkSettings,
    device: torch.device,
    *,
    threads: int = 1,
    checkpoints: Path | None = None,
) -> tuple[Scored, pd.DataFrame, Trained]:
    """Train a network on one fold.

    Returns
    -------
    tuple
        Scores of patients, scores of each spot of the test patients, and the training.
    """
    trained = train_network(
        name, job, settings, device=device, threads=threads, checkpoints=checkpoints
    )
    of_patients = scored(name, trained.members.mean(axis=1), job)
    return of_patients, spot_rows(name, of_patients.line.log_odds(trained.spots), job), trained


def train_network(
    name: Network,
    job: Job,
    settings: NetworkSettings,
    *,
    device: torch.device,
    threads: int = 1,
    checkpoints: Path | None = None,
) -> Trained:
    """Fit on the fit part, stop by the validation part, score everybody.

    Parameters
    ----------
    name : {'lstm', 'attention_mil'}
        Which network.
    job : Job
        Patients, features and fold. The outcomes of test patients are not looked at.
    settings : NetworkSettings
        The network and its training.
    device : torch.device
        Where to compute.
    threads : int
        Initialisations that are trained at once on the CPU, each on one core; the numbers do not
        depend on it.
    checkpoints : pathlib.Path, optional
        Folder in which an interrupted training is taken up where it stood.
    """
    lesson = prepare(name, job, settings, device)
    seeds = np.random.SeedSequence(job.seed).generate_state(settings.initialisations).tolist()
    width = len(lesson.intake.centre)
    networks = [settings.draw(name, width, seed).to(device) for seed in seeds]
    gradients = [_gradients(networks[0], lesson).assign(moment="before")]
    identity = identity_of(name, job, settings, lesson) if checkpoints else ""

    def train(number: int) -> pd.DataFrame:
        kept = None
        if checkpoints:
            kept = Checkpoint(checkpoints / f"{number + 1}.pt", f"{identity} {number}")
        with one_thread(device):
            return train_member(networks[number], lesson, seeds[number], kept, bar.update)

    workers = threads if device.type == "cpu" else 1
    curves = []
    # The bar is not left behind: stopping early, it would look unfinished.
    with track(None, f"training {name}", "epoch", leave=False) as bar:
        for number, curve in enumerate(ordered_map(train, range(len(seeds)), workers)):
            best = curve.loc[curve["best"] == 1].iloc[0]
            say(
                f"{name} {number + 1}: best epoch {best['epoch']:.0f} of {len(curve)}, "
                f"validation error {best['validation_error']:.4f}"
            )
            curves.append(curve.assign(initialisation=number + 1))
    gradients.append(_gradients(networks[0], lesson).assign(moment="after"))
    ensemble = Ensemble(name, settings, networks, lesson.intake, device)
    return Trained(
        ensemble,
        *ensemble.risks(job.sequences, threads),
        pd.concat(curves, ignore_index=True),
        pd.concat(gradients, ignore_index=True),
    )


def prepare(name: Network, job: Job, settings: NetworkSettings, device: torch.device) -> Lesson:
    """What the networks of a fold learn from."""
    taught = job.sequences.patients.loc[job.parts["fit"] + job.parts["validation"]]
    table = teachers(taught, job.parts["fit"], settings.training.loss)
    fit, validation = (
        [patient for patient in job.parts[part] if patient in table.index]
        for part in ("fit", "validation")
    )
    width = job.sequences.spots[0].shape[1]
    scale = (np.zeros(width, np.float32), np.ones(width, np.float32))
    if settings.feature_scaling == "standardise":
        scale = moments(job.sequences.spots, job.sequences.spots_of(fit))
    intake = Intake(*scale, settings.dtype(name, device))
    return Lesson(
        batches=Batches(job.sequences, intake, device, join=settings.spots == "sequence"),
        intake=intake,
        fit=fit,
        validation=validation,
        teachers=table,
        training=settings.training,
        penalised=settings.penalised,
        l1=settings.l1,
        l2=settings.l2,
        device=device,
    )


def _gradients(network: torch.nn.Module, lesson: Lesson) -> pd.DataFrame:
    """Gradients along the sequences of some validation patients, each with one of the spots."""
    if not isinstance(network, RecurrentRisk):
        return pd.DataFrame({"layer": []})
    with one_thread(lesson.device):
        network.eval()
        patients = lesson.validation[:_LOOKED_AT]
        tiles, owner = lesson.batches.tiles(patients)
        whose = [patients[i] for i in owner.tolist()]
        of = targets(lesson.teachers, whose, lesson.device)
        return gradient_norms(network, tiles, lesson.training.loss, of)


def identity_of(name: Network, job: Job, settings: NetworkSettings, lesson: Lesson) -> str:
    """Digest of everything that decides what is learnt; of another one nothing is taken up."""
    digest = hashlib.sha256()
    where = (str(lesson.device), str(lesson.intake.dtype), torch.__version__)
    code = code_digest("histosurv.models.training")
    told = (name, *where, code, job.seed, lesson.fit, lesson.validation, settings.as_dict())
    digest.update(json.dumps(told, sort_keys=True).encode())
    digest.update(lesson.teachers.to_csv().encode())
    sequences = job.sequences
    for position in sequences.spots_of(lesson.fit + lesson.validation):
        spot = sequences.spots[position]
        whose = (sequences.spot_ids[position], sequences.patient_of[position])
        digest.update(repr((*map(str, whose), spot.shape, str(spot.dtype))).encode())
        digest.update(np.ascontiguousarray(spot))
    return digest.hexdigest()
