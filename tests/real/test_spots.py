"""Real spots at full size, real convolution weights."""

import os

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from tests.running import ROOT, output_of, run_quickly

from histosurv.features.encoders import Encoder
from histosurv.features.weights import prepare_weights
from histosurv.spots.reader import opened
from histosurv.spots.tiling import Geometry, frame

# Half a minute each; HISTOSURV_REAL_SPOTS=12 takes them all.
N_SPOTS = int(os.environ.get("HISTOSURV_REAL_SPOTS", "1"))


@pytest.fixture(scope="module")
def study(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spots")
    spots = pd.read_csv(real_data / "spots/spots.csv").head(N_SPOTS)
    spots["patient_id"] = spots["spot_id"]
    spots["image"] = [str(real_data / "spots" / name) for name in spots["image"]]
    spots.to_csv(folder / "spots.csv", index=False)
    # No outcome is known, and no rule of this run reads one. A table whose events are all equal is
    # refused, so one patient without a spot stands for the other kind.
    patients = pd.DataFrame({"patient_id": [*spots["spot_id"], "placeholder"]})
    patients.assign(time_months=80.0, event=[0] * len(spots) + [1]).to_csv(
        folder / "patients.csv", index=False
    )
    weights = real_data / "weights/vgg16_conv_imagenet_fp16.pth"
    (folder / weights.name).symlink_to(weights)
    run = run_quickly(
        folder,
        "results/development/features/batches/0000.csv",
        config_file=ROOT / "tests/real/spots.yaml",
    )
    assert run.returncode == 0, output_of(run)
    return folder / "results/development"


def test_every_spot_has_256_tiles_of_4096_features(study):
    index = pd.read_csv(study / "features/batches/0000.csv")
    assert len(index) == N_SPOTS
    for name in index["file"]:
        with h5py.File(study / "features" / name) as file:
            features = file["features"][:]
            assert features.shape == (256, 4096)
            assert (file["coords"][:] == frame((3500, 3500), Geometry()).corners).all()
            assert "random" in file.attrs["recipe"]  # the fully connected layers, and it says so
        assert (features >= 0).all()
        assert features.std(axis=0).max() > 0


def test_corners_of_a_round_spot_are_glass_and_its_middle_is_tissue(study):
    tiles = pd.read_csv(study / "spots/0000.csv")
    for _, spot in tiles.groupby("spot_id"):
        keep = spot["keep"].to_numpy().reshape(16, 16)
        assert keep[[0, 0, -1, -1], [0, -1, 0, -1]].sum() == 0
        assert keep[6:10, 6:10].mean() > 0.9
        assert 0.6 < keep.mean() < 0.95  # a disc fills 79 % of its square


def pool5_of(path, pixels):
    """Output of the convolutions of a weights file, in the order height, width, channel."""
    encoder = Encoder(path, torch.device("cpu"), precision="fp32")
    light = pixels if pixels.is_floating_point() else encoder._light(pixels[None])
    with torch.inference_mode():
        return encoder._network.trunk[0](light)[0].permute(1, 2, 0).reshape(-1).numpy()


@pytest.fixture(scope="module", params=["reference_tile", "reference_cat"])
def reference(real_data, request):
    with np.load(real_data / "weights" / f"{request.param}.npz") as file:
        return dict(file)


def test_convolutions_give_the_published_activations(real_data, tmp_path, reference):
    path = tmp_path / "encoder.safetensors"
    prepare_weights("vgg16", str(real_data / "weights/vgg16_conv_imagenet_fp16.pth"), path, seed=0)
    shifted = torch.from_numpy(reference["input"] + reference["shift"][:, None, None])[None]
    found = pool5_of(path, shifted)
    assert np.abs(found - reference["pool5"]).max() < 1.1 * reference["max_abs_diff_shifted"]
    found = pool5_of(path, torch.from_numpy(reference["rgb"]))
    assert np.abs(found - reference["pool5"]).max() < reference["atol"]


def test_weights_in_caffes_convention_give_the_published_activations(
    real_data, tmp_path, reference
):
    state = torch.load(real_data / "weights/vgg16_conv_imagenet_fp16.pth", weights_only=True)
    first = (
        state["features.0.weight"].float()
        / (255 * torch.tensor([0.229, 0.224, 0.225]))[:, None, None]
    )
    # As Keras and Caffe keep them: blue, green, red in 0..255.
    torch.save(state | {"features.0.weight": first.flip(1)}, tmp_path / "caffe.pth")
    path = tmp_path / "encoder.safetensors"
    prepare_weights("vgg16", str(tmp_path / "caffe.pth"), path, convention="caffe", seed=0)
    found = pool5_of(path, torch.from_numpy(reference["rgb"]))
    assert np.abs(found - reference["pool5"]).max() < 1.1 * reference["max_abs_diff_shifted"]
    if reference["rgb"].std(axis=-1).max() > 0:  # not the grey one
        swapped = pool5_of(path, torch.from_numpy(reference["rgb"][..., ::-1].copy()))
        assert np.abs(swapped - reference["pool5"]).max() > 10


def test_bf16_is_close_on_pale_tiles_too(real_data, tmp_path):
    # Pixels normalised in bf16 are rounded to half a grey level: 4 % off on this tile, not 1 %.
    if not torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported():
        pytest.skip("this processor has no bf16")
    path = tmp_path / "encoder.safetensors"
    prepare_weights("vgg16", str(real_data / "weights/vgg16_conv_imagenet_fp16.pth"), path)
    with opened(str(real_data / "spots/spot_00_x90624_y6656.jpg")) as picture:
        x, y = (int(at) for at in frame(picture.size, Geometry()).corners[60])
        tile = torch.from_numpy(picture.read((x, y, 224, 224), (224, 224)).copy())[None]
    exact, rounded = (
        Encoder(path, torch.device("cpu"), precision=precision).encode([tile])
        for precision in ("fp32", "bf16")
    )
    assert (rounded - exact).norm() < 0.02 * exact.norm()
