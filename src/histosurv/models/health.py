"""Does the error reach the first tiles: gradients with respect to the states along a sequence."""

import pandas as pd
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from histosurv.models.layers import of_valid
from histosurv.models.losses import Loss, Targets, error
from histosurv.models.network import RecurrentRisk

_STEPS = {"lstm": torch.lstm_cell, "gru": torch.gru_cell, "rnn": torch.rnn_tanh_cell}


def gradient_norms(
    network: RecurrentRisk, tiles: PackedSequence, loss: Loss, of: Targets
) -> pd.DataFrame:
    """Norm of the error's gradient with respect to every state of every layer.

    Parameters
    ----------
    network : RecurrentRisk
        In evaluation mode.
    tiles : PackedSequence
        Sequences, each as if it were a patient's only one.
    loss, of
        The error and what each sequence is held against, as `histosurv.models.losses.error`.

    Returns
    -------
    pandas.DataFrame
        ``layer, direction, tile, norm, n``: Euclidean norm of d error / d h_t, what reaches h_t
        by way of later states included, mean over the n sequences that have that tile. The error
        is that of one sequence, so that norms do not depend on how many are looked at. Cox's
        error is none of a single sequence; there it is the gradient of the score.
    """
    outputs, states = step_by_step(network, tiles)
    what = outputs.sum() if loss == "cox" else error(loss, outputs, of) * len(outputs)
    what.backward()
    lengths = pad_packed_sequence(tiles)[1]
    rows = []
    for (layer, direction), steps in states.items():
        for tile, state in enumerate(steps):
            has_it = lengths > tile
            norm = state.grad[has_it].norm(dim=1).mean().item()
            rows.append((layer, direction, tile + 1, norm, int(has_it.sum())))
    network.zero_grad()
    return pd.DataFrame(rows, columns=["layer", "direction", "tile", "norm", "n"])


def step_by_step(
    network: RecurrentRisk, tiles: PackedSequence
) -> tuple[torch.Tensor, dict[tuple[int, str], list[torch.Tensor]]]:
    """The same outputs, one tile after another, slowly, with every state kept.

    Returns
    -------
    outputs : torch.Tensor
        (n_sequences, n_outputs).
    states : dict
        By layer (from 1) and direction (``forward``, ``backward``): at each tile the state
        (n_sequences, cells), which keeps its gradient.
    """
    padded, lengths = pad_packed_sequence(tiles)
    hidden = network.dropout(padded.to(network.output.weight.dtype))
    valid = of_valid(lengths, hidden.transpose(0, 1)).T[:, :, None]
    states, last = {}, []
    for number, layer in enumerate(network.layers):
        if number:
            packed = pack_padded_sequence(hidden, lengths, enforce_sorted=False)
            packed = packed._replace(data=network.norms[number - 1](packed.data))
            hidden = pad_packed_sequence(packed)[0]
        outputs, last = [], []
        for direction in ("forward", "backward") if layer.bidirectional else ("forward",):
            steps = _steps(network.cell, layer, hidden, valid, backward=direction == "backward")
            states[number + 1, direction] = steps
            outputs.append(torch.stack(steps) * valid)
            last.append(steps[0] if direction == "backward" else steps[-1])
        hidden = torch.cat(outputs, dim=2)
    packed = pack_padded_sequence(hidden, lengths, enforce_sorted=False)
    return network.output(network.read(packed, torch.cat(last, dim=1))), states


def _steps(
    cell: str, layer: nn.RNNBase, inputs: torch.Tensor, valid: torch.Tensor, *, backward: bool
) -> list[torch.Tensor]:
    """States of one direction of a layer at each tile; beyond a sequence's end they stand still."""
    suffix = "_l0_reverse" if backward else "_l0"
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = [getattr(layer, name + suffix) for name in names]
    state = memory = inputs.new_zeros((inputs.shape[1], layer.hidden_size))
    steps = []
    order = range(len(inputs))
    for tile in reversed(order) if backward else order:
        if cell == "lstm":
            new, cells = _STEPS[cell](inputs[tile], (state, memory), *weights)
            memory = torch.where(valid[tile], cells, memory)
        else:
            new = _STEPS[cell](inputs[tile], state, *weights)
        state = torch.where(valid[tile], new, state)
        state.retain_grad()
        steps.append(state)
    return steps[::-1] if backward else steps
