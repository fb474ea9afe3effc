"""Encoders by name, and pixels as their libraries want them."""

import torch
import torchvision

from histosurv.features.encoders import Encoder
from histosurv.features.weights import prepare_weights

CPU = torch.device("cpu")


def encoder_of(name, source, folder, **kwargs):
    path = folder / "encoder.safetensors"
    prepare_weights(name, str(source), path, seed=1)
    return Encoder(path, CPU, precision="fp32", **kwargs)


def normalised(tiles, header):
    light = tiles.permute(0, 3, 1, 2).float() / 255
    how = {key: header["preprocessing"][key] for key in ("mean", "std")}
    return torchvision.transforms.functional.normalize(light, **how)
