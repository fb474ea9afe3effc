"""Every score of finished studies: five-year AUC within folds, and Harrell's C within folds.

    python benchmarks/model_table.py RESULTS/development ...

The C counts pairs of patients of the same fold, with deaths of the cancer as events; its interval
is that of 500 bootstrap samples of the patients.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from lifelines.utils import concordance_index

N_SAMPLES = 500


def within_folds(rows: pd.DataFrame) -> float:
    """Harrell's C of pairs within folds, every fold by its number of comparable pairs."""
    total, right = 0.0, 0.0
    for _, fold in rows.groupby(["repeat", "fold"]):
        time, died = fold["time_months"].to_numpy(), (fold["event"] == 1).to_numpy()
        pairs = sum((time > at).sum() for at in time[died])
        if pairs:
            total += pairs
            right += pairs * concordance_index(time, -fold["value"], died)
    return right / total


def main() -> None:
    """Print one table per study."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    for folder in parser.parse_args().folders:
        scores = pd.read_csv(folder / "scores.csv", dtype={"patient_id": str})
        patients = pd.read_csv(folder / "cohort/patients.csv", dtype={"patient_id": str})
        metrics = pd.read_csv(folder / "evaluation/metrics.csv", keep_default_na=False)
        auc = metrics[metrics["estimand"] == "auc_60m_within_folds"].set_index("score")
        table = scores.merge(patients[["patient_id", "time_months", "event"]], on="patient_id")
        print(f"{folder}\n| score | n | AUC | C |\n|---|---|---|---|")
        for name, rows in table.groupby("score"):
            draw, samples = np.random.default_rng(1), []
            groups = [group for _, group in rows.groupby("patient_id")]
            for _ in range(N_SAMPLES):
                chosen = draw.integers(0, len(groups), len(groups))
                samples.append(within_folds(pd.concat([groups[i] for i in chosen])))
            low, high = np.percentile(samples, [2.5, 97.5])
            area = [float(auc.at[name, column]) for column in ("estimate", "lower", "upper")]
            print(
                f"| {name} | {len(groups)} | {area[0]:.3f} ({area[1]:.3f} to {area[2]:.3f}) | "
                f"{within_folds(rows):.3f} ({low:.3f} to {high:.3f}) |",
                flush=True,
            )


if __name__ == "__main__":
    main()
