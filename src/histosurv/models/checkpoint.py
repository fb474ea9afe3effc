"""The state of an interrupted training."""

import time
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import nn

from histosurv.publish import published

SECONDS_BETWEEN_CHECKPOINTS = 30.0


@dataclass
class Progress:
    """Where a training stands; all of it is in a checkpoint.

    Attributes
    ----------
    epoch, best_epoch : int
        The last one that was finished, and the one with the least validation error.
    best_error : float
        That error.
    best : dict of torch.Tensor
        The network's state after it.
    curve : list of list of float
        Rows of `histosurv.models.member.CURVE`.
    """

    epoch: int
    best_epoch: int
    best_error: float
    best: dict[str, torch.Tensor]
    curve: list[list[float]]


class Checkpoint:
    """The file that a training is taken up from.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    identity : str
        Digest of everything that decides the result.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path = path
        self._identity = identity
        self._saved = time.monotonic()

    def is_due(self) -> bool:
        """Whether the last one is old."""
        return time.monotonic() - self._saved > SECONDS_BETWEEN_CHECKPOINTS

    def save(self, network: nn.Module, optimiser: torch.optim.Optimizer, at: Progress) -> None:
        """Publish the state of a training."""
        content = {
            "identity": self._identity,
            "network": network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "progress": vars(at),
        }
        with published(self._path) as temporary:
            torch.save(content, temporary)
        self._saved = time.monotonic()

    def restore(self, network: nn.Module, optimiser: torch.optim.Optimizer) -> Progress | None:
        """The state in the file; none where no readable one is of this very training."""
        if not self._path.is_file():
            return None
        device = next(network.parameters()).device
        try:
            content = torch.load(self._path, map_location=device, weights_only=True)
            if content["identity"] != self._identity:
                return None
        except (EOFError, KeyError, OSError, RuntimeError, TypeError, UnpicklingError, ValueError):
            return None
        network.load_state_dict(content["network"])
        optimiser.load_state_dict(content["optimiser"])
        return Progress(**content["progress"])
