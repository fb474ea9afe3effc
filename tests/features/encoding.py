"""Encoders by name, and pixels as their libraries want them."""

import torch
import torchvision
from safetensors.torch import load_file

from histosurv.features.encoders import Encoder
from histosurv.features.weights import prepare_weights

CPU = torch.device("cpu")


def encoder_of(name, source, folder, **kwargs):
    path = folder / "encoder.safetensors"
    prepare_weights(name, str(source), path, seed=1)
    return Encoder(path, CPU, precision="fp32", **kwargs)


def torchvisions_vgg16(path):
    """The network as torchvision has it, with the weights of a file; none are drawn before."""
    with torch.device("meta"):
        model = torchvision.models.vgg16(weights=None, init_weights=False)
    model.load_state_dict(load_file(path), assign=True)
    return model.eval()


def normalised(tiles, header):
    light = tiles.permute(0, 3, 1, 2).float() / 255
    how = {key: header["preprocessing"][key] for key in ("mean", "std")}
    return torchvision.transforms.functional.normalize(light, **how)
