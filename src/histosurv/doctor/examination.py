"""All checks, in an order in which the first thing to mend stands above what follows from it."""

from collections.abc import Iterator
from importlib import import_module

from histosurv.doctor.findings import Case, Finding, in_words, mistake, stop
from histosurv.errors import InputError

# Module and function; imported one by one, for a library that is missing must not end them all.
CHECKS = (
    "software.python",
    "software.commands",
    "software.packages",
    "software.pictures",
    "steps.profile",
    "study.config",
    "study.tables",
    "study.images",
    "gpu.torch",
    "processor.processor",
    "weights.weights",
    "disk.disk",
    "disk.leftovers",
    "disk.temporary",
    "slurm.slurm",
)


def examine(case: Case) -> Iterator[Finding]:
    """Findings, each as soon as it is there."""
    for check in CHECKS:
        yield from findings(check, case)


def findings(check: str, case: Case) -> Iterator[Finding]:
    """What a check finds; whatever is broken, it ends in a line and the next one follows."""
    module, _, name = check.partition(".")
    try:
        yield from getattr(import_module(f"histosurv.doctor.{module}"), name)(case)
    except InputError as error:
        yield mistake(error)
    except ModuleNotFoundError as error:
        yield stop(
            f"{name}: could not be examined, for {error.name} is not installed",
            "install what histosurv needs, in its folder: pip install --editable .",
        )
    except Exception as error:  # noqa: BLE001 - a broken installation may raise anything
        yield stop(
            f"{name}: could not be examined ({in_words(error)})",
            "mend what stands above; if nothing does, send these lines to histosurv's authors",
        )
