"""The study's recurrent network and its family: layers over the tiles of a spot, then a readout."""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from histosurv.errors import InputError
from histosurv.models.layers import Attention, Dropout, of_valid
from histosurv.models.recurrence import Lstm

Cell = Literal["lstm", "gru", "rnn"]
Readout = Literal["last", "mean", "attention"]
Normalisation = Literal["none", "batch", "layer"]
Penalised = Literal["recurrent", "input", "both", "none"]

_LAYERS = {"lstm": Lstm, "gru": nn.GRU, "rnn": nn.RNN}
_NORMS = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class RecurrentRisk(nn.Module):
    """A stack of recurrent layers with one readout.

    Parameters
    ----------
    n_features : int
        Width of a tile's feature vector.
    n_outputs : int
        Numbers per sequence: one logit, or one per time interval.
    cell : {'lstm', 'gru', 'rnn'}
        Kind of every layer.
    units : list of int
        Cells of each layer and direction; the study's are 264, 128, 64.
    bidirectional : bool
        Read the tiles in both directions and lay the two states side by side.
    readout : {'last', 'mean', 'attention'}
        Last state (of the backward direction: that at the first tile), mean of the states of all
        tiles, or their sum weighted by additive attention.
    normalisation : {'none', 'batch', 'layer'}
        Between the layers, over the tiles of the batch or over the cells of a tile.
    dropout : float
        Share of values dropped at the input and after the readout.

    Notes
    -----
    With sigmoid s, input x_t, state h_t and cell c_t of a layer at tile t, products of gates
    taken number by number:

    LSTM (Hochreiter and Schmidhuber 1997; Gers 2000)
        i, f, o = s(W x_t + b + R h_(t-1) + d), g = tanh(W x_t + b + R h_(t-1) + d),
        c_t = f c_(t-1) + i g, h_t = o tanh(c_t)
    GRU (Cho 2014, reset after the product)
        r, z = s(W x_t + b + R h_(t-1) + d), n = tanh(W x_t + b + r (R h_(t-1) + d)),
        h_t = (1 - z) n + z h_(t-1)
    RNN (Elman 1990)
        h_t = tanh(W x_t + b + R h_(t-1) + d)

    Every gate has matrices W (cells, n_in) and R (cells, cells) and vectors b, d of its own. W x_t
    is one product for all tiles of a batch. Initialisation is PyTorch's: uniform within
    1/sqrt(cells).
    """

    def __init__(
        self,
        n_features: int,
        n_outputs: int = 1,
        *,
        cell: Cell = "lstm",
        units: list[int],
        bidirectional: bool = False,
        readout: Readout = "last",
        normalisation: Normalisation = "none",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        widths = [n_features, *(directions * cells for cells in units)]
        self.cell = cell
        self.layers = nn.ModuleList(
            _LAYERS[cell](before, cells, bidirectional=bidirectional)
            for before, cells in zip(widths, units, strict=False)
        )
        self.norms = nn.ModuleList(
            _NORMS[normalisation](width) if normalisation != "none" else nn.Identity()
            for width in widths[1:-1]
        )
        self.dropout = Dropout(dropout)
        self.readout = readout
        self.attention = Attention(widths[-1], gated=False) if readout == "attention" else None
        self.output = nn.Linear(widths[-1], n_outputs)

    def forward(self, tiles: PackedSequence) -> torch.Tensor:
        """Outputs per sequence, (n_sequences, n_outputs); sequences may differ in length."""
        states, last = self._states(tiles)
        return self.output(self.dropout(self.read(states, last)))

    def tile_weights(self, tiles: PackedSequence) -> list[torch.Tensor] | None:
        """Share of each tile in the readout, (n_tiles,) per sequence; None without attention."""
        if self.attention is None:
            return None
        states, lengths = pad_packed_sequence(self._states(tiles)[0], batch_first=True)
        weights = self.attention.weights(states, of_valid(lengths, states))
        return [row[:n] for row, n in zip(weights, lengths, strict=True)]

    def penalised(self, which: Penalised) -> Iterator[torch.Tensor]:
        """Weight matrices that the L1 and L2 terms are summed over, biases never."""
        kinds = {"recurrent": ("weight_hh",), "input": ("weight_ih",), "none": ()}
        kinds["both"] = kinds["recurrent"] + kinds["input"]
        for layer in self.layers:
            for name, weight in layer.named_parameters():
                if name.startswith(kinds[which]):
                    yield weight

    def _states(self, tiles: PackedSequence) -> tuple[PackedSequence, torch.Tensor]:
        """States of the last layer at all tiles, and the last ones, (n_sequences, width)."""
        hidden = tiles._replace(data=self.dropout(tiles.data))
        for number, layer in enumerate(self.layers):
            if number:
                hidden = hidden._replace(data=self._normalised(number - 1, hidden.data))
            hidden, ends = layer(hidden)
        last = ends[0] if self.cell == "lstm" else ends
        return hidden, torch.cat(tuple(last), dim=1)

    def _normalised(self, number: int, states: torch.Tensor) -> torch.Tensor:
        norm = self.norms[number]
        if self.training and len(states) == 1 and isinstance(norm, nn.BatchNorm1d):
            raise InputError(
                "models: lstm: normalisation: batch needs more than one tile in a batch; raise "
                "batch_patients, or set layer"
            )
        return norm(states)

    def read(self, states: PackedSequence, last: torch.Tensor) -> torch.Tensor:
        """What the readout takes from the last layer, (n_sequences, width)."""
        if self.readout == "last":
            return last
        padded, lengths = pad_packed_sequence(states, batch_first=True)
        valid = of_valid(lengths, padded)
        if self.attention is None:
            return padded.sum(dim=1) / valid.sum(dim=1, keepdim=True)  # padding is zero
        return (self.attention.weights(padded, valid).unsqueeze(2) * padded).sum(dim=1)


class AttentionRisk(nn.Module):
    """Gated attention over tiles in any order (Ilse, Tomczak and Welling 2018).

    Parameters
    ----------
    n_features, n_outputs, dropout
        As in `RecurrentRisk`.
    width : int
        Of a tile after the first, fully connected layer.

    Notes
    -----
    e_t = relu(E x_t + b), a = softmax over t of w (tanh(V e_t + c) s(U e_t + d)), output = linear
    function of the sum of a_t e_t. The order of tiles does not matter, nor does a tile's place.
    As in `histosurv.models.recurrence.Lstm`, ``takes_projection`` says that the input is what
    `project` made of the tiles.
    """

    takes_projection = False

    def __init__(
        self,
        n_features: int,
        n_outputs: int = 1,
        *,
        width: int = 256,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Linear(n_features, width)
        self.attention = Attention(width, gated=True)
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(width, n_outputs)

    def forward(self, tiles: PackedSequence) -> torch.Tensor:
        """Outputs per sequence, (n_sequences, n_outputs)."""
        embedded, valid, _ = self._embed(tiles)
        weights = self.attention.weights(embedded, valid)
        return self.output(self.dropout((weights.unsqueeze(2) * embedded).sum(dim=1)))

    def tile_weights(self, tiles: PackedSequence) -> list[torch.Tensor]:
        """Share of each tile, one (n_tiles,) per sequence."""
        embedded, valid, lengths = self._embed(tiles)
        weights = self.attention.weights(embedded, valid)
        return [row[:n] for row, n in zip(weights, lengths, strict=True)]

    def penalised(self, which: Penalised) -> Iterator[torch.Tensor]:
        """The embedding's matrix, where input matrices are penalised; nothing is recurrent here."""
        if which in ("input", "both"):
            yield self.embedding.weight

    def project(self, tiles: torch.Tensor) -> torch.Tensor:
        """Vectors e_t of tiles, (n_tiles, width) in single precision."""
        weight = self.embedding.weight
        return ((tiles @ weight.to(tiles.dtype).T).to(weight.dtype) + self.embedding.bias).relu()

    def _embed(self, tiles: PackedSequence) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        data = tiles.data
        if not self.takes_projection:
            data = self.project(self.dropout(data))
        padded, lengths = pad_packed_sequence(tiles._replace(data=data), batch_first=True)
        return padded, of_valid(lengths, padded), lengths


def penalty(
    network: RecurrentRisk | AttentionRisk, which: Penalised, l1: float, l2: float
) -> torch.Tensor:
    """Terms added to the error: l1 times the sum of absolute weights, l2 times that of squares."""
    terms = [
        l1 * weight.abs().sum() + l2 * weight.square().sum() for weight in network.penalised(which)
    ]
    return torch.stack(terms).sum() if terms else torch.zeros(())
