"""The best of several settings of a network, by inner resampling of the fit part."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score

from histosurv.models.checkpoint import Checkpoint
from histosurv.models.cox import harrell, outcome
from histosurv.models.ensemble import Ensemble, one_thread
from histosurv.models.inner import inner_splits, tuning_table
from histosurv.models.job import Job
from histosurv.models.member import Lesson, train_member
from histosurv.models.names import Network
from histosurv.models.settings import Candidates, NetworkSettings
from histosurv.models.training import identity_of, prepare
from histosurv.parallel import ordered_map
from histosurv.progress import say, track
from histosurv.publish import published


def choose(
    name: Network,
    job: Job,
    candidates: Candidates,
    device: torch.device,
    *,
    threads: int = 1,
    checkpoints: Path | None = None,
) -> tuple[NetworkSettings, pd.DataFrame]:
    """Train one network per setting and inner fold, and keep the setting that ranks best.

    Parameters
    ----------
    name : {'lstm', 'attention_mil'}
        Which network.
    job : Job
        The fold. An inner training stops by the fold's validation part, as the final one does,
        and is judged by a part of the fit part that it has not seen.
    candidates : Candidates
        The settings; a single one is taken as it is.
    device, threads, checkpoints
        As `histosurv.models.training.train_network`.

    Returns
    -------
    settings : NetworkSettings
        Those with the highest mean AUC over the inner folds; of the losses of time, Harrell's C.
    table : pandas.DataFrame
        As from `histosurv.models.inner.tuning_table`.
    """
    labels = [json.dumps(label) for label in candidates.labels]
    if len(labels) == 1:
        return candidates.settings[0], tuning_table(labels, np.empty((1, 0)))
    by_time = candidates.settings[0].training.loss in ("cox", "discrete_time")
    patients = job.sequences.patients.loc[job.parts["fit"]]
    asked = patients if by_time else patients[patients["label_60m"].notna()]
    kinds = asked["event"] == 1 if by_time else asked["label_60m"]
    splits = inner_splits(name, kinds.to_numpy(int), candidates.inner_folds, job.seed)
    inner = []
    for _, held in splits:
        out = set(asked.index[held])
        fit = [patient for patient in job.parts["fit"] if patient not in out]
        inner.append(replace(job, parts=job.parts | {"fit": fit, "test": sorted(out)}))
    lessons = [prepare(name, each, candidates.settings[0], device) for each in inner]
    whole = prepare(name, job, candidates.settings[0], device) if checkpoints else None
    identity = identity_of(name, job, candidates.settings[0], whole) if checkpoints else ""

    def measure(task: tuple[int, int]) -> float:
        setting, fold = task
        if not checkpoints:
            return _measure(name, inner[fold], candidates.settings[setting], lessons[fold])
        done = checkpoints / "tuning" / f"{setting + 1}_{fold + 1}.json"
        told = f"{identity} {labels[setting]} {candidates.inner_folds} {fold}"
        value = _finished(done, told)
        if value is None:
            kept = Checkpoint(done.with_suffix(".pt"), told)
            value = _measure(name, inner[fold], candidates.settings[setting], lessons[fold], kept)
            with published(done) as temporary:
                temporary.write_text(json.dumps([told, value]), "utf-8")
            done.with_suffix(".pt").unlink(missing_ok=True)
        return value

    tasks = list(product(range(len(labels)), range(len(splits))))
    workers = threads if device.type == "cpu" else 1
    trained = track(
        ordered_map(measure, tasks, workers), f"tuning {name}", "network", total=len(tasks)
    )
    values = np.reshape(list(trained), (len(labels), len(splits)))
    table = tuning_table(labels, values)
    best = labels.index(table.loc[table["chosen"] == 1, "setting"].iloc[0])
    measured = "C" if by_time else "AUC"
    say(f"{name}: inner {measured} {values.mean(axis=1)[best]:.3f} with {labels[best]}")
    return candidates.settings[best], table


def _measure(
    name: Network,
    job: Job,
    settings: NetworkSettings,
    lesson: Lesson,
    kept: Checkpoint | None = None,
) -> float:
    """How a network ranks the patients of an inner fold whom it has not seen."""
    lesson = replace(
        lesson,
        training=settings.training,
        penalised=settings.penalised,
        l1=settings.l1,
        l2=settings.l2,
    )
    device, width = lesson.device, len(lesson.intake.centre)
    network = settings.draw(name, width, job.seed).to(device)
    with one_thread(device):
        train_member(network, lesson, job.seed, kept)
    held = job.parts["test"]
    value = Ensemble(name, settings, [network], lesson.intake, device).risks(
        job.sequences.of_patients(held)
    )[0][0]
    patients = job.sequences.patients.loc[value.index]
    if settings.training.loss in ("cox", "discrete_time"):
        return harrell(outcome(patients["time_months"], patients["event"]), value.to_numpy())
    return float(roc_auc_score(patients["label_60m"].to_numpy(int), value))


def _finished(path: Path, told: str) -> float | None:
    """The value that an earlier run left, if it is of the same training."""
    try:
        identity, value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return value if identity == told else None
