"""The study's recurrent network: three LSTM layers over the tiles of a spot, one logit."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

Penalised = Literal["recurrent", "input", "both", "none"]


class RecurrentRisk(nn.Module):
    """A stack of LSTM layers read out at the last tile.

    Parameters
    ----------
    n_features : int
        Width of a tile's feature vector.
    units : list of int
        Cells of each layer; the study's are 264, 128, 64.
    dropout : float
        Share of values dropped at the input and after the last hidden layer.
    centre, inverse_sd : torch.Tensor or float
        Every feature enters as (value - centre) * inverse_sd; part of the network's state.

    Notes
    -----
    With sigmoid s, gates i, f, o, candidate g, cell c and output h of a layer at tile t:
    i, f, o = s(W x_t + b + R h_(t-1) + d), g = tanh(...), c_t = f c_(t-1) + i g,
    h_t = o tanh(c_t) (Hochreiter and Schmidhuber 1997; Gers 2000). The logit of death within
    five years is a linear function of the last layer's h at the last tile.
    Initialisation is PyTorch's: uniform within 1/sqrt(cells), two bias vectors a layer.
    """

    def __init__(
        self,
        n_features: int,
        units: list[int],
        dropout: float,
        centre: torch.Tensor | float = 0.0,
        inverse_sd: torch.Tensor | float = 1.0,
    ) -> None:
        super().__init__()
        self.register_buffer("centre", torch.as_tensor(centre))
        self.register_buffer("inverse_sd", torch.as_tensor(inverse_sd))
        widths = [n_features, *units]
        self.layers = nn.ModuleList(
            nn.LSTM(before, cells) for before, cells in zip(widths, units, strict=False)
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(units[-1], 1)

    def forward(self, spots: PackedSequence) -> torch.Tensor:
        """Logit per spot, (n_spots,); sequences may differ in length."""
        scaled = (spots.data - self.centre).mul_(self.inverse_sd)
        hidden = spots._replace(data=self.dropout(scaled))
        for layer in self.layers:
            hidden, (last, _) = layer(hidden)
        return self.output(self.dropout(last[0])).squeeze(1)

    def penalised(self, which: Penalised) -> Iterator[torch.Tensor]:
        """Weight matrices that the L1 and L2 terms are summed over, biases never."""
        for layer in self.layers:
            if which in ("recurrent", "both"):
                yield layer.weight_hh_l0
            if which in ("input", "both"):
                yield layer.weight_ih_l0


def penalty(network: RecurrentRisk, which: Penalised, l1: float, l2: float) -> torch.Tensor:
    """Terms added to the error: l1 times the sum of absolute weights, l2 times that of squares."""
    terms = [
        l1 * weight.abs().sum() + l2 * weight.square().sum() for weight in network.penalised(which)
    ]
    return torch.stack(terms).sum() if terms else torch.zeros(())
