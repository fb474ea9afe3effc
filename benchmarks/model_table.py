"""Every score of finished studies: five-year AUC and Harrell's C, both within folds.

    python benchmarks/model_table.py RESULTS/development ...

The figures are those of the studies' own metrics tables.
"""

import argparse
from pathlib import Path

import pandas as pd

ESTIMANDS = {"auc_60m_within_folds": "AUC", "c_harrell_within_folds": "C"}


def main() -> None:
    """Print one table per study."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path)
    for folder in parser.parse_args().folders:
        metrics = pd.read_csv(folder / "evaluation/metrics.csv")
        table = metrics[metrics["estimand"].isin(ESTIMANDS)]
        print(f"{folder}\n| score | n | {' | '.join(ESTIMANDS.values())} |\n|---|---|---|---|")
        for name, rows in table.groupby("score"):
            of = rows.set_index("estimand")
            cells = [
                f"{of.at[key, 'estimate']:.3f} "
                f"({of.at[key, 'lower']:.3f} to {of.at[key, 'upper']:.3f})"
                for key in ESTIMANDS
            ]
            print(f"| {name} | {of['n'].max()} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
