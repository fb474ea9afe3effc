"""What stands between this workflow and a cluster: the shells on the way, and job arrays."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from histosurv.errors import InputError

# Slurm's plugin puts names between double quotes, where a shell reads $ ` " \, and into the script
# of the job, where the next one reads '.
_READ_BY_SHELLS = re.compile(r"""[$`"'\\]""")
_OPTION = "--slurm-jobstep-array-execs"
_INDEX, _FIRST = "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN"


def refuse_for_cluster(workflow: object) -> None:
    """Stop before something that a shell would read comes into the commands of a cluster.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
        What is about to be run.

    Raises
    ------
    InputError
        A folder or config file has such a name, or such a setting was typed.
    """
    folders = [Path.cwd(), Path.home(), sys.executable, workflow.main_snakefile]
    settings = workflow.config_settings
    for word in (*folders, *settings.configfiles, *(settings.config_args or [])):
        name = str(word)
        if _READ_BY_SHELLS.search(name) or not name.isprintable():
            raise InputError(
                f"{name!r}: shells on the way to a cluster would change it, or take it for a "
                """command; rename it without $ ` " ' and \\, or set it in a config file"""
            )


def refuse_beside_earlier_jobs(folder: Path | str) -> None:
    """Stop where Slurm still has jobs of a Snakemake that was killed in this folder.

    When such a job starts, it deletes what the job that took its place has made.

    Raises
    ------
    InputError
        There are some; the message names them.
    """
    command = ["squeue", "--me", "--noheader", "--format=%A|%Z"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):  # no Slurm, or one that is busy
        return
    lines = (line.partition("|") for line in asked.stdout.splitlines())
    left = sorted({number for number, _, place in lines if place == str(folder)})
    if left:
        raise InputError(
            f"{folder}: Slurm still has jobs of an earlier run in this folder; wait for them, or "
            f"end them: scancel {' '.join(left)}"
        )


def go_on_as_own_job(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Replace the Snakemake of a task of a job array by that of the task's own job.

    In version 2.8 of the Slurm plugin every task first starts Snakemake for the job of the array's
    first task, has that run the task's own job, and then looks for the files of the first
    (snakemake-executor-plugin-slurm #447). If those are not there yet, the task has failed, and
    its good files are deleted. Outside arrays nothing is done.

    Parameters
    ----------
    arguments : sequence of str
        Command line of this Snakemake.
    environment : mapping
        Its environment, which names the task of the array.
    """
    command = command_of_task(arguments, environment)
    if command:
        os.execv("/bin/sh", ["sh", "-c", command])  # noqa: S606 - the plugin's own command line


def command_of_task(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Command of the own job of a task that is not the first of its array.

    None outside arrays, for the first task, and where another version of the plugin packs the
    commands in another way, and hopefully looks for the right files.
    """
    packed = next(
        (text.partition("=")[2] for text in arguments if text.startswith(f"{_OPTION}=")), ""
    )
    index = environment.get(_INDEX, "")
    if not packed or index in {"", environment.get(_FIRST, "")}:
        return None
    try:
        from snakemake_executor_plugin_slurm_jobstep import _decompress_array_task_call
    except ImportError:
        return None
    return _decompress_array_task_call(packed, int(index))
