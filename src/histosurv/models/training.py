"""Train a network on one fold: several initialisations side by side, one score."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch

from histosurv.code import code_digest
from histosurv.config import learning_rate
from histosurv.device import has_bf16
from histosurv.models.batches import Batches, Intake, per_patient
from histosurv.models.checkpoint import Checkpoint
from histosurv.models.health import gradient_norms
from histosurv.models.job import Job, score_rows, spot_rows
from histosurv.models.losses import n_outputs, risk, targets, teachers
from histosurv.models.member import Lesson, Training, outputs_of, train_member
from histosurv.models.network import AttentionRisk, Penalised, RecurrentRisk
from histosurv.models.sequences import moments
from histosurv.parallel import ordered_map
from histosurv.progress import say, track

NetworkName = Literal["lstm", "attention_mil"]

_CLASSES = {"lstm": RecurrentRisk, "attention_mil": AttentionRisk}
_LOOKED_AT = 32  # validation patients whose gradients are measured


@dataclass(frozen=True)
class NetworkSettings:
    """One network and its training.

    Attributes
    ----------
    architecture : dict
        Arguments of the network's class, as in the config's ``models: lstm:`` and
        ``models: attention_mil:``.
    penalised, l1, l2
        Matrices, and the weights of the sums of their absolute values and of their squares.
    training : Training
        How it is trained.
    initialisations : int
        Networks from different seeds; their scores are averaged.
    spots : {'average', 'sequence'}
        Several spots of a patient: outputs averaged, or read one after another.
    feature_scaling : {'standardise', 'none'}
        By mean and standard deviation of the fit part's tiles, or not at all.
    precision : {'auto', 'fp32'}
        Of the products with tile features; ``auto`` is bf16 where the processor has it.
    """

    architecture: dict
    penalised: Penalised
    l1: float
    l2: float
    training: Training
    initialisations: int
    spots: Literal["average", "sequence"]
    feature_scaling: Literal["standardise", "none"]
    precision: Literal["auto", "fp32"]

    @property
    def is_plain_lstm(self) -> bool:
        """Whether the tiles enter an LSTM in one direction, which may take them in bf16."""
        how = self.architecture
        return how.get("cell", "lstm") == "lstm" and not how.get("bidirectional", False)

    @classmethod
    def of(cls, settings: dict) -> "NetworkSettings":
        """From the config: ``network`` (one of its sections) and ``training``."""
        network, training = dict(settings["network"]), dict(settings["training"])
        own = {key: network.pop(key) for key in ("penalised", "l1", "l2")}
        more = ("initialisations", "spots", "feature_scaling", "precision")
        own |= {key: training.pop(key) for key in more}
        training["learning_rate"] = learning_rate(training) * network.pop("rate_factor", 1)
        return cls(architecture=network, training=Training(**training), **own)


@dataclass(frozen=True)
class Trained:
    """Networks of one fold, and what they say.

    Attributes
    ----------
    networks : list of torch.nn.Module
        One per initialisation, each as after its best epoch.
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

    networks: list[torch.nn.Module]
    members: pd.DataFrame
    spots: np.ndarray
    curve: pd.DataFrame
    gradients: pd.DataFrame


def score_network(
    name: NetworkName,
    job: Job,
    settings: NetworkSettings,
    device: torch.device,
    *,
    threads: int = 1,
    checkpoints: Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, Trained]:
    """Train a network on one fold.

    Returns
    -------
    tuple
        Score rows of the test patients, scores of each of their spots, and the training.
    """
    trained = train_network(
        name, job, settings, device=device, threads=threads, checkpoints=checkpoints
    )
    scores, line = score_rows(name, trained.members.mean(axis=1), job)
    return scores, spot_rows(name, line.log_odds(trained.spots), job), trained


def train_network(
    name: NetworkName,
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
    lesson = _lesson(name, job, settings, device)
    seeds = np.random.SeedSequence(job.seed).generate_state(settings.initialisations).tolist()
    networks = [_drawn(name, job, settings, seed, device) for seed in seeds]
    gradients = [_gradients(networks[0], lesson).assign(moment="before")]
    identity = _identity(name, job, settings, lesson) if checkpoints else ""

    def train(number: int) -> pd.DataFrame:
        kept = None
        if checkpoints:
            kept = Checkpoint(checkpoints / f"{number + 1}.pt", f"{identity} {number}")
        with _one_thread(device):
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
    return Trained(
        networks,
        *_everybody(networks, job, settings, lesson, workers),
        pd.concat(curves, ignore_index=True),
        pd.concat(gradients, ignore_index=True),
    )


def _lesson(name: NetworkName, job: Job, settings: NetworkSettings, device: torch.device) -> Lesson:
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
    is_low = settings.precision == "auto" and device.type == "cpu" and has_bf16(device)
    is_low &= name == "attention_mil" or settings.is_plain_lstm
    intake = Intake(*scale, torch.bfloat16 if is_low else torch.float32)
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


def _everybody(
    networks: list[torch.nn.Module],
    job: Job,
    settings: NetworkSettings,
    lesson: Lesson,
    workers: int,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Risk of every patient by each network, and the mean risk of every spot by itself."""
    how, sequences = settings.training, job.sequences
    names, owner = np.unique(sequences.patient_of, return_inverse=True)
    owner = torch.from_numpy(owner).to(lesson.device)
    single = Batches(sequences.spot_by_spot(), lesson.intake, lesson.device, join=False)

    def score(network: torch.nn.Module) -> list[np.ndarray]:
        with _one_thread(lesson.device):
            spots = outputs_of(network, single, list(sequences.spot_ids), how.batch_patients)
            patients = per_patient(spots, owner)
            if settings.spots == "sequence":
                patients = outputs_of(network, lesson.batches, list(names), how.batch_patients)
            return [risk(how.loss, of).double().cpu().numpy() for of in (patients, spots)]

    patients, spots = zip(*ordered_map(score, networks, workers), strict=True)
    index = pd.Index(names, name="patient_id")
    return pd.DataFrame(np.stack(patients, axis=1), index=index), np.mean(spots, axis=0)


def _drawn(
    name: NetworkName, job: Job, settings: NetworkSettings, seed: int, device: torch.device
) -> torch.nn.Module:
    """A network as it is before training."""
    width = job.sequences.spots[0].shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _CLASSES[name](width, n_outputs(settings.training.loss), **settings.architecture)
    return network.to(device)


def _gradients(network: torch.nn.Module, lesson: Lesson) -> pd.DataFrame:
    """Gradients along the sequences of some validation patients, each with one of the spots."""
    if not isinstance(network, RecurrentRisk):
        return pd.DataFrame({"layer": []})
    with _one_thread(lesson.device):
        network.eval()
        patients = lesson.validation[:_LOOKED_AT]
        tiles, owner = lesson.batches.tiles(patients)
        whose = [patients[i] for i in owner.tolist()]
        of = targets(lesson.teachers, whose, lesson.device)
        return gradient_norms(network, tiles, lesson.training.loss, of)


@contextmanager
def _one_thread(device: torch.device) -> Iterator[None]:
    """Sums that are split over threads are rounded otherwise; so nothing is split."""
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _identity(name: NetworkName, job: Job, settings: NetworkSettings, lesson: Lesson) -> str:
    """Digest of everything that decides what is learnt; of another one nothing is taken up."""
    digest = hashlib.sha256()
    where = (str(lesson.device), str(lesson.intake.dtype), torch.__version__)
    code = code_digest("histosurv.models.training")
    told = (name, *where, code, job.seed, lesson.fit, lesson.validation, asdict(settings))
    digest.update(json.dumps(told, sort_keys=True).encode())
    digest.update(lesson.teachers.to_csv().encode())
    sequences = job.sequences
    for position in sequences.spots_of(lesson.fit + lesson.validation):
        spot = sequences.spots[position]
        whose = (sequences.spot_ids[position], sequences.patient_of[position])
        digest.update(repr((*map(str, whose), spot.shape, str(spot.dtype))).encode())
        digest.update(np.ascontiguousarray(spot))
    return digest.hexdigest()
