"""A process that has loaded what Snakemake and the steps need, and forks for each of them.

Half of the time of a small study is loading: torch, torchvision, scikit-learn and lifelines take
seconds, in each step anew. Tests to which the run is only a means to its results ask this server
instead. What forks hide, that a step loads all it needs, that no order of a set shows (they share
the hash seed) and that it stands being killed, is tested with the real commands: with pictures and
odd names to the report (`test_security`), on a cluster (`test_executors`), with faults
(`test_faults`), of an external cohort (`test_external`), single steps by hand, and the demo in
`make soak`.
"""

import atexit
import fcntl
import gc
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import traceback
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import numpy as np

LOADED_LATE = ("torchvision.models", "sklearn.linear_model", "sklearn.svm", "sklearn.naive_bayes")


def serve(address, client):
    """Answer until the client's process is gone; one server for each address."""
    with Path(f"{address}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        Path(address).unlink(missing_ok=True)  # of a server that was killed
        _load()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"{address}.soon")
            listening.listen(64)
            Path(f"{address}.soon").rename(address)
            listening.settimeout(1)
            while Path(f"/proc/{client}").exists():
                try:
                    asked, _ = listening.accept()
                except TimeoutError:
                    continue
                with asked:
                    if os.fork() == 0:
                        _answer(asked, listening, lock)
        shutil.rmtree(Path(address).parent)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)  # what an interrupted test left at work


def _load():
    package = import_module("histosurv")
    modules = [module.name for module in walk_packages(package.__path__, "histosurv.")]
    for name in [*modules, *LOADED_LATE, "snakemake.cli"]:
        if not name.endswith("__main__"):
            import_module(name)
    gc.freeze()  # a collection in a fork would copy every page


def _answer(asked, *not_ours):
    """Be the program that is asked for, and tell its exit status."""
    status = 1
    try:
        for of_server in not_ours:
            of_server.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        asked.settimeout(None)
        _take_over(asked)
        sys.modules[f"{sys.argv[0]}.cli"].main()
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as Python does at the end of a program
        traceback.print_exc()
    finally:
        try:
            threading._shutdown()
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            asked.sendall(bytes([status & 255]))
        finally:
            os._exit(status & 255)  # whatever fails, a fork never goes on as a server


def _take_over(asked):
    """Take words, streams, folder and environment of the process that asks."""
    size, streams, _, _ = socket.recv_fds(asked, 8, 3)
    with asked.makefile("rb") as message:
        folder, n_words, *lines = os.fsdecode(message.read(int.from_bytes(size, "big"))).split("\0")
    sys.argv, environment = lines[: int(n_words)], lines[int(n_words) :]
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(line.split("=", 1) for line in environment)
    tempfile.tempdir = None  # another environment, another folder
    np.random.seed()  # noqa: NPY002 - the state that all forks would share
    if threads := os.environ.get("OMP_NUM_THREADS"):  # which libraries read as they are loaded
        sys.modules["threadpoolctl"].threadpool_limits(int(threads))
        sys.modules["torch"].set_num_threads(int(threads))


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
