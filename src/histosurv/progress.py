"""Progress on long work: a bar with a rate on a terminal, nothing in a log.

Bars go to stdout, which the workflow leaves to the terminal; what is said goes to stderr, which it
writes to the log of the step.
"""

import sys
from collections.abc import Iterable

from tqdm import tqdm


def track(items: Iterable, what: str, unit: str, **kwargs) -> tqdm:
    """Iterate with a progress bar that names the work and its rate.

    Parameters
    ----------
    items : iterable
        The work, one item per step; ``None`` for a bar that is moved by ``update``.
    what : str
        What is being done, in two or three words.
    unit : str
        What one step is (``spot``, ``tile``, ``epoch``); the rate is in this unit.
    **kwargs
        Passed to `tqdm.tqdm`, for example ``total``.
    """
    return tqdm(
        items,
        desc=what,
        unit=f" {unit}",
        dynamic_ncols=True,
        file=sys.stdout,
        disable=not sys.stdout.isatty(),
        **kwargs,
    )


def say(message: str) -> None:
    """Write one line for the log."""
    print(message, file=sys.stderr, flush=True)
