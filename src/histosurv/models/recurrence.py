"""An LSTM layer on the CPU whose product with the input is taken in bf16, all at once.

PyTorch's layer takes it in the precision of its weights, and in bf16 slower than in single
precision. So the product is taken apart from the steps, and these are our own: in single precision,
gates worked on in place, the recurrent matrix's gradient as one product for all steps.
"""

import torch
from torch import nn
from torch.autograd.function import FunctionCtx
from torch.nn.utils.rnn import PackedSequence


class Lstm(nn.LSTM):
    """PyTorch's layer, and with an input in bf16 on the CPU the same by steps of our own.

    Attributes
    ----------
    takes_projection : bool
        The input is not tiles but what `project` made of them, so that one product serves many
        sequences of the same tiles.
    """

    takes_projection = False

    def project(self, tiles: torch.Tensor) -> torch.Tensor:
        """Product with the input, (n_tiles, 4 cells) in single precision."""
        weight = self.weight_ih_l0.to(tiles.dtype)
        return (tiles @ weight.T).float() + (self.bias_ih_l0 + self.bias_hh_l0)

    def forward(self, tiles: PackedSequence) -> tuple[PackedSequence, tuple[torch.Tensor, ...]]:
        """States at all tiles, (n_tiles, cells) packed, and those at the ends of the sequences.

        The second is (state, cells), as PyTorch gives it, or the state alone.
        """
        is_low = tiles.data.dtype == torch.bfloat16
        if self.bidirectional or not (is_low or self.takes_projection):
            return super().forward(tiles)
        projected = tiles.data if self.takes_projection else self.project(tiles.data)
        states = _Steps.apply(projected, self.weight_hh_l0, tiles.batch_sizes)
        ends = states[last_places(tiles.batch_sizes)]
        if tiles.unsorted_indices is not None:
            ends = ends[tiles.unsorted_indices]
        return tiles._replace(data=states), (ends[None],)


def last_places(sizes: torch.Tensor) -> torch.Tensor:
    """Where the last tile of each sequence is in packed data, longest sequence first."""
    starts = sizes.cumsum(0) - sizes
    lengths = (sizes[None, :] > torch.arange(int(sizes[0]))[:, None]).sum(dim=1)
    return starts[lengths - 1] + torch.arange(len(lengths))


class _Steps(torch.autograd.Function):
    """States of an LSTM from the projected input: the equations of `RecurrentRisk`."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, projected: torch.Tensor, recurrent: torch.Tensor, sizes: torch.Tensor
    ) -> torch.Tensor:
        """(n_tiles, cells) from (n_tiles, 4 cells), in PyTorch's order of gates: i, f, g, o."""
        n = recurrent.shape[1]
        gates = projected.clone()
        across = recurrent.T.contiguous()
        states, cells = gates.new_empty(len(gates), n), gates.new_empty(len(gates), n)
        before = slice(0, 0)
        for at in _slices(sizes):
            gate, size = gates[at], at.stop - at.start
            if before.stop:
                gate.addmm_(states[before][:size], across)
            gate[:, : 2 * n].sigmoid_()
            gate[:, 2 * n : 3 * n].tanh_()
            gate[:, 3 * n :].sigmoid_()
            cell = torch.mul(gate[:, :n], gate[:, 2 * n : 3 * n], out=cells[at])
            if before.stop:
                cell.addcmul_(gate[:, n : 2 * n], cells[before][:size])
            torch.tanh(cell, out=states[at]).mul_(gate[:, 3 * n :])
            before = at
        ctx.save_for_backward(gates, states, cells, recurrent, sizes)
        return states

    @staticmethod
    def backward(
        ctx: FunctionCtx, from_above: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Gradients of the projected input and of the recurrent matrix."""
        gates, states, cells, recurrent, sizes = ctx.saved_tensors
        n, places = recurrent.shape[1], _slices(sizes)
        i, f, g, o = gates.split(n, dim=1)
        first = int(sizes[0])
        earlier = _earlier(sizes)  # the same sequence's place one tile before
        bent = cells.tanh()
        # What each gate's sum changes, per unit of change of the state (o) or the cell (i, f, g).
        of_state = bent * o * (1 - o)
        to_cell = o * (1 - bent.square_())
        of_cell = torch.empty_like(gates[:, : 3 * n])
        torch.mul(g * i, 1 - i, out=of_cell[:, :n])
        of_cell[:first, n : 2 * n] = 0
        torch.mul(cells[earlier] * f[first:], 1 - f[first:], out=of_cell[first:, n : 2 * n])
        torch.mul(i, 1 - g * g, out=of_cell[:, 2 * n :])
        change = torch.empty_like(gates)
        state, cell = states.new_zeros(first, n), states.new_zeros(first, n)
        for at in reversed(places):
            size = at.stop - at.start
            d_state, d_cell = state[:size].add_(from_above[at]), cell[:size]
            torch.mul(d_state, of_state[at], out=change[at, 3 * n :])
            d_cell.addcmul_(d_state, to_cell[at])
            torch.mul(
                d_cell[:, None, :],
                of_cell[at].view(size, 3, n),
                out=change[at, : 3 * n].unflatten(1, (3, n)),
            )
            d_cell.mul_(f[at])
            torch.mm(change[at], recurrent, out=d_state)
        return change, change[first:].T @ states[earlier], None


def _slices(sizes: torch.Tensor) -> list[slice]:
    """Where the tiles of each step are in packed data."""
    ends = sizes.cumsum(0).tolist()
    return [slice(end - size, end) for end, size in zip(ends, sizes.tolist(), strict=True)]


def _earlier(sizes: torch.Tensor) -> torch.Tensor:
    """For every tile but the first ones, the place of its predecessor in packed data."""
    starts = sizes.cumsum(0) - sizes
    later = torch.arange(int(sizes[0]), int(sizes.sum()))
    step = torch.repeat_interleave(torch.arange(1, len(sizes)), sizes[1:])
    return later - starts[step] + starts[step - 1]
