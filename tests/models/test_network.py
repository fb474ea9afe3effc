import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from histosurv.models.network import RecurrentRisk, penalty


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_lstm(layer, sequence):
    """The equations of the docstring, one tile after another."""
    w, r = layer.weight_ih_l0.detach().numpy(), layer.weight_hh_l0.detach().numpy()
    bias = layer.bias_ih_l0.detach().numpy() + layer.bias_hh_l0.detach().numpy()
    h = c = np.zeros(r.shape[1])
    outputs = []
    for x in sequence:
        i, f, g, o = np.split(w @ x + r @ h + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def test_the_studys_network_has_the_published_number_of_weights():
    network = RecurrentRisk(4096, [264, 128, 64], 0.05)
    n_weights = sum(weight.numel() for weight in network.parameters())
    assert n_weights == 4_857_729  # 4,855,905 with one bias per layer, 1,824 more with two


def test_network_follows_the_lstm_equations_also_for_sequences_of_unequal_length():
    torch.manual_seed(0)
    network = RecurrentRisk(5, [4, 3], 0.5).eval()
    rng = np.random.default_rng(0)
    spots = [rng.standard_normal((n, 5)).astype(np.float32) for n in (6, 1, 9)]
    packed = pack_sequence([torch.from_numpy(spot) for spot in spots], enforce_sorted=False)
    logits = network(packed).detach().numpy()
    for spot, logit in zip(spots, logits, strict=True):
        hidden = spot
        for layer in network.layers:
            hidden = plain_lstm(layer, hidden)
        weight, bias = (p.detach().numpy() for p in network.output.parameters())
        assert logit == pytest.approx((weight @ hidden[-1] + bias)[0], rel=1e-4, abs=1e-6)


def test_penalty_sums_the_named_matrices_of_every_layer():
    network = RecurrentRisk(2, [3, 2], 0.0)
    with torch.no_grad():
        for layer in network.layers:
            layer.weight_hh_l0.fill_(-0.5)
            layer.weight_ih_l0.fill_(2.0)
    n_recurrent, n_input = 4 * 3 * 3 + 4 * 2 * 2, 4 * 3 * 2 + 4 * 2 * 3
    recurrent = n_recurrent * (0.1 * 0.5 + 0.01 * 0.25)
    inputs = n_input * (0.1 * 2 + 0.01 * 4)
    for which, expected in (
        ("recurrent", recurrent), ("input", inputs), ("both", recurrent + inputs), ("none", 0)
    ):  # fmt: skip
        assert penalty(network, which, 0.1, 0.01).item() == pytest.approx(expected, rel=1e-5)


def test_dropout_is_at_the_input_and_before_the_output():
    torch.manual_seed(0)
    network = RecurrentRisk(400, [8, 400], 0.25).train()
    seen = {}
    for name, module in (("input", network.layers[0]), ("output", network.output)):
        module.register_forward_hook(lambda _, given, __, name=name: seen.update({name: given[0]}))
    network(pack_sequence([torch.ones(30, 400)]))
    for values in (seen["input"].data, seen["output"]):
        n = values.numel()
        error = (0.25 * 0.75 / n) ** 0.5
        assert (values == 0).float().mean().item() == pytest.approx(0.25, abs=5 * error)
