"""The networks at the study's shape: 420 patients, one spot of 256 tiles, 4096 numbers a tile.

    python benchmarks/study_shape.py speed                 # seconds of an epoch
    python benchmarks/study_shape.py penalties             # what the literal penalty does
    python benchmarks/study_shape.py truth [--null]        # is the planted signal found
    python benchmarks/study_shape.py gradients             # does the error reach the first tiles
    python benchmarks/study_shape.py attribution           # seconds per patient and network

Features are drawn, not computed: sixteen factors per tile, rectified like VGG-16's, one factor with
a mean that follows the spot's planted risk. Outcomes are those of the demo cohort of 420 patients.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
import yaml

from histosurv.cohort.demo import simulate
from histosurv.cohort.endpoint import label_60m
from histosurv.cohort.folds import members, rotate
from histosurv.config import complete
from histosurv.device import device_name, use_device
from histosurv.evaluation.discrimination import delong_variance
from histosurv.models.attribution import attribute, shuffled
from histosurv.models.baselines import score_baseline
from histosurv.models.calibration import Line
from histosurv.models.job import Job
from histosurv.models.sequences import Sequences
from histosurv.models.settings import NetworkSettings
from histosurv.models.training import score_network

N_PATIENTS, N_TILES, N_FEATURES, N_FACTORS = 420, 256, 4096, 16
SIGNAL = 0.5  # shift of a tile's first factor per standard deviation of the spot's risk


def draw(*, null: bool, seed: int, n_features: int = N_FEATURES) -> Sequences:
    """A cohort with features in memory."""
    cohort = simulate(N_PATIENTS, seed=seed, null=null)
    patients = cohort.patients
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    first = cohort.truth.drop_duplicates("patient_id")
    rng = np.random.default_rng([seed, 99])
    mixing = rng.standard_normal((N_FACTORS, n_features)).astype(np.float32)
    offset = rng.standard_normal(n_features).astype(np.float32) - 1
    spots = []
    for risk in first["spot_risk"]:
        factors = rng.standard_normal((N_TILES, N_FACTORS)).astype(np.float32)
        factors[:, 1:] += 0.5 * rng.standard_normal(N_FACTORS - 1).astype(np.float32)
        factors[:, 0] += SIGNAL * risk
        noise = rng.standard_normal((N_TILES, n_features), dtype=np.float32)
        spots.append(np.maximum(factors @ mixing / 4 + offset + 0.5 * noise, 0))
    return Sequences(
        patients.set_index("patient_id", drop=False),
        first["patient_id"].to_numpy(),
        first["spot_id"].to_numpy(),
        spots,
    )


def settings(network: dict, training: dict, name: str = "lstm") -> NetworkSettings:
    """The shipped defaults with changes."""
    filled = complete(yaml.safe_load(Path("config.yaml").read_text("utf-8")))["models"]
    given = {"network": filled[name] | network, "training": filled["training"] | training}
    return NetworkSettings.of(json.loads(json.dumps(given)))


def jobs(sequences: Sequences, seed: int) -> list[Job]:
    """The three folds of the rotation."""
    table = sequences.patients.reset_index(drop=True)
    folds = rotate(table, n_repeats=1, n_folds=3, strata=["stage"], seed=seed)
    return [Job(sequences, members(folds, 1, fold), 1, fold, seed + fold) for fold in (1, 2, 3)]


def auc(scores: list, sequences: Sequences) -> str:
    """Five-year AUC over the test patients of all folds."""
    value = np.concatenate([table["value"] for table in scores])
    ids = np.concatenate([table["patient_id"] for table in scores])
    label = sequences.patients["label_60m"].loc[ids]
    known = label.notna().to_numpy()
    area, variance = delong_variance(value[known], label[known].to_numpy(int))
    half = 1.96 * variance**0.5
    return f"{area:.3f} ({area - half:.3f} to {area + half:.3f})"


def speed(device: torch.device, threads: int) -> None:
    """Seconds per epoch of the fit part, one network and several at once."""
    job = jobs(draw(null=False, seed=1), 1)[0]
    print(f"fit part: {len(job.parts['fit'])} patients; {device_name(device)}, {threads} cores")
    for precision in ("auto", "fp32"):
        for n in (1, threads):
            seconds = []
            for epochs in (1, 3):
                how = {"initialisations": n, "max_epochs": epochs, "precision": precision}
                start = time.perf_counter()
                score_network("lstm", job, settings({}, how), device, threads=threads)
                seconds.append(time.perf_counter() - start)
            each = (seconds[1] - seconds[0]) / 2 / n
            print(f"| {precision} | {n} at once | {each:.1f} s per epoch and network |", flush=True)


def penalties(device: torch.device, threads: int) -> None:
    """Learning curves under each reading of the penalty."""
    sequences = draw(null=False, seed=1)
    job = jobs(sequences, 1)[0]
    for which in ("recurrent", "both", "input", "none"):
        how = settings({"penalised": which}, {"initialisations": 1, "max_epochs": 12})
        scores, _, trained = score_network("lstm", job, how, device, threads=threads)
        curve = trained.curve
        row = curve.loc[curve["best"] == 1].iloc[0]
        print(
            f"| {which} | {curve['penalty'].iloc[0]:.1f} | {curve['penalty'].iloc[-1]:.3f} | "
            f"{curve['fit_error'].iloc[-1]:.3f} | {row['validation_error']:.3f} | "
            f"{auc([scores.rows], sequences)} | {trained.members.std().median():.4f} |",
            flush=True,
        )


def gradients(device: torch.device, threads: int) -> None:
    """Norm of the error's gradient at some tiles, by readout and layer."""
    sequences = draw(null=False, seed=1)
    job, at = jobs(sequences, 1)[0], [1, 64, 128, 192, 240, 255, 256]
    for readout in ("last", "mean", "attention"):
        how = settings({"readout": readout}, {"initialisations": 1, "max_epochs": 12})
        trained = score_network("lstm", job, how, device, threads=threads)[2]
        table = trained.gradients.set_index(["moment", "layer", "tile"])["norm"]
        for moment, layer in ((m, i) for m in ("before", "after") for i in (1, 2, 3)):
            norms = " | ".join(f"{table[moment, layer, tile]:.1e}" for tile in at)
            print(f"| {readout} | {moment} | {layer} | {norms} |", flush=True)


def attribution(device: torch.device, threads: int) -> None:
    """Seconds per patient and network for contributions and running risk, and for the orders."""
    sequences = draw(null=False, seed=1)
    job, line = jobs(sequences, 1)[0], Line(1.0, 0.0)
    some = sequences.of_patients(job.parts["test"][:8])
    for name in ("lstm", "attention_mil"):
        how = settings({}, {"initialisations": 1, "max_epochs": 1}, name)
        ensemble = score_network(name, job, how, device, threads=threads)[2].ensemble
        start = time.perf_counter()
        attribute(ensemble, some, line, threads=threads)
        middle = time.perf_counter()
        shuffled(ensemble, some, line, n_orders=20, seed=1, threads=threads)
        end = time.perf_counter()
        print(f"| {name} | {(middle - start) / 8:.2f} s | {(end - middle) / 8:.2f} s |", flush=True)


def truth(device: torch.device, threads: int, *, null: bool, seeds: list[int]) -> None:
    """AUC of every model on cohorts with a planted signal, or with none."""
    for seed in seeds:
        sequences = draw(null=null, seed=seed)
        folds = jobs(sequences, seed)
        for name in ("lstm", "attention_mil"):
            how = settings({}, {"initialisations": 2}, name)
            start = time.perf_counter()
            scores = [
                score_network(name, job, how, device, threads=threads)[0].rows for job in folds
            ]
            took = statistics.mean([time.perf_counter() - start])
            print(f"| {seed} | {name} | {auc(scores, sequences)} | {took:.0f} s |", flush=True)
        for name in ("logistic", "naive_bayes", "svm"):
            scores = [score_baseline(name, job)[0].rows for job in folds]
            print(f"| {seed} | {name} | {auc(scores, sequences)} | |", flush=True)
        risk = simulate(N_PATIENTS, seed=seed, null=null).truth.drop_duplicates("patient_id")
        planted = risk.rename(columns={"spot_risk": "value"})
        print(f"| {seed} | the planted risk itself | {auc([planted], sequences)} | |", flush=True)


OTHERS = {"gradients": gradients, "attribution": attribution}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["speed", "penalties", "truth", *OTHERS])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--null", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    device = use_device(options.threads)
    if options.what == "speed":
        speed(device, options.threads)
    elif options.what == "penalties":
        penalties(device, options.threads)
    elif options.what in OTHERS:
        OTHERS[options.what](device, options.threads)
    else:
        truth(device, options.threads, null=options.null, seeds=options.seeds)


if __name__ == "__main__":
    main()
