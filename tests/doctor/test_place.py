"""Weights, the disk and Slurm: what would stop a run is found before it."""

import os
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import pytest
from tests.doctor.examining import PROFILE, examined, fake, told

from histosurv.config import complete
from histosurv.doctor import asking, disk, slurm, steps, weights
from histosurv.doctor.findings import Case

GB = 10**9
Usage = namedtuple("Usage", ["total", "used", "free"])


def settings(**features):
    tables = {"development": {"patients": "patients.csv", "spots": "spots.csv"}}
    return complete({"cohorts": tables, "features": features})


def test_weights_at_hand_and_not(folder, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(folder / "hub"))
    probed = {"hub": str(folder), "file": "vgg16.pth", "url": "https://x.org/vgg16.pth"}
    published = Case(settings=settings(weights="imagenet"), probed=probed)
    assert "fetched from the internet once" in told(weights.weights, published)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/vgg16.pth").write_bytes(b"x")
    assert told(weights.weights, published).startswith("ok    weights: vgg16 (imagenet) in torch's")
    gated = settings(encoder="uni", weights="hub")
    hub = Case(settings=gated, probed={"repository": "MahmoodLab/UNI"})
    assert "there is no token for the hub here" in told(weights.weights, hub)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    output = told(weights.weights, hub)
    assert "with the token for the hub that is here" in output
    assert "hf_secret" not in output
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert told(weights.weights, hub).startswith("STOP")
    snapshot = folder / "hub/hub/models--MahmoodLab--UNI/snapshots/abc"
    snapshot.mkdir(parents=True)
    (snapshot / "pytorch_model.bin").write_bytes(b"x")
    assert told(weights.weights, hub).startswith("ok    weights: uni in the cache of the hub")
    (folder / "vgg.pth").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    of_file = Case(settings=settings(weights="vgg.pth"))
    assert "is no weights but a pointer of Git LFS\n      git lfs pull" in told(
        weights.weights, of_file
    )
    monkeypatch.setattr(weights, "find_spec", lambda _name: None)
    assert "pip install 'histosurv[timm]'" in told(weights.weights, hub)


def test_little_room_and_a_file_in_the_way(simulated, monkeypatch):
    case, _ = examined(simulated)
    case.tiles_per_spot, n_spots = 256, len(case.cohort.spots)
    needed = n_spots * 256 * 4096 * 4 + disk.BESIDES
    for free, level in ((0.9, "STOP"), (1.5, "note"), (3, "ok")):
        usage = Usage(0, 0, free * needed)
        monkeypatch.setattr(disk.shutil, "disk_usage", lambda _, usage=usage: usage)
        output = told(disk.disk, case)
        assert output.startswith(level)
        assert f"needs about {needed / GB:.1f} GB more" in output
    (simulated / "results").write_text("")
    assert "results cannot be written to (Not a directory)" in told(disk.disk, case)


def test_clock_locks_and_rights(folder, monkeypatch):
    real, mask = time.time, os.umask(0)
    try:
        assert "note  umask is 000" in told(disk.temporary)
    finally:
        os.umask(mask)
    assert told(disk.leftovers) == ""
    (folder / ".snakemake/locks").mkdir(parents=True)
    (folder / ".snakemake/locks/0.output.lock").write_text("")
    assert "snakemake --unlock" in told(disk.leftovers)
    monkeypatch.setattr(disk.time, "time", lambda: real() + 100)
    assert "a file written now is dated 100 s before this machine's clock" in told(disk.disk)
    monkeypatch.setenv("TMPDIR", str(folder / "no"))
    assert told(disk.temporary).startswith("STOP  temporary files: ")


def test_results_in_memory_are_told(monkeypatch):
    memory = Path("/dev/shm")  # noqa: S108 - the one place that is in memory on most machines
    if not os.access(memory, os.W_OK) or disk.file_system(memory) != "tmpfs":
        pytest.skip("no tmpfs here")
    with tempfile.TemporaryDirectory(dir=memory) as folder, monkeypatch.context() as context:
        context.chdir(folder)
        assert "note  results: tmpfs is gone" in told(disk.disk)
        context.chdir("/")


NODES = "cpu*|{time}|2|idle|{memory}|16|(null)\ngpu|infinite|1|down*|64000|16|gpu:a100:4(S:0-1)"


@pytest.fixture
def cluster(folder, tmp_path, monkeypatch):
    """Fake commands of Slurm, and a case whose profile asks for them."""

    def make(sinfo, sacct="exit 0", kept="300 sec", **profile):
        place = tmp_path / "slurm"
        fake(place, "sbatch", "exit 1")
        fake(place, "sinfo", sinfo)
        fake(place, "sacct", sacct)
        fake(place, "scontrol", f"echo 'MinJobAge               = {kept}'")
        monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
        case = Case(profile_folder=PROFILE)
        told(steps.profile, case)
        case.profile |= {"slurm-status-command": "sacct"} | profile
        return told(slurm.slurm, case)

    return make


def test_slurm_that_hangs_fails_or_is_not_there(folder, cluster, monkeypatch):
    assert told(slurm.slurm) == "ok    Slurm is not here: steps run on this machine"
    monkeypatch.setattr(asking, "PATIENCE_S", 0.5)
    began = time.monotonic()
    assert "STOP  Slurm: sinfo has no good answer (no answer within 0.5 s)" in cluster("sleep 60")
    assert time.monotonic() - began < 10
    output = cluster("echo 'slurm_load_partitions: Unable to contact slurmctld' >&2; exit 1")
    assert "(slurm_load_partitions: Unable to contact slurmctld)" in output
    assert told(slurm.slurm, Case()).count("STOP") == 0  # nobody asked for it


def test_what_steps_ask_for_and_partitions_lack(cluster, tmp_path, monkeypatch):
    def nodes(time, memory):
        return f"echo '{NODES.format(time=time, memory=memory)}'"

    output = cluster(nodes("2:00:00", 4000))
    assert "cpu (2 of 2 nodes up, default); gpu (0 of 1 nodes up, 4 GPUs)" in output
    assert "STOP  Slurm: train_control, features, train ask for a GPU, and partition cpu" in output
    assert "slurm_partition: \"'gpu'\"" in output
    assert "may ask for 240 minutes, and partition cpu allows 120" in output
    assert "may ask for 8.0 GB, and partition cpu allows 4.0 GB" in output
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    sent = {
        "slurm-array-jobs": None,
        "set-resources": {},
        "default-resources": {"slurm_partition": "'cpu'"},
    }
    output = cluster(nodes("1-00:00:00", 64000), **sent)
    assert "this is inside job 7" in output
    assert "STOP" not in output
    (tmp_path / "described.yaml").write_text("partitions: {cpu: {}, gpu: {max_gpu: 4}}")
    described = {"slurm-partition-config": str(tmp_path / "described.yaml")}
    output = cluster(nodes("1-00:00:00", 64000), **described | {"slurm-array-jobs": None})
    assert "STOP" not in output
    sent["default-resources"] = ["slurm_partition='long'"]
    assert "there is no partition 'long'" in cluster(nodes("infinite", 64000), **sent)


def test_how_the_end_of_a_job_is_learnt(cluster):
    up, no = "echo 'cpu*|infinite|1|idle|64000|16|gpu:1'", "echo disabled >&2; exit 1"
    assert "whose tasks Snakemake cannot tell apart by sacct" in cluster(up)
    assert "sacct tells the state of jobs" in cluster(up, **{"slurm-array-jobs": None})
    assert "slurm-status-command: squeue" in cluster(up, no)
    squeue = {"slurm-status-command": "squeue"}
    assert "ok    Slurm: squeue tells the state" in cluster(up, no, **squeue)
    assert "forgets a job 30 s after its end" in cluster(up, no, "30 sec", **squeue)
    assert "slurm-array-jobs out; sacct answers" in cluster(up, "exit 0", "30 sec", **squeue)


def test_a_cluster_that_wants_an_account(cluster, tmp_path):
    enforced = "300 sec'; echo 'AccountingStorageEnforce = associations"
    fake(tmp_path / "slurm", "sacctmgr", "printf 'first\\nsecond\\n'")
    up = "echo 'cpu*|infinite|1|idle|64000|16|gpu:1'"
    assert "the profile names none of yours (first, second)" in cluster(up, kept=enforced)
    stated = {"default-resources": {"slurm_account": "'first'"}}
    assert "account" not in cluster(up, kept=enforced, **stated)


def test_times_and_profiles(tmp_path):
    stated = ("infinite", "30", "30:00", "2:00:00", "1-00:00:00", "2-12")
    assert [*map(slurm.minutes_of, stated)] == [float("inf"), 30, 30, 120, 1440, 3600]
    own = {"set-resources": {"features": {"mem_mb": 16000, "runtime": "1d12h"}}, "executor": "lsf"}
    case = Case(profile=own)
    [features] = [step for step in steps.needs(case) if step.rule == "features"]
    assert (features.memory, features.minutes, features.threads) == (16 * GB, 2160, 8)
    assert "STOP  snakemake-executor-plugin-lsf is not installed" in told(slurm.slurm, case)
    assert "no such folder" in told(steps.profile, Case(profile_folder=tmp_path))
