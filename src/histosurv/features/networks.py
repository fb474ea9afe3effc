"""Networks that turn a tile into a vector, each under the name that the config gives it.

``vgg16``
    The study's; its layer can be chosen.
``torchvision/NAME``, ``timm/NAME``
    Any classifier of these libraries, cut before its last layer.
``hub/OWNER/NAME``
    A timm model of the Hugging Face hub, or a folder with its files.
a name in `SHORTCUTS`
    A pathology encoder of the hub that needs more than its name to be built.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import torch
import torchvision
from torch import nn

from histosurv.errors import InputError, did_you_mean

CLASSIFIER_LAYERS = {("fc1", "before"): 1, ("fc1", "after"): 2, ("fc2", "before"): 4}
CLASSIFIER_LAYERS["fc2", "after"] = 5  # fc1, ReLU, dropout, fc2, ReLU

_GATED_MLP = {"mlp_layer": "SwiGLUPacked", "act_layer": "SiLU"}


@dataclass(frozen=True)
class Shortcut:
    """What a published encoder needs, as its authors state it on the hub.

    Attributes
    ----------
    hub : str
        Owner and name.
    arguments : dict
        Beyond those of the hub's ``config.json``; layers by their names.
    pooling : {'', 'token+mean'}
        The library's own, or the class token beside the mean of the patch tokens.
    """

    hub: str
    arguments: dict = field(default_factory=dict)
    pooling: str = ""


SHORTCUTS = {
    "uni": Shortcut("MahmoodLab/UNI", {"init_values": 1e-5, "dynamic_img_size": True}),
    "uni2": Shortcut(
        "MahmoodLab/UNI2-h",
        {
            "img_size": 224,
            "patch_size": 14,
            "depth": 24,
            "num_heads": 24,
            "init_values": 1e-5,
            "embed_dim": 1536,
            "mlp_ratio": 2.66667 * 2,
            "no_embed_class": True,
            "reg_tokens": 8,
            "dynamic_img_size": True,
            **_GATED_MLP,
        },
    ),
    "virchow": Shortcut("paige-ai/Virchow", _GATED_MLP, "token+mean"),
    "virchow2": Shortcut("paige-ai/Virchow2", _GATED_MLP, "token+mean"),
    "h_optimus_0": Shortcut("bioptimus/H-optimus-0", {"init_values": 1e-5}),
    "gigapath": Shortcut("prov-gigapath/prov-gigapath"),
}


class Network(nn.Module):
    """A network in two parts, for small batches suit convolutions and large ones matrices.

    Attributes
    ----------
    trunk, head : torch.nn.Module
        (n, 3, side, side) to (n, width), and (n, width) to (n, n_features).
    """

    def __init__(self, trunk: nn.Module, head: nn.Module | None = None) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head or nn.Identity()


def vgg16(state: dict[str, torch.Tensor], layer: str, relu: str) -> Network:
    """VGG-16 up to a layer.

    Parameters
    ----------
    state : dict of torch.Tensor
        Complete, with torchvision's names.
    layer : {'fc1', 'fc2'}
        First or second fully connected layer, 4096 numbers each.
    relu : {'before', 'after'}
        The layer's sums, or what its rectifier leaves of them.
    """
    with torch.device("meta"):  # its own random numbers would take longer than the reading
        model = torchvision.models.vgg16(weights=None)
    model.load_state_dict(state, assign=True)
    trunk = nn.Sequential(model.features, model.avgpool, nn.Flatten())
    return Network(trunk, model.classifier[: CLASSIFIER_LAYERS[layer, relu]])


def classifier(
    library: str,
    name: str,
    arguments: dict,
    pretrained_cfg: dict | None = None,
    *,
    empty: bool = False,
) -> nn.Module:
    """An untrained model of a library.

    Parameters
    ----------
    library : {'torchvision', 'timm'}
        Where it comes from.
    name : str
        Its name there.
    arguments : dict
        Of its building; layers by their names.
    pretrained_cfg : dict, optional
        What a hub's ``config.json`` says of the weights: timm takes the size of the input from it.
    empty : bool
        Without memory for numbers that are not wanted, where the model can be built so.

    Raises
    ------
    InputError
        The library does not know the name, or refuses the arguments.
    """
    if library == "torchvision":
        if name not in torchvision.models.list_models(module=torchvision.models):
            raise unknown(f"torchvision/{name}", torchvision_names())
        build = partial(torchvision.models.get_model, name, weights=None, **arguments)
    else:
        import timm

        if not timm.is_model(name.split(".")[0]):
            raise unknown(f"timm/{name}", [f"timm/{one}" for one in timm.list_models()])
        how = _layers(arguments) | {"num_classes": 0, "pretrained_cfg_overlay": pretrained_cfg}
        build = partial(timm.create_model, name, **how)
    try:
        if empty:
            with suppress(RuntimeError), torch.device("meta"):
                return build()
        return build()
    except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"{library}/{name} cannot be built with {arguments} ({error}); correct the name, or "
            "model_args in the config.json of its folder"
        ) from None


def filled(
    library: str,
    name: str,
    arguments: dict,
    pretrained_cfg: dict | None,
    state: dict[str, torch.Tensor],
) -> nn.Module:
    """A model of a library with given weights; what its state lacks is computed by the library."""
    model = classifier(library, name, arguments, pretrained_cfg, empty=True)
    model.load_state_dict(state, assign=True)
    if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        model = classifier(library, name, arguments, pretrained_cfg)
        model.load_state_dict(state)
    return model


def without_head(model: nn.Module, library: str, name: str, pooling: str = "") -> Network:
    """A classifier cut before its last layer: the vector that it classifies.

    Raises
    ------
    InputError
        There is no such layer.
    """
    if library == "timm":
        return Network(_TokenAndMean(model) if pooling else model)
    last = [path for path, module in model.named_modules() if isinstance(module, nn.Linear)][-1:]
    if not last:
        raise InputError(f"torchvision/{name} has no fully connected layer to be cut before")
    parent, _, child = last[0].rpartition(".")
    setattr(model.get_submodule(parent), child, nn.Identity())
    return Network(model)


def read_grey_levels(
    network: Network, mean: torch.Tensor, std: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Let VGG-16's first convolution take whole grey levels, which bf16 holds exactly.

    Normalised pixels in bf16 are rounded to half a grey level; on pale tiles that alone put
    features 4 % off. So the mean is taken away in whole levels, and the rest of the normalisation
    goes into the convolution.

    Parameters
    ----------
    network : Network
        VGG-16 in single precision; its first convolution is changed.
    mean, std : torch.Tensor
        (3,) of red, green, blue in grey levels.

    Returns
    -------
    tuple of torch.Tensor
        (3,) what is to be taken from a pixel, and what it is to be divided by, from here on.

    Notes
    -----
    The zeros around a tile stand for the rounded mean then, less than half a level off.
    """
    first = next(one for one in network.modules() if isinstance(one, nn.Conv2d))
    levels = mean.round()
    weight = first.weight / std.view(1, 3, 1, 1)
    bias = first.bias + (weight * (levels - mean).view(1, 3, 1, 1)).sum(dim=(1, 2, 3))
    first.weight, first.bias = nn.Parameter(weight), nn.Parameter(bias)
    return levels, torch.ones(3)


def unknown(name: str, known: list[str]) -> InputError:
    """The error for a name that is none, with the nearest that is one."""
    near = did_you_mean(name, known)
    return InputError(
        f"features: encoder: {name!r} is not known{f'; {near}' if near else '.'} It is vgg16, "
        f"torchvision/NAME, timm/NAME, hub/OWNER/NAME or one of {', '.join(SHORTCUTS)}"
    )


def torchvision_names() -> list[str]:
    """Classifiers of torchvision, as the config names them."""
    return [
        f"torchvision/{name}" for name in torchvision.models.list_models(module=torchvision.models)
    ]


class _TokenAndMean(nn.Module):
    """Class token beside the mean of the patch tokens, twice the width of a token."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tiles: torch.Tensor) -> torch.Tensor:
        tokens = self.model.forward_features(tiles)
        patches = tokens[:, self.model.num_prefix_tokens :]
        return torch.cat([tokens[:, 0], patches.mean(dim=1)], dim=1)


def _layers(arguments: dict) -> dict:
    """Arguments with the layers that they name."""
    from timm.layers import SwiGLUPacked

    layers = {"SwiGLUPacked": SwiGLUPacked, "SiLU": nn.SiLU}
    return {
        key: layers.get(value, value) if isinstance(value, str) else value
        for key, value in arguments.items()
    }
