import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from histosurv.models.batches import Intake, pack
from histosurv.models.health import gradient_norms, step_by_step
from histosurv.models.losses import Targets
from histosurv.models.network import AttentionRisk, RecurrentRisk, penalty
from histosurv.models.recurrence import _Steps

AS_IT_IS = Intake(np.zeros(5, np.float32), np.ones(5, np.float32))
LENGTHS = (6, 1, 9)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain(cell, layer, sequence, suffix=""):
    """The equations of the docstring, one tile after another."""
    names = (f"{name}_l0{suffix}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    w, r, b, d = (getattr(layer, name).detach().numpy() for name in names)
    h = c = np.zeros(r.shape[1])
    outputs = []
    for x in sequence:
        if cell == "lstm":
            i, f, g, o = np.split(w @ x + b + r @ h + d, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        elif cell == "gru":
            (wr, wz, wn), (rr, rz, rn) = np.split(w @ x + b, 3), np.split(r @ h + d, 3)
            z = sigmoid(wz + rz)
            h = (1 - z) * np.tanh(wn + sigmoid(wr + rr) * rn) + z * h
        else:
            h = np.tanh(w @ x + b + r @ h + d)
        outputs.append(h)
    return np.array(outputs)


def sequences(seed=0, lengths=LENGTHS):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, 5)).astype(np.float32) for n in lengths]


def packed(spots):
    return pack([[spot] for spot in spots], AS_IT_IS)


def read_out(network, states):
    if network.readout == "last":
        n = network.layers[-1].hidden_size
        return np.concatenate([states[-1, :n], states[0, n:]])  # nothing of n: one direction
    if network.readout == "mean":
        return states.mean(axis=0)
    attention = network.attention
    v, c = (p.detach().numpy() for p in attention.projection.parameters())
    e = np.tanh(states @ v.T + c) @ attention.score.weight.detach().numpy()[0]
    share = np.exp(e) / np.exp(e).sum()
    return share @ states


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ["last", "mean", "attention"])
def test_network_follows_its_equations_also_for_sequences_of_unequal_length(
    cell, bidirectional, readout
):
    torch.manual_seed(0)
    network = RecurrentRisk(
        5, 2, cell=cell, units=[4, 3], bidirectional=bidirectional, readout=readout, dropout=0.5
    ).eval()
    spots = sequences()
    outputs = network(packed(spots)).detach().numpy()
    weight, bias = (p.detach().numpy() for p in network.output.parameters())
    for spot, output in zip(spots, outputs, strict=True):
        hidden = spot
        for layer in network.layers:
            both = [plain(cell, layer, hidden)]
            if bidirectional:
                both.append(plain(cell, layer, hidden[::-1], "_reverse")[::-1])
            hidden = np.concatenate(both, axis=1)
        expected = weight @ read_out(network, hidden) + bias
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-6)


def test_the_studys_network_has_the_published_number_of_weights():
    network = RecurrentRisk(4096, units=[264, 128, 64])
    n_weights = sum(weight.numel() for weight in network.parameters())
    assert n_weights == 4_857_729  # 4,855,905 with one bias per layer, 1,824 more with two


@pytest.mark.parametrize("lengths", [(4, 4, 4), LENGTHS, (1,)])
def test_our_own_steps_and_their_gradients_are_those_of_the_library(lengths):
    torch.manual_seed(0)
    layer = torch.nn.LSTM(5, 4).double()
    tiles = pack_sequence(
        [torch.from_numpy(spot).double() for spot in sequences(0, lengths)], enforce_sorted=False
    )
    projected = tiles.data @ layer.weight_ih_l0.T + layer.bias_ih_l0 + layer.bias_hh_l0
    ours = _Steps.apply(projected, layer.weight_hh_l0, tiles.batch_sizes)
    theirs = layer(tiles)[0].data
    assert torch.allclose(ours, theirs)
    direction = torch.randn_like(ours)
    weights = list(layer.parameters())
    for mine, their in zip(
        torch.autograd.grad((ours * direction).sum(), weights),
        torch.autograd.grad((theirs * direction).sum(), weights),
        strict=True,
    ):
        assert torch.allclose(mine, their)


@pytest.mark.parametrize("network", [RecurrentRisk(5, units=[8, 4]), AttentionRisk(5)])
def test_tiles_in_bf16_give_nearly_the_same(network):
    spots, low = sequences(), AS_IT_IS._replace(dtype=torch.bfloat16)
    expected = network.eval()(packed(spots))
    given = network(pack([[spot] for spot in spots], low))
    assert given.dtype == torch.float32
    assert torch.allclose(given, expected, atol=0.02)
    assert not torch.equal(given, expected)


def test_packing_is_the_librarys_with_scaling_and_parts_laid_together():
    spots = sequences()
    intake = Intake(np.full(5, 2, np.float32), np.full(5, 0.5, np.float32))
    ours = pack([[spots[0][:2], spots[0][2:]], [spots[1]], [spots[2]]], intake)
    scaled = [torch.from_numpy((spot - 2) * 0.5) for spot in spots]
    theirs = pack_sequence(scaled, enforce_sorted=False)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_attention_knows_no_order_and_its_shares_sum_to_one():
    torch.manual_seed(0)
    network = AttentionRisk(5, width=8).eval()
    spots = sequences()
    shuffled = [spot[np.random.default_rng(1).permutation(len(spot))] for spot in spots]
    assert torch.allclose(network(packed(spots)), network(packed(shuffled)), atol=1e-6)
    shares = network.tile_weights(packed(spots))
    assert [len(share) for share in shares] == list(LENGTHS)
    assert all(share.sum().item() == pytest.approx(1, abs=1e-5) for share in shares)
    # What padding might do to shorter sequences: the same alone.
    alone = network(packed(spots[1:2]))
    assert torch.allclose(network(packed(spots))[1:2], alone, atol=1e-6)
    recurrent = RecurrentRisk(5, units=[4], readout="attention").eval()
    assert [len(share) for share in recurrent.tile_weights(packed(spots))] == list(LENGTHS)
    assert RecurrentRisk(5, units=[4]).tile_weights(packed(spots)) is None


@pytest.mark.parametrize("which", ["batch", "layer"])
def test_normalisation_is_between_the_layers_and_sees_tiles_only(which):
    torch.manual_seed(0)
    network = RecurrentRisk(5, units=[4, 3], normalisation=which).train()
    seen = []
    network.layers[1].register_forward_hook(lambda _, given, __: seen.append(given[0].data))
    network(packed(sequences()))
    axis = 0 if which == "batch" else 1
    assert len(seen[0]) == sum(LENGTHS)  # no padding
    assert seen[0].mean(dim=axis).abs().max() < 1e-5
    assert torch.allclose(
        seen[0].std(dim=axis, unbiased=False), torch.ones(seen[0].shape[1 - axis]), atol=0.05
    )


def test_penalty_sums_the_named_matrices_of_every_layer():
    network = RecurrentRisk(2, units=[3, 2])
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
    network = RecurrentRisk(400, units=[8, 400], dropout=0.25).train()
    seen = {}
    for name, module in (("input", network.layers[0]), ("output", network.output)):
        module.register_forward_hook(lambda _, given, __, name=name: seen.update({name: given[0]}))
    tiles = pack_sequence([torch.ones(30, 400)])
    network(tiles)
    for values in (seen["input"].data, seen["output"]):
        n = values.numel()
        error_of_share = (0.25 * 0.75 / n) ** 0.5
        assert (values == 0).float().mean().item() == pytest.approx(0.25, abs=5 * error_of_share)
    kept = seen["input"].data
    np.testing.assert_allclose(kept.unique(), [0, 1 / 0.75])
    assert (tiles.data == 1).all()  # what came in is left alone
    rows = (kept == 0).float().mean(dim=1)
    assert rows.std().item() == pytest.approx((0.25 * 0.75 / 400) ** 0.5, rel=0.5)


def test_gradients_along_the_sequence_follow_the_chain_rule():
    torch.manual_seed(1)
    network = RecurrentRisk(5, cell="rnn", units=[1]).double().eval()
    tiles = packed(sequences()[2:])
    tiles = tiles._replace(data=tiles.data.double())
    one = torch.ones(1, dtype=torch.double)
    table = gradient_norms(network, tiles, "cross_entropy", Targets(one, one, one, one))
    states = plain("rnn", network.layers[0], sequences()[2])[:, 0]
    slope, bias = (p.item() for p in network.output.parameters())
    steps = network.layers[0].weight_hh_l0.item() * (1 - states**2)
    reached = (sigmoid(slope * states[-1] + bias) - 1) * slope  # d error / d last state
    expected = [abs(reached * np.prod(steps[tile + 1 :])) for tile in range(len(states))]
    np.testing.assert_allclose(table["norm"], expected, rtol=1e-6)
    assert table["tile"].tolist() == list(range(1, 10))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_gradients_are_counted_where_there_are_tiles_in_both_directions(cell):
    network = RecurrentRisk(5, cell=cell, units=[4, 3], bidirectional=True).eval()
    tiles = packed(sequences())
    outputs, _ = step_by_step(network, tiles)
    assert torch.allclose(outputs, network(tiles), atol=1e-6)
    ones = torch.ones(3)
    table = gradient_norms(network, tiles, "cross_entropy", Targets(ones, ones, ones, ones))
    assert table.groupby(["layer", "direction"]).ngroups == 4
    assert table.groupby("tile")["n"].first().tolist() == [3, *[2] * 5, *[1] * 3]
    assert (table["norm"] > 0).all()
    assert all(weight.grad is None for weight in network.parameters())
