"""A real Slurm on this machine's loopback: munged, slurmctld and three nodes, all gone at the end.

Everything lies in one temporary folder with a key, a configuration and ports of its own; nothing of
a Slurm that is installed here is touched. Any user can run it. The nodes claim more processors and
memory than there are, for the shipped profile to be taken as it is, and one of them a GPU.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.workflow.processes import command_of, parent_of, with_variable

DAEMONS = ("munged", "slurmctld", "slurmd")
PROGRAMS = (*DAEMONS, "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
HERE = Path(__file__).parent
NODES = {  # with what they claim to have
    "cpu1": "CPUs=4 RealMemory=64000",
    "cpu2": "CPUs=4 RealMemory=64000",
    "gpu1": "CPUs=16 RealMemory=64000 Gres=gpu:2",
}
SBIN = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"

_FIELD = re.compile(r"(\w+)=(\S*)")


def missing_programs() -> list[str]:
    """What a loopback cluster needs and this machine lacks."""
    return [name for name in PROGRAMS if not shutil.which(name, path=SBIN)]


@dataclass(frozen=True)
class Job:
    """What Slurm knows of a job, or of a task of an array (``array_task`` in its id)."""

    id: str
    rule: str
    state: str
    node: str
    folder: str
    gpus: str
    started: str
    ended: str
    restarts: int

    @classmethod
    def of(cls, told: dict[str, str]) -> "Job":
        """A job as scontrol shows it."""
        task = told.get("ArrayTaskId", "")
        return cls(
            id=f"{told['ArrayJobId']}_{task}" if task else told["JobId"],
            rule=told.get("Comment", "").partition("_wildcards_")[0].removeprefix("rule_"),
            state=told["JobState"],
            node=told.get("NodeList", ""),
            folder=told["WorkDir"],
            gpus=told.get("TresPerJob", ""),
            started=told["StartTime"],
            ended=told["EndTime"],
            restarts=int(told["Restarts"]),
        )


class LoopbackSlurm:
    """A cluster for as long as the `with` block lasts.

    Attributes
    ----------
    environment : dict
        Of programs that are to find this cluster and no other.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SLURM")},
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder}{os.pathsep}{SBIN}",
        }
        self._processes: dict[str, subprocess.Popen] = {}

    def __enter__(self) -> "LoopbackSlurm":
        try:
            self._configure()
            self._start_munged()
            self._start("slurmctld", "slurmctld", "-D", "-c")
            for node in NODES:
                self.start_node(node)
            self.wait_for(lambda: self.states() == dict.fromkeys(NODES, "idle"), "idle nodes")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Cancel what runs, then stop by process id, the nodes first."""
        with suppress(subprocess.SubprocessError, TimeoutError):
            self.reset()
        for process in reversed(self._processes.values()):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def reset(self) -> None:
        """Cancel all jobs, and bring every node back that is drained or dead."""
        self.run("scancel", "--user", _user())
        for node, state in self.states().items():
            if self._processes[node].poll() is not None:
                self.start_node(node)
            if "drain" in state:
                self.run("scontrol", "update", f"nodename={node}", "state=resume")
        self.wait_for(lambda: self.states() == dict.fromkeys(NODES, "idle"), "idle nodes")

    def run(self, *command: str, timeout: float = 30) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True,
            timeout=timeout,
        )  # fmt: skip
        return done.stdout

    def states(self) -> dict[str, str]:
        """State of each node, such as idle, mixed, drained or down."""
        lines = self.run("sinfo", "--noheader", "--Node", "--format=%N %T").split("\n")
        return {name: state.rstrip("*") for name, state in map(str.split, filter(None, lines))}

    def jobs(self, *states: str) -> list["Job"]:
        """All jobs and tasks of arrays, done or not; or those in one of these states."""
        lines = self.run("scontrol", "show", "job", "--all", "--oneliner").splitlines()
        found = [Job.of(dict(_FIELD.findall(line))) for line in lines if "JobId=" in line]
        return [job for job in found if not states or job.state in states]

    def start_node(self, node: str) -> None:
        """Start the daemon of a node, or one that was killed once more."""
        self._start(node, "slurmd", "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """Kill -9 of a node's daemon and, as when it loses power, of all that runs on it."""
        lost = self.processes(node)
        self._processes[node].kill()
        self._processes[node].wait()
        for process in lost:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def processes(self, node: str, called: str = "") -> list[int]:
        """What runs on a node, Slurm's own first; or what of it has a word in its command line."""
        ours = with_variable(f"SLURM_CONF={self.folder}/slurm.conf")
        tasks = ours & with_variable(f"SLURMD_NODENAME={node}")
        # The daemons' children that watch over the tasks do not name their node.
        watchers = {parent_of(task) for task in tasks} & (ours - tasks)
        return [pid for pid in [*sorted(watchers), *sorted(tasks)] if called in command_of(pid)]

    def wait_for(self, condition, what: str, seconds: float = 60):
        """Wait until something is there, and return it; who waits in vain is told for what."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(subprocess.SubprocessError):  # a controller that is still starting
                if found := condition():
                    return found
            time.sleep(0.2)
        raise TimeoutError(f"no {what} within {seconds} s: {self._state_in_words()}")

    def _configure(self) -> None:
        ports = _free_ports(len(NODES) + 1)
        nodes = [
            f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} {has}"
            for (name, has), port in zip(NODES.items(), ports[1:], strict=True)
        ]
        text = (
            (HERE / "slurm.conf")
            .read_text(encoding="utf-8")
            .format(
                folder=self.folder,
                user=_user(),
                controller=ports[0],
                nodes="\n".join(nodes),
            )
        )
        (self.folder / "slurm.conf").write_text(text, encoding="utf-8")
        # A stand-in: the request arrives at the scheduler, and there is no GPU.
        gres = "".join(
            f"NodeName={node} Name=gpu File=/dev/{file}\n"
            for node, has in NODES.items() if "gpu" in has
            for file in ("null", "zero")
        )  # fmt: skip
        (self.folder / "gres.conf").write_text(gres, encoding="utf-8")
        # Snakemake's Slurm plugin takes SLURM_CONF from the environment of a step's srun.
        srun = shutil.which("srun", path=SBIN)
        (self.folder / "srun").write_text(
            f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {srun} "$@"\n', encoding="utf-8"
        )
        (self.folder / "srun").chmod(0o755)
        (self.folder / "state").mkdir()
        for node in NODES:
            (self.folder / f"spool.{node}").mkdir()

    def _start_munged(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        places = {"key": key, "socket": self.folder / "munge.socket"}
        files = [f"--{name}-file={self.folder}/munge.{name}" for name in ("pid", "log", "seed")]
        named = [f"--key-file={places['key']}", f"--socket={places['socket']}", *files]
        self.folder.chmod(0o711)  # the socket is to be reached by whoever runs the jobs
        self._start("munged", "munged", "--foreground", "--force", *named)
        self.wait_for(places["socket"].exists, "munge")

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )

    def _state_in_words(self) -> str:
        logs = sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("*.out"))
        tails = [f"--- {log.name}\n{log.read_text('utf-8', 'replace')[-1500:]}" for log in logs]
        return "\n".join(tails)


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def _free_ports(number: int) -> list[int]:
    """Ports of the loopback that nobody uses now."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
