from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from histosurv.errors import InputError
from histosurv.features import extract as extraction
from histosurv.features.encoders import Encoder
from histosurv.features.extract import _distinct, _groups, extract
from histosurv.features.store import read_features, read_recipe
from histosurv.publish import write_table
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.tile_table import read_quality, read_tiles, tabulate


def contents(store):
    return {path.name: path.read_bytes() for path in store.glob("*.h5")}


@pytest.fixture(scope="module")
def undisturbed(cohort, small_encoder, run, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    index, times, _ = run(cohort, small_encoder, store)
    return store, index, times


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_any_number_of_threads_gives_the_same_bytes(
    undisturbed, cohort, small_encoder, run, tmp_path, threads
):
    index, _, _ = run(cohort, small_encoder, tmp_path, threads=threads)
    assert contents(tmp_path) == contents(undisturbed[0])
    assert index.equals(undisturbed[1])


def test_any_order_and_any_cut_into_batches_gives_the_same_bytes(
    undisturbed, cohort, small_encoder, run, tmp_path
):
    for some in (cohort.iloc[[4, 1]], cohort.iloc[[3]], cohort.iloc[::-1]):
        run(some, small_encoder, tmp_path, threads=2)
    assert contents(tmp_path) == contents(undisturbed[0])


def test_a_bad_neighbour_in_the_batch_changes_no_byte(undisturbed, cohort, small_encoder, tmp_path):
    # Through the files, as the workflow does: a gap turns a column of whole numbers into others.
    (tmp_path / "bad.png").write_bytes(b"no picture")
    bad = {"spot_id": "bad", "patient_id": "p", "image": str(tmp_path / "bad.png")}
    settings = SpotSettings()
    done = tabulate(pd.concat([cohort, pd.DataFrame([bad])], ignore_index=True), settings)
    write_table(done.spots, tmp_path / "quality.csv")
    write_table(done.tiles, tmp_path / "tiles.csv")
    spots, tiles = read_quality(tmp_path / "quality.csv"), read_tiles(tmp_path / "tiles.csv")
    index, _ = extract(spots, tiles, small_encoder, tmp_path, settings)
    assert index["status"].tolist() == ["done"] * 5 + ["excluded"]
    assert contents(tmp_path) == contents(undisturbed[0])


def test_an_interrupted_job_goes_on_where_it_was(
    undisturbed, cohort, small_encoder, run, tmp_path, monkeypatch
):
    writes = []

    def fail_at_third(path, *args, **kwargs):
        writes.append(path)
        if len(writes) == 3:
            raise KeyboardInterrupt
        real(path, *args, **kwargs)

    real = extraction.write_features
    monkeypatch.setattr(extraction, "write_features", fail_at_third)
    with pytest.raises(KeyboardInterrupt):
        run(cohort, small_encoder, tmp_path)
    monkeypatch.undo()
    n_done = len(contents(tmp_path))
    assert 2 <= n_done < 5
    _, times, _ = run(cohort, small_encoder, tmp_path)
    assert (times["spots"], times["taken_over"]) == (5 - n_done, n_done)
    assert contents(tmp_path) == contents(undisturbed[0])


def test_blank_tiles_are_encoded_once(undisturbed):
    store, _, times = undisturbed
    assert times["tiles"] == 5 * 25
    assert times["distinct_tiles"] == 5 * 16  # the two lowest rows of five are white
    features = read_features(store / "spot_0.h5")
    assert len(np.unique(features[15:], axis=0)) == 1
    assert len(np.unique(features, axis=0)) == 16


def test_equal_tiles_are_told_by_their_content():
    tiles = np.zeros((5, 4, 4, 3), np.uint8)
    tiles[1], tiles[3] = 7, 7
    tiles[4, 0, 0, 0] = 1
    firsts, places = _distinct(tiles, np.zeros(5, bool))
    assert (firsts, places.tolist()) == ([0, 1, 4], [0, 1, 0, 1, 2])
    firsts, places = _distinct(tiles, np.array([False, True, False, False, True]))
    assert (firsts, places.tolist()) == ([0, 1, 3], [0, 1, 0, 2, 1])


def test_glass_may_be_encoded_once_a_spot(cohort, small_encoder, run, tmp_path):
    noisy = np.asarray(Image.open(cohort["image"][0])).astype(int)
    noisy[655:] = 240 + np.random.default_rng(0).integers(-2, 3, noisy[655:].shape)
    Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / "a.png")
    spots = pd.DataFrame({"spot_id": ["a"], "patient_id": ["p"], "image": str(tmp_path / "a.png")})
    _, times, _ = run(spots, small_encoder, tmp_path / "keep")
    assert times["distinct_tiles"] == 25
    _, times, tiles = run(spots, small_encoder, tmp_path / "once", {"background": "once"})
    is_glass = tiles["keep"].to_numpy() == 0
    assert times["distinct_tiles"] == (~is_glass).sum() + 1
    each, once = (read_features(tmp_path / name / "a.h5") for name in ("keep", "once"))
    assert np.allclose(each[~is_glass], once[~is_glass], atol=1e-5)
    assert (once[is_glass] == once[is_glass][0]).all()
    assert np.allclose(once[is_glass][0], each[is_glass][0], atol=1e-5)


def test_groups_keep_to_one_spot_or_fill_up_and_lose_nothing():
    def cut_of(n, first):
        return extraction.Cut("", None, {}, np.empty(0), torch.arange(first, first + n))

    for packs, sizes in ((False, [4, 4, 2, 3, 1]), (True, [4, 4, 4, 2])):
        cuts = [cut_of(10, 0), cut_of(3, 10), cut_of(1, 13)]
        groups = list(_groups(cuts, 4, packs=packs))
        assert [sum(len(tiles) for _, tiles in group) for group in groups] == sizes
        assert torch.cat([t for group in groups for _, t in group]).tolist() == list(range(14))
        assert packs or all(len(group) == 1 for group in groups)


def test_spots_that_share_a_group_get_their_own_features(
    undisturbed, cohort, small_weights, run, tmp_path
):
    packing = Encoder(small_weights, torch.device("cpu"), precision="fp32")
    packing.packs_spots = True
    run(cohort, packing, tmp_path)
    for name in contents(tmp_path):
        ours = read_features(tmp_path / name)
        assert np.allclose(ours, read_features(undisturbed[0] / name), atol=1e-5)


def test_a_picture_exchanged_after_tiling_is_noticed(cohort, small_encoder, tmp_path):
    settings = SpotSettings()
    done = tabulate(cohort.iloc[[0]], settings)
    Image.new("RGB", (900, 900), (200, 120, 180)).save(tmp_path / "other.png")
    spots = done.spots.assign(image=str(tmp_path / "other.png"))
    for table in (spots, spots.assign(x=0, y=0, width=900, height=900)):
        with pytest.raises(InputError, match=r"other\.png"):
            extract(table, done.tiles, small_encoder, tmp_path, settings)
    assert not contents(tmp_path)


def test_a_picture_replaced_while_it_is_read_is_noticed(
    cohort, small_encoder, tmp_path, monkeypatch
):
    image = tmp_path / "a.png"
    image.write_bytes(Path(cohort["image"][0]).read_bytes())
    settings = SpotSettings()
    done = tabulate(cohort.iloc[[0]].assign(image=str(image)), settings)

    def replace_then_cut(*args):
        image.write_bytes(Path(cohort["image"][1]).read_bytes() + b" ")
        return real(*args)

    real = extraction.encoded_tiles
    monkeypatch.setattr(extraction, "encoded_tiles", replace_then_cut)
    with pytest.raises(InputError, match="was replaced while it was read"):
        extract(done.spots, done.tiles, small_encoder, tmp_path, settings)
    assert not contents(tmp_path)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("CUDA error: out of memory"),  # where others fill the card
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes"),
    ],
)
def test_full_memory_halves_the_batch_and_says_so(small_weights, error, capsys):
    encoder = Encoder(small_weights, torch.device("cpu"), precision="fp32")
    whole, trunk, sizes = encoder._network, encoder._network.trunk, []

    class Narrow(torch.nn.Module):
        def forward(self, tiles):
            if len(tiles) > room:
                raise error
            sizes.append(len(tiles))
            return trunk(tiles)

    room = 8
    tiles = torch.randint(0, 256, (20, 224, 224, 3), dtype=torch.uint8)
    encoder._slice_tiles = 32
    expected = encoder.encode([tiles])
    whole.trunk, room = Narrow(), 8
    features = encoder.encode([tiles[:7], tiles[7:]])
    assert torch.allclose(features, expected, atol=1e-5)
    assert sizes == [8, 8, 4]
    assert encoder.recipe["batch"].endswith("8 at once")  # other sums, another recipe
    assert "8 tiles at once" in capsys.readouterr().err
    room = 0
    with pytest.raises(InputError, match="not enough free memory for the encoder; free some"):
        encoder.encode([tiles])
    whole.trunk = trunk


def test_a_network_that_memory_does_not_hold_is_no_matter_of_the_tiles(small_weights, monkeypatch):
    def full(*args, **kwargs):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(InputError, match="this machine has not enough free memory"):
        Encoder(small_weights, torch.device("cpu"))


def test_tables_of_two_batches_are_refused(cohort, small_encoder, tmp_path):
    settings = SpotSettings()
    first, second = (tabulate(cohort.iloc[[number]], settings) for number in (0, 1))
    with pytest.raises(InputError, match="no tiles of spot 'spot_0' of --quality"):
        extract(first.spots, second.tiles, small_encoder, tmp_path, settings)


def test_features_may_be_kept_in_half_precision(undisturbed, cohort, small_encoder, run, tmp_path):
    run(cohort.iloc[[0]], small_encoder, tmp_path, dtype="float16")
    half, whole = read_features(tmp_path / "spot_0.h5"), read_features(undisturbed[0] / "spot_0.h5")
    assert read_recipe(tmp_path / "spot_0.h5")["stored"] == "float16"
    assert (tmp_path / "spot_0.h5").stat().st_size < 0.6 * (
        undisturbed[0] / "spot_0.h5"
    ).stat().st_size
    assert np.allclose(half, whole, rtol=1e-3, atol=1e-4)


def test_the_time_is_accounted_for(undisturbed):
    times = undisturbed[2]
    assert times["device"].startswith("CPU")
    assert times["precision"] == "fp32"
    assert 0 < times["decode_s"] < times["seconds"]
    assert times["compute_s"] + times["wait_s"] == pytest.approx(times["seconds"], abs=0.01)
    assert times["tiles_per_s"] == pytest.approx(125 / times["seconds"], rel=0.01)
