"""How long an evaluation takes, and how that grows with the patients.

    python benchmarks/evaluation_speed.py [--patients 420 2000 20000] [--scores 17]
        [--repeats 10] [--resamples 2000] [--threads 2]

Drawn patients with three covariates and other deaths; scores in three folds of every repeat. Peak
memory is that of the process so far, so name the sizes from small to large.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import label_60m
from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.study import Settings

OF_PATIENTS = ["patient_id", "time_months", "event", "label_60m"]


def draw(n: int, n_scores: int, n_repeats: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Patients and their score table."""
    rng = np.random.default_rng(n)
    latent = rng.standard_normal(n)
    ends = np.column_stack(
        [rng.uniform(20, 140, n), rng.exponential(110 * np.exp(-latent)), rng.exponential(400, n)]
    ).round(2)
    patients = pd.DataFrame(
        {
            "patient_id": [f"{i:06d}" for i in range(n)],
            "time_months": ends.min(axis=1),
            "event": ends.argmin(axis=1),
            "age": rng.normal(65, 10, n).round().astype(int),
            "sex": rng.choice(["female", "male"], n),
            "stage": rng.choice(["A", "B", "C", "D"], n),
        }
    )
    patients["label_60m"] = label_60m(patients["time_months"], patients["event"])
    tables = []
    for repeat in range(1, n_repeats + 1):
        fold = rng.permutation(n) % 3 + 1
        for score in range(n_scores):
            value = latent + rng.standard_normal(n) * (1 + score / 4)
            tables.append(
                patients[OF_PATIENTS].assign(
                    score=f"score_{score:02d}",
                    repeat=repeat,
                    fold=fold,
                    value=value,
                    threshold=0.0,
                    risk_60m=1 / (1 + np.exp(1 - value)),
                )
            )
    return patients, pd.concat(tables)


def main() -> None:
    """A line per number of patients."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--patients", type=int, nargs="+", default=[420, 2000, 20000])
    parser.add_argument("--scores", type=int, default=17)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    asked = Settings(
        primary="score_00", against="score_01", covariates=("age", "sex", "stage"),
        subgroups=("age", "sex", "stage"), resamples=given.resamples,
    )  # fmt: skip
    print("| patients | scores | repeats | resamples | seconds | peak memory, GB |")
    print("|---|---|---|---|---|---|")
    for n in given.patients:
        patients, scores = draw(n, given.scores, given.repeats)
        start = time.perf_counter()
        evaluate(patients, scores, settings=asked, threads=given.threads)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"| {n} | {given.scores} | {given.repeats} | {given.resamples} | {seconds:.0f} | "
            f"{peak:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
