"""Ask another program, which may be missing, fail, crash or never answer."""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

PATIENCE_S = 10.0  # for a command that should answer at once


@dataclass(frozen=True)
class Answer:
    """What came of a command.

    Attributes
    ----------
    output : str
        What it printed.
    error : str
        Why the answer is no good, in words; empty where it is.
    is_late : bool
        It did not answer in time and was stopped.
    """

    output: str
    error: str = ""
    is_late: bool = False


def ask(*command: str, seconds: float | None = None) -> Answer:
    """Run a command, for so long and no longer, without a terminal that it could ask back on."""
    seconds = PATIENCE_S if seconds is None else seconds
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # for its children to be stopped with it
            text=True,
            errors="replace",
        )
    except OSError as error:
        return Answer("", f"{command[0]}: {error.strerror}")
    try:
        output, told = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # A process that hangs in a driver cannot even be killed; it is left behind.
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        return Answer("", f"no answer within {seconds:g} s", is_late=True)
    if process.returncode == 0:
        return Answer(output)
    return Answer(output, _why(process.returncode, told.strip() or output.strip()))


def _why(status: int, told: str) -> str:
    if status < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-status).name}"
        return f"killed by signal {-status}"
    lines: Sequence[str] = told.splitlines() or [f"exit status {status}"]
    return lines[-1].strip()[:300]
