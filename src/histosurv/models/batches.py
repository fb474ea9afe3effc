"""From patients to the sequences that a network reads."""

from typing import NamedTuple

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from histosurv.models.sequences import Sequences


class Intake(NamedTuple):
    """How features enter a network.

    Attributes
    ----------
    centre, inverse_sd : numpy.ndarray
        (n_features,) float32 each: a feature enters as (value - centre) * inverse_sd.
    dtype : torch.dtype
        And in this precision.
    """

    centre: np.ndarray
    inverse_sd: np.ndarray
    dtype: torch.dtype = torch.float32


class Batches:
    """Tiles of some patients as packed sequences.

    What was once brought to a GPU stays there, scaled, while half of its memory is free: to read,
    scale and copy it takes several times as long as to learn from it.

    Parameters
    ----------
    sequences : Sequences
        The cohort.
    intake : Intake
        How features enter.
    device : torch.device
        Where to put them.
    join : bool
        All spots of a patient one after another, as one sequence; else each spot is one.
    """

    def __init__(
        self, sequences: Sequences, intake: Intake, device: torch.device, *, join: bool
    ) -> None:
        self._spots = sequences.spots
        self._intake = intake
        self._device = device
        self._join = join
        spots = np.argsort(sequences.patient_of, kind="stable")
        owners, firsts = np.unique(sequences.patient_of[spots], return_index=True)
        self._of = dict(zip(owners, np.split(spots, firsts[1:]), strict=True))
        self._kept: dict[int, torch.Tensor] = {}  # by spot

    def tiles(self, patient_ids: list[str]) -> tuple[PackedSequence, torch.Tensor]:
        """Sequences of some patients, and which of the patients each belongs to."""
        spots = [self._of[patient] for patient in patient_ids]
        owner = torch.arange(len(spots))
        if not self._join:
            owner = owner.repeat_interleave(torch.tensor([len(of) for of in spots]))
            spots = [[i] for of in spots for i in of]
        if self._device.type == "cpu":
            return pack([[self._spots[i] for i in of] for of in spots], self._intake), owner
        brought = [torch.cat([self._brought(i) for i in of]) for of in spots]
        return pack_sequence(brought, enforce_sorted=False), owner.to(self._device)

    def _brought(self, spot: int) -> torch.Tensor:
        """Scaled tiles of a spot, (n_tiles, n_features) on the GPU."""
        if spot in self._kept:
            return self._kept[spot]
        tiles = pack([[self._spots[spot]]], self._intake).data.to(self._device)
        free, total = torch.cuda.mem_get_info(self._device)
        # What torch holds back from earlier tensors is free, too.
        reserved, used = torch.cuda.memory_reserved, torch.cuda.memory_allocated
        if free + reserved(self._device) - used(self._device) > total / 2:
            self._kept[spot] = tiles
        return tiles


def pack(sequences: list[list[np.ndarray]], intake: Intake) -> PackedSequence:
    """Sequences as PyTorch's recurrent layers want them: all first tiles, all second tiles, ...

    Parameters
    ----------
    sequences : list of list of numpy.ndarray
        Each sequence in parts of (n_tiles, n_features), laid one after another. Parts may lie in
        files; each is read once, and is scaled while it is in the processor's cache.
    intake : Intake
        How features enter.
    """
    lengths = np.array([sum(map(len, parts)) for parts in sequences])
    order = np.argsort(-lengths, kind="stable")
    sizes = (lengths[None, :] > np.arange(lengths.max())[:, None]).sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    data = torch.empty(int(starts[-1]), sequences[0][0].shape[1], dtype=intake.dtype)
    for place, number in enumerate(order):
        done = 0
        for part in sequences[number]:
            scaled = np.subtract(part, intake.centre, dtype=np.float32)
            scaled *= intake.inverse_sd
            rows = torch.from_numpy(starts[done : done + len(part)] + place)
            data[rows] = torch.from_numpy(scaled).to(intake.dtype)
            done += len(part)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return PackedSequence(data, *map(torch.from_numpy, (sizes, order, back)))


def per_patient(outputs: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """Mean of the outputs of each patient's sequences, (n_patients, n_outputs)."""
    n_patients = int(owner.max()) + 1
    sums = outputs.new_zeros((n_patients, outputs.shape[1])).index_add(0, owner, outputs)
    return sums / torch.bincount(owner, minlength=n_patients)[:, None]
