"""Small cohorts of drawn sequences, and every model on one fold of them."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from histosurv.cohort.endpoint import label_60m
from histosurv.cohort.folds import members, rotate
from histosurv.config import complete
from histosurv.evaluation.discrimination import delong_variance
from histosurv.models.baselines import score_baseline
from histosurv.models.job import Job
from histosurv.models.sequences import Sequences
from histosurv.models.settings import NetworkSettings
from histosurv.models.training import score_network

CPU = torch.device("cpu")


def given(name="lstm", **changes):
    """What the config says, small and quick, the rest as by default."""
    config = complete({"cohorts": {"development": {"patients": "p", "spots": "s"}}})["models"]
    small = {"units": [16, 8], "l1": 0.0001, "l2": 0.0001} if name == "lstm" else {"width": 16}
    training = {"learning_rate": 0.01, "batch_patients": 12, "max_epochs": 15}
    training |= {"patience_epochs": 5, "initialisations": 2}
    made = {"network": config[name] | small, "training": config["training"] | training}
    for key, value in changes.items():
        made["network" if key in made["network"] else "training"][key] = value
    return json.loads(json.dumps(made))


def settings(name="lstm", **changes):
    return NetworkSettings.of(given(name, **changes))


def cohort(n=90, signal=2.0, seed=0, unknown=0.1):
    """Sequences of unequal length whose mean in one feature carries the label."""
    rng = np.random.default_rng(seed)
    label = pd.Series(rng.integers(0, 2, n), dtype="Int64")
    ids = [f"P{i:03d}" for i in range(n)]
    patient_of, spots = [], []
    for patient, y in zip(ids, label, strict=True):
        for _ in range(rng.integers(1, 3)):
            spot = rng.standard_normal((rng.integers(3, 7), 12)).astype(np.float32)
            spot[:, 3] += signal * (y - 0.5)
            patient_of.append(patient)
            spots.append(spot * 5 + 100)
    # The dead die within five years, the others are followed beyond; some are lost early.
    time = np.where(label == 1, rng.uniform(5, 59, n), rng.uniform(61, 120, n))
    lost = rng.random(n) < unknown
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "time_months": np.where(lost, 4.0, time),
            "event": np.where(lost, 0, label.astype(int)),
        }
    )
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    return Sequences(
        patients.set_index("patient_id", drop=False),
        np.array(patient_of),
        np.arange(len(spots)).astype(str),
        spots,
    )


def job(sequences, seed=5):
    patients = sequences.patients.reset_index(drop=True)
    folds = rotate(patients, n_repeats=1, n_folds=3, strata=[], seed=seed)
    return Job(sequences, members(folds, 1, 1), 1, 1, seed)


def scrambled_test(work):
    """The same job with the outcomes of its test patients turned round."""
    patients = work.sequences.patients.copy()
    label = patients.loc[work.parts["test"], "label_60m"]
    patients.loc[work.parts["test"], "label_60m"] = (1 - label).fillna(1)
    patients.loc[work.parts["test"], "time_months"] = 1.0
    patients.loc[work.parts["test"], "event"] = 1
    return replace(work, sequences=replace(work.sequences, patients=patients))


def auc(scores, sequences):
    label = sequences.patients["label_60m"].loc[scores["patient_id"]]
    known = label.notna().to_numpy()
    return delong_variance(scores["value"].to_numpy()[known], label[known].to_numpy(int))[0]


# Three epochs: what no outcome may change does not change in the first of them either.
BRIEF = {"max_epochs": 3}
CHANGES = {
    "lstm": {},
    "cox": {"loss": "cox"},
    "ipcw": {"loss": "ipcw"},
    "discrete_time": {"loss": "discrete_time", "spots": "sequence"},
    "attention_mil": {},
}
NETWORKS = list(CHANGES)


def network(name, **changes):
    """The scores of a network on one fold, as a function of the job."""
    kind = name if name == "attention_mil" else "lstm"
    given = settings(kind, **CHANGES[name] | changes)
    return lambda work: score_network(kind, work, given, CPU)[0].rows


def baseline(name, pooling="mean"):
    """The same of a classical model; few settings: their choice is tested in test_tuning.py."""
    return lambda work: score_baseline(name, work, pooling, n_settings=2, inner_folds=3)[0].rows


MODELS = {
    **{name: network(name, **BRIEF) for name in NETWORKS},
    "logistic": baseline("logistic"),
    "elastic_net": baseline("elastic_net"),
    "naive_bayes": baseline("naive_bayes"),
    "cox_ridge": baseline("cox", "max"),
    "logistic_fisher": baseline("logistic", "fisher"),
    "svm": baseline("svm"),
}


def perturbed(work, patients):
    """The same job with the features of some patients blown up."""
    sequences = work.sequences
    spots = [
        spot * 7 - 300 if patient in set(patients) else spot
        for patient, spot in zip(sequences.patient_of, sequences.spots, strict=True)
    ]
    return replace(work, sequences=replace(sequences, spots=spots))


def of_part(work, part, *, unknown):
    label = work.sequences.patients.loc[work.parts[part], "label_60m"]
    return label.index[label.isna() == unknown].tolist()
