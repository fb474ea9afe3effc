"""Run the demo through the shipped profile on a Slurm of its own, and tell which jobs ran where.

python -m tests.workflow.slurm_demo FOLDER
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.running import ROOT, snakemake_in
from tests.workflow.slurm_cluster import LoopbackSlurm

from histosurv.cohort.demo import write_demo

PROFILE = ROOT / "workflow/profiles/slurm"
# A loopback needs no patience: the shipped values are for schedulers and file servers far away.
HURRIED = ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5"]
# How a site tells the plugin which partition is for what (SNAKEMAKE_SLURM_PARTITIONS).
PARTITIONS = "partitions:\n  cpu: {max_gpu: 0}\n  gpu: {max_gpu: 2}\n"


def start(
    cluster: LoopbackSlurm, folder: Path, *arguments: str, config: dict | None = None
) -> subprocess.Popen:
    """Snakemake with the shipped profile in a folder; what it prints is added to its out.txt."""
    (folder / "partitions.yaml").write_text(PARTITIONS, encoding="utf-8")
    command, ours = snakemake_in(folder, *arguments, *HURRIED, config=config, profile=PROFILE)
    environment = cluster.environment | {
        "PATH": f"{cluster.environment['PATH']}{os.pathsep}{ours['PATH']}",
        "SNAKEMAKE_SLURM_PARTITIONS": str(folder / "partitions.yaml"),
    }
    with (folder / "out.txt").open("ab") as out:
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=out)


def main() -> None:
    """Run the demo on a cluster, and say which jobs ran where."""
    folder = Path(sys.argv[1])
    write_demo(folder / "demo", n_patients=120, spot_px=448, seed=2018)
    with LoopbackSlurm() as cluster:
        begun = time.monotonic()
        status = start(cluster, folder, config={"spots_per_job": 40}).wait()
        print(f"Snakemake ended with {status} after {time.monotonic() - begun:.0f} s")
        print("| job | step | state | node | GPU | from | to |\n|---|---|---|---|---|---|---|")
        for job in sorted(cluster.jobs(), key=lambda job: job.started):
            hours = (time.rpartition("T")[2] for time in (job.started, job.ended))
            words = (job.id, job.rule, job.state, job.node, job.gpus.rpartition(":")[2], *hours)
            print("|", " | ".join(words), "|")


if __name__ == "__main__":
    main()
