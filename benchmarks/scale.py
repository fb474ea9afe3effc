"""How long Snakemake plans a study of many spots, and what a job pays for reading the Snakefile.

    python benchmarks/scale.py [--spots 1000 10000 100000] [--regions 400]

Tables are made up, and the images are files with a hole for content: planning opens none of them.
`plan` is `snakemake -n` of the shipped config, with its peak of memory; `parse` is what a job does
before its own work, the Snakefile read with the tables, in a process of its own.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
SPOTS_PER_PATIENT = 3
# Runs a command and tells its peak of memory last. A process begins with the peak of the one that
# starts it, which must therefore be a small one and not, say, the tests.
MEASURING = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)
"""


def write_cohort(folder: Path, n_spots: int, regions: int) -> None:
    """Tables and empty images; with regions, so many spots lie on one slide."""
    rng = np.random.default_rng(1)
    n_patients = max(n_spots // SPOTS_PER_PATIENT, 30)
    patients = [f"P{i:07d}" for i in range(n_patients)]
    table = {
        "patient_id": patients,
        "time_months": rng.exponential(60, n_patients).round(1),
        "event": rng.integers(0, 3, n_patients),
        "age": rng.integers(30, 90, n_patients),
        "sex": rng.choice(["female", "male"], n_patients),
        "grade": rng.integers(1, 4, n_patients),
        "stage": rng.choice(list("ABCD"), n_patients),
        "location": rng.choice(["colon", "rectum"], n_patients),
    }
    for reader in (1, 2, 3):
        table[f"reader_{reader}"] = rng.choice(["low", "high"], n_patients)
    folder.mkdir(parents=True)
    pd.DataFrame(table).to_csv(folder / "patients.csv", index=False)
    spots = pd.DataFrame({"spot_id": [f"S{i:07d}" for i in range(n_spots)]})
    number = np.arange(n_spots)
    spots["patient_id"] = [patients[i % n_patients] for i in number]
    if regions:
        spots["image"] = [f"slides/{i // regions:05d}.svs" for i in number]
        spots["x"], spots["y"] = (number % regions) * 4000, 0
        spots["width"] = spots["height"] = 3500
    else:
        spots["image"] = [f"{i // 1000:04d}/{i:07d}.jpg" for i in number]
    spots["block"] = [f"B{i // 500}" for i in number]
    for image in spots["image"].unique():
        path = folder / image
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            file.truncate(2_000_000)
    spots.to_csv(folder / "spots.csv", index=False)


def snakemake(folder: Path, *arguments: str) -> tuple[float, float, str]:
    """Seconds, peak of memory in MB, and output of a Snakemake in a folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "snakemake", "-s", ROOT / "Snakefile"]
    options = ["--workflow-profile", "none", "--cores", "2"]
    start = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-c", MEASURING, *command, *options, *arguments],
        cwd=folder, env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    text, _, peak_kb = run.stdout.rstrip().rpartition("\n")
    if run.returncode:
        sys.exit(text[-3000:])
    return seconds, int(peak_kb) / 1000, text


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spots", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--regions", type=int, default=0, help="spots per slide; 0: a file each")
    parser.add_argument("--turns", type=int, default=3, help="of each; the median is told")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    print("| spots | jobs | plan, s | peak, MB | a job's parse, s |\n|---|---|---|---|---|")
    for n_spots in options.spots:
        folder = Path(tempfile.mkdtemp())
        write_cohort(folder / "demo", n_spots, options.regions)
        shutil.copy(ROOT / "config.yaml", folder)
        plans = [snakemake(folder, "-n", "--quiet", "all") for _ in range(options.turns)]
        # A job of its own is what a cluster starts: one batch, planned alone, nothing run.
        job = ["--target-jobs", "tiles:cohort=development,batch=0000", "--allowed-rules", "tiles"]
        job += ["--mode", "remote", "--latency-wait", "0", "-n", "--quiet", "all"]
        parses = [snakemake(folder, *job)[0] for _ in range(options.turns)]
        jobs = plans[0][2].rpartition("total")[2].split()[0]
        seconds, peak = (statistics.median(run[i] for run in plans) for i in (0, 1))
        parse = statistics.median(parses)
        print(f"| {n_spots:,} | {jobs} | {seconds:.1f} | {peak:.0f} | {parse:.1f} |", flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
