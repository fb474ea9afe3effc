"""What machines do to a run; afterwards a rerun gives the bytes of a run that nothing befell."""

import os
import shutil
import signal
import subprocess
import time

import pytest
from tests.running import QUICK, differing, made, output_of, run_quickly, snakemake_in
from tests.workflow.processes import command_of, working_in

from histosurv.cohort.demo import write_demo

CONFIG = QUICK | {"spots_per_job": 18}
# Here the faults befall spots and features. `make soak` goes on to the end of the evaluation.
TARGETS = [
    "results/development/cohort/folds.csv",
    pytest.param("results/development/evaluation/metrics.csv", marks=pytest.mark.soak),
]
MOUNT = ["unshare", "--mount", "--map-root-user", "sh", "-e", "-c"]


class Study:
    """A folder with tables and images, what is asked of it, and what it should give."""

    def __init__(self, folder, target, expected=None):
        self.folder, self.target, self.expected = folder, target, expected

    def run(self, *arguments):
        """Run to the end."""
        return run_quickly(self.folder, self.target, *arguments, config=CONFIG)

    def start(self):
        """Snakemake, left to run."""
        command, environment = snakemake_in(self.folder, self.target, config=CONFIG)
        with self.told.open("wb") as out:
            return subprocess.Popen(command, env=environment, stdout=out, stderr=out)

    @property
    def told(self):
        """File with what a started Snakemake printed."""
        return self.folder / "out.txt"

    def features(self):
        """Times of the feature files that are there."""
        store = self.folder / "results/development/features"
        return {path: path.stat().st_mtime_ns for path in store.glob("*.h5")}

    def processes(self, command):
        """Steps of this name that are at work in the folder, their shells left aside."""
        here = [(process, command_of(process)) for process in working_in(self.folder)]
        return [process for process, line in here if command in line and " -c " not in line]

    def halted_in_mid_batch(self):
        """Wait until a batch has some of its features, and stop its process there."""
        indexes = self.folder / "results/development/features/batches"
        n_features, n_batches = len(self.features()), len(list(indexes.glob("*.csv")))
        wait_for(lambda: len(self.features()) >= n_features + 3)
        step = wait_for(lambda: self.processes("features compute"))[0]
        os.kill(step, signal.SIGSTOP)
        assert len(list(indexes.glob("*.csv"))) == n_batches
        return step

    def assert_a_rerun_mends(self):
        """The next run ends well, with the expected bytes, and leaves nothing to do."""
        result = self.run()
        assert result.returncode == 0, output_of(result)
        assert "Nothing to be done" in output_of(self.run("-n"))
        assert differing(made(self.folder, batches=True), self.expected) == []

    def run_where_results_are(self, *mounted):
        """Run wherever `results` is a small file system of its own, at last to a good end.

        Returns what each run printed; the options of the mount change in between.
        """
        (self.folder / "results").mkdir()
        probe = subprocess.run([*MOUNT, "mount -t tmpfs none /mnt"], capture_output=True, text=True)
        if probe.returncode:
            pytest.skip(f"no file system can be mounted here: {probe.stderr.strip()}")
        failing = "".join(
            f'mount -o remount,{options} results; "$@" > {number}.txt 2>&1 && exit 1\n'
            for number, options in enumerate(mounted[:-1])
        )
        last = f'mount -o remount,{mounted[-1]} results; "$@" > last.txt 2>&1'
        script = f"mount -t tmpfs none results\n{failing}{last}\ncp -a results kept\n"
        command, environment = snakemake_in(self.folder, self.target, config=CONFIG)
        done = subprocess.run(
            [*MOUNT, script, "sh", *map(str, command)],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, output_of(done)
        (self.folder / "results").rmdir()
        (self.folder / "kept").rename(self.folder / "results")
        told = [self.folder / f"{number}.txt" for number in range(len(mounted) - 1)]
        return [path.read_text() for path in told]


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
    return found


@pytest.fixture(scope="module", params=TARGETS, ids=["folds", "metrics"])
def undisturbed(request, tmp_path_factory):
    """A run that nothing befell."""
    study = Study(tmp_path_factory.mktemp("undisturbed"), request.param)
    write_demo(study.folder / "demo", n_patients=24, spot_px=448, seed=7)
    result = study.run()
    assert result.returncode == 0, output_of(result)
    study.expected = made(study.folder, batches=True)
    return study


@pytest.fixture
def study(undisturbed, tmp_path):
    """The same before anything was run."""
    shutil.copytree(undisturbed.folder / "demo", tmp_path / "demo")
    yield Study(tmp_path, undisturbed.target, undisturbed.expected)
    for process in working_in(tmp_path):  # of a test that failed
        os.kill(process, signal.SIGKILL)


def test_a_second_snakemake_a_killed_step_and_a_killed_snakemake(study):
    first = study.start()
    step = study.halted_in_mid_batch()
    second = study.run()
    assert second.returncode != 0
    assert "cannot be locked" in output_of(second)
    os.kill(step, signal.SIGKILL)
    assert first.wait(120) != 0
    done = study.features()

    third = study.start()
    step = study.halted_in_mid_batch()
    assert done.items() <= study.features().items()  # finished spots are kept
    third.kill()
    third.wait()
    done = study.features()
    assert "--unlock" in output_of(study.run())
    assert study.run("--unlock").returncode == 0
    fourth = study.start()
    # The step that nobody waits for any more goes on, beside the one that takes its place.
    wait_for(lambda: [other for other in study.processes("features compute") if other != step])
    os.kill(step, signal.SIGCONT)
    assert fourth.wait(300) == 0, study.told.read_text()
    assert done.items() <= study.features().items()
    study.assert_a_rerun_mends()


def room_of(folder):
    """Bytes that a folder takes on a disk of pages."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sum(4096 * (1 + path.stat().st_size // 4096) for path in files)


@pytest.mark.soak
def test_results_cannot_be_written_and_the_disk_is_full(study, undisturbed):
    rooms = ("weights", "development/spots", "development/features")
    weights, spots, features = (room_of(undisturbed.folder / "results" / name) for name in rooms)
    told = study.run_where_results_are(
        "ro",
        f"rw,size={weights // 2}",
        f"rw,size={weights + spots + features // 2}",
        "rw,size=1g",
    )
    assert "Read-only file system: 'results/" in told[0]
    for full in told[1:]:
        said = "No space left on device); make room and run again: what is finished is kept"
        assert said in full
    assert not [text for text in told if "Traceback" in text]
    assert differing(made(study.folder, batches=True), study.expected) == []


@pytest.mark.soak
def test_a_spot_in_mid_batch_is_damaged_and_mended(study, undisturbed):
    shutil.copytree(undisturbed.folder, study.folder, dirs_exist_ok=True)
    image = study.folder / "demo/images/P0007_1.jpg"
    whole = image.read_bytes()
    image.write_bytes(whole[: len(whole) // 2])
    result = study.run()
    assert result.returncode == 0, output_of(result)
    excluded = study.folder / "results/development/cohort/exclusions.csv"
    assert "P0007_1" in excluded.read_text()
    image.write_bytes(whole)
    study.assert_a_rerun_mends()


@pytest.mark.soak
def test_clocks_disagree(study, undisturbed):
    # A file server a day ahead wrote some of what is there, one a day behind the rest.
    shutil.copytree(undisturbed.folder, study.folder, dirs_exist_ok=True)
    results = study.folder / "results"
    ahead = [results / "weights/encoder.safetensors", *results.rglob("spots/0001.csv")]
    for path in results.rglob("*"):
        if path.is_file():
            a_day = 86_400 * 10**9 * (1 if path in ahead else -1)
            os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + a_day))
    (results / "development/features/batches/0001.csv").unlink()
    study.assert_a_rerun_mends()
    assert all(path.stat().st_mtime <= time.time() for path in ahead)
