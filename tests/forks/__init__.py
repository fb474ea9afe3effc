"""Snakemake and histosurv in forks of one process that has loaded all they need."""

import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

from tests.forks.client import ADDRESS, ask

HERE = Path(__file__).parent
START_S = 120


def in_a_fork(words, *, folder=".", environment=None):
    """Run Snakemake or histosurv in a fork of the server; Snakemake's steps are forks, too."""
    address, _ = _server()
    environment = dict(environment or os.environ)
    environment |= {ADDRESS: address, "HISTOSURV_TESTS_PYTHON": sys.executable}
    environment["PATH"] = f"{HERE / 'bin'}{os.pathsep}{environment['PATH']}"
    with TemporaryFile() as nothing, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        streams = [stream.fileno() for stream in (nothing, out, err)]
        status = ask(words, address, environment, folder=folder, streams=streams)
        for stream in (out, err):
            stream.seek(0)
        return subprocess.CompletedProcess(words, status, out.read(), err.read())


@cache
def _server():
    """Address of the one server of all of pytest's workers, and the process that was started.

    Each of them starts one; those that come late find another there and end. It ends with pytest.
    """
    pytest = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(gettempdir()) / f"histosurv-tests-{os.getuid()}-{pytest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    assert folder.stat().st_uid == os.getuid()
    address = folder / "server"
    command = [sys.executable, HERE / "serve.py", address, str(pytest)]
    process = subprocess.Popen(command, start_new_session=True)
    until = time.monotonic() + START_S
    while not address.exists():  # it is made when all is loaded
        assert not process.poll(), "the server of forks did not start"
        assert time.monotonic() < until, "the server of forks is not there"
        time.sleep(0.05)
    return str(address), process
