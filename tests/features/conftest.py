"""A small encoder, so that the way to the features can be tested in seconds."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from histosurv.features.encoders import Encoder
from histosurv.features.extract import extract
from histosurv.features.weights import prepare_weights
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.tile_table import tabulate


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "encoder.safetensors"
    prepare_weights("torchvision/mobilenet_v3_small", "random", path, seed=3)
    return path


@pytest.fixture(scope="session")
def small_encoder(small_weights):
    return Encoder(small_weights, torch.device("cpu"), precision="fp32")


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """Five spots of 1100 px, each with tissue and a corner of pure white."""
    folder = tmp_path_factory.mktemp("cohort")
    rows = []
    for number in range(5):
        rng = np.random.default_rng(number)
        pixels = rng.normal((190, 120, 170), 25, (1100, 1100, 3)).clip(0, 255).astype(np.uint8)
        pixels[655:] = 255
        Image.fromarray(pixels).save(folder / f"spot_{number}.png", compress_level=1)
        image = str(folder / f"spot_{number}.png")
        rows.append({"spot_id": f"spot_{number}", "patient_id": "p", "image": image})
    return pd.DataFrame(rows)


@pytest.fixture(scope="session")
def run():
    """Tile some spots and encode them: index, throughput, tiles."""

    def run(spots, encoder, store, settings=None, **kwargs):
        settings = SpotSettings.of(settings or {})
        done = tabulate(spots, settings)
        index, times = extract(done.spots, done.tiles, encoder, store, settings, **kwargs)
        return index, times.iloc[0], done.tiles

    return run


@pytest.fixture(scope="module")
def tiles():
    draw = np.random.default_rng(0)
    return torch.from_numpy(draw.integers(0, 256, (3, 224, 224, 3), dtype=np.uint8))
