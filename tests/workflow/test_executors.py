"""Same bytes on one core, on several, on a real Slurm, and whatever befalls the cluster."""

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.running import QUICK, differing, made, output_of, run_quickly, run_snakemake
from tests.workflow.processes import working_in
from tests.workflow.slurm_cluster import NODES, LoopbackSlurm, missing_programs
from tests.workflow.slurm_demo import HURRIED, PROFILE, start

from histosurv.cohort.demo import write_demo

VENV = Path(sys.executable).parent
TABLES = "results/development/cohort/folds.csv"
METRICS = "results/development/evaluation/metrics.csv"
MODELS = {
    "baselines": ["svm"],
    "tuning": {"settings": 2, "inner_folds": 2},
    "lstm": {"units": [16, 4], "alternatives": [{"dropout": 0.3}]},
    "training": {"max_epochs": 2, "initialisations": 2},
}
CONFIG = QUICK | {"models": QUICK["models"] | MODELS, "spots_per_job": 18}


@pytest.fixture(scope="module")
def loopback():
    if missing := missing_programs():
        pytest.skip(f"no Slurm here ({', '.join(missing)}): apt-get install slurm-wlm munge")
    with LoopbackSlurm() as cluster:
        yield cluster


@pytest.fixture
def slurm(loopback):
    """The cluster, idle and whole."""
    loopback.reset()
    return loopback


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A run on two cores of this machine, its batches cut otherwise.

    To the end of the evaluation: the report is made of its tables on the spot, wherever that is.
    """
    folder = tmp_path_factory.mktemp("alone")
    write_demo(folder / "demo", n_patients=34, spot_px=300, seed=11)
    run = run_quickly(folder, METRICS, config=CONFIG | {"spots_per_job": 64})
    assert run.returncode == 0, output_of(run)
    return folder


@pytest.fixture
def study(undisturbed, tmp_path):
    shutil.copytree(undisturbed / "demo", tmp_path / "demo")
    yield tmp_path
    for process in working_in(tmp_path):  # of a test that failed
        os.kill(process, signal.SIGKILL)


def finished(snakemake, folder):
    """Wait for the end, which must be a good one."""
    status = snakemake.wait(400)
    told = (folder / "out.txt").read_text()
    assert status == 0, told
    return told


def running(slurm, rule, folder):
    """Jobs of a rule that are at work for a study; others have used the cluster before."""
    return [j for j in slurm.jobs("RUNNING") if j.rule == rule and j.folder == str(folder)]


def done_for(slurm, folder):
    return [job for job in slurm.jobs() if job.folder == str(folder)]


def assert_same_as_far(study, undisturbed):
    """What there is has the expected bytes, and a rerun finds nothing to do."""
    here, expected = made(study), made(undisturbed)
    n_spots = [sum(path.endswith(".h5") for path in paths) for paths in (here, expected)]
    assert n_spots[0] == n_spots[1] >= 40
    assert [path for path in here if here[path] != expected[path]] == []
    assert "Nothing to be done" in output_of(run_quickly(study, TABLES, "-n", config=CONFIG))


@pytest.mark.soak
def test_one_core_gives_the_same_bytes(study, undisturbed):
    run = run_snakemake(study, METRICS, config=CONFIG, cores=1)
    assert run.returncode == 0, output_of(run)
    assert differing(made(study), made(undisturbed)) == []


def test_the_demo_gives_the_same_bytes_on_a_cluster(slurm, study, undisturbed):
    told = finished(start(slurm, study, METRICS, config=CONFIG), study)
    assert f"Using workflow specific profile {PROFILE}" in told
    jobs = done_for(slurm, study)
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert {job.rule for job in jobs} == {"tiles", "features", "train", "baseline"}
    on_gpu = [job for job in jobs if job.node == "gpu1"]
    assert {job.rule for job in on_gpu} == {"features", "train"}
    assert {job.gpus for job in on_gpu} == {"gres:gpu:1"}
    assert {job.node for job in jobs} == set(NODES)
    arrays = Counter(job.id.partition("_")[0] for job in jobs if "_" in job.id)
    batches = list((study / "results/development/features/batches").iterdir())
    assert max(arrays.values()) == len(batches) > 2  # all of tiles in one submission
    # Two GPUs, two trainings at a time.
    one, other = (job for job in jobs if job.rule == "train")
    assert max(one.started, other.started) < min(one.ended, other.ended)
    assert differing(made(study), made(undisturbed)) == []


@pytest.mark.soak
def test_a_node_is_drained_snakemake_killed_and_a_node_lost(slurm, study, undisturbed):
    snakemake = start(slurm, study, TABLES, config=CONFIG)
    drained = slurm.wait_for(lambda: running(slurm, "tiles", study), "tiles at work")[0].node
    slurm.run("scontrol", "update", f"nodename={drained}", "state=drain", "reason=test")
    slurm.wait_for(lambda: running(slurm, "features", study), "features at work", seconds=120)
    snakemake.kill()
    snakemake.wait()
    for process in slurm.processes("gpu1", "snakemake"):
        os.kill(process, signal.SIGSTOP)  # lest they end too soon
    unlock = run_quickly(study, "--unlock", config=CONFIG)
    assert unlock.returncode == 0, output_of(unlock)
    slurm.run("scontrol", "update", f"nodename={drained}", "state=resume")
    # Jobs of the killed Snakemake would delete, when they start, what those of the next have made.
    left = {job.id for job in done_for(slurm, study)}
    assert start(slurm, study, TABLES, config=CONFIG).wait(120) != 0
    assert f"{study}: Slurm still has jobs of an earlier run" in (study / "out.txt").read_text()
    slurm.reset()
    snakemake = start(slurm, study, TABLES, config=CONFIG)
    slurm.wait_for(
        lambda: {job.id for job in running(slurm, "features", study)} - left,
        "features of the second Snakemake",
        seconds=120,
    )
    slurm.kill_node("gpu1")
    slurm.wait_for(lambda: slurm.states()["gpu1"] == "down", "lost node")
    slurm.start_node("gpu1")
    told = finished(snakemake, study)
    assert "Trying to restart" not in told  # Slurm itself has put the jobs back into its queue
    assert {job.rule for job in done_for(slurm, study) if job.restarts} == {"features"}
    assert_same_as_far(study, undisturbed)


@pytest.mark.soak
def test_a_node_is_lost_while_it_trains(slurm, study, undisturbed):
    snakemake = start(slurm, study, METRICS, config=CONFIG)
    kept = "results/models/lstm/*/checkpoints/tuning/*.json"
    slurm.wait_for(lambda: list(study.glob(kept)), "tuning half done", seconds=300)
    for process in slurm.processes("gpu1", "histosurv train"):
        os.kill(process, signal.SIGSTOP)  # lest it ends too soon
    assert running(slurm, "train", study)
    slurm.kill_node("gpu1")
    slurm.wait_for(lambda: slurm.states()["gpu1"] == "down", "lost node")
    slurm.start_node("gpu1")
    told = finished(snakemake, study)
    assert "Trying to restart" not in told
    assert {job.rule for job in done_for(slurm, study) if job.restarts} == {"train"}
    assert differing(made(study), made(undisturbed)) == []


@pytest.mark.soak
def test_a_job_wants_more_memory_and_another_more_time(slurm, study, undisturbed):
    # Too little at first: 200 MB for tiles, then 800; a minute for features, then two.
    less = ["tiles:mem_mb=attempt*attempt*200", "features:runtime=attempt", "features:gpu=1"]
    snakemake = start(slurm, study, TABLES, "--set-resources", *less, config=CONFIG)
    hanging = slurm.wait_for(lambda: slurm.processes("gpu1", "compute"), "features", seconds=180)
    os.kill(hanging[-1], signal.SIGSTOP)
    told = finished(snakemake, study)
    ends = {(job.rule, job.state) for job in done_for(slurm, study)}
    assert ("features", "TIMEOUT") in ends
    assert ends & {("tiles", state) for state in ("FAILED", "CANCELLED", "OUT_OF_MEMORY")}
    logs = (study / ".snakemake/slurm_logs/rule_tiles").glob("*.log")
    assert any("exceeded memory limit" in log.read_text() for log in logs)
    assert "Trying to restart" in told
    assert_same_as_far(study, undisturbed)


ARRAY = """
import os, sys
from histosurv.cluster import go_on_as_own_job

go_on_as_own_job(sys.argv, os.environ)


rule all:
    input:
        expand("{i}.txt", i=range(3)),


rule one:
    output:
        "{i}.txt",
    resources:
        mem_mb=500,
    shell:
        "test $SLURM_ARRAY_TASK_ID != $SLURM_ARRAY_TASK_MIN || sleep 15;"
        " echo $SLURM_ARRAY_JOB_ID > {output}"
"""


def test_tasks_of_an_array_do_not_wait_for_the_files_of_the_first(slurm, tmp_path):
    (tmp_path / "Snakefile").write_text(ARRAY)
    command = [*(sys.executable, "-m", "snakemake", "--workflow-profile", PROFILE, *HURRIED)]
    environment = slurm.environment | {"PATH": f"{slurm.environment['PATH']}:{VENV}"}
    options = ["--slurm-array-jobs", "one", "--retries", "0"]
    run = subprocess.run(
        [*command, *options], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, output_of(run)
    arrays = {(tmp_path / f"{i}.txt").read_text() for i in range(3)}
    assert len(arrays) == 1
