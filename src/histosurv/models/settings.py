"""What is decided of a network before it sees a patient."""

from dataclasses import asdict, dataclass
from threading import Lock
from typing import Literal

import torch

from histosurv.config import learning_rate
from histosurv.device import has_bf16
from histosurv.models.losses import Loss, n_outputs
from histosurv.models.names import Network
from histosurv.models.network import AttentionRisk, Penalised, RecurrentRisk

_CLASSES = {"lstm": RecurrentRisk, "attention_mil": AttentionRisk}
_DRAWING = Lock()  # PyTorch draws from one generator for all threads


@dataclass(frozen=True)
class Training:
    """How a network is trained, named and explained as in the config's ``models: training:``."""

    loss: Loss
    optimiser: str
    learning_rate: float
    momentum: float
    gradient_clip: float
    batch_patients: int
    max_epochs: int
    patience_epochs: int


@dataclass(frozen=True)
class NetworkSettings:
    """One network and its training.

    Attributes
    ----------
    architecture : dict
        Arguments of the network's class, as in the config's ``models: lstm:`` and
        ``models: attention_mil:``.
    penalised, l1, l2
        Matrices, and the weights of the sums of their absolute values and of their squares.
    training : Training
        How it is trained.
    initialisations : int
        Networks from different seeds; their scores are averaged.
    spots : {'average', 'sequence'}
        Several spots of a patient: outputs averaged, or read one after another.
    feature_scaling : {'standardise', 'none'}
        By mean and standard deviation of the fit part's tiles, or not at all.
    precision : {'auto', 'fp32'}
        Of the products with tile features; ``auto`` is bf16 where the processor has it.
    """

    architecture: dict
    penalised: Penalised
    l1: float
    l2: float
    training: Training
    initialisations: int
    spots: Literal["average", "sequence"]
    feature_scaling: Literal["standardise", "none"]
    precision: Literal["auto", "fp32"]

    @classmethod
    def of(cls, settings: dict) -> "NetworkSettings":
        """From the config: ``network`` (one of its sections) and ``training``."""
        network, training = dict(settings["network"]), dict(settings["training"])
        network.pop("alternatives", None)
        own = {key: network.pop(key) for key in ("penalised", "l1", "l2")}
        more = ("initialisations", "spots", "feature_scaling", "precision")
        own |= {key: training.pop(key) for key in more}
        training["learning_rate"] = learning_rate(training) * network.pop("rate_factor")
        return cls(architecture=network, training=Training(**training), **own)

    @classmethod
    def stored(cls, settings: dict) -> "NetworkSettings":
        """From what `as_dict` gave."""
        return cls(**settings | {"training": Training(**settings["training"])})

    def as_dict(self) -> dict:
        """Plain values, which JSON can keep."""
        return asdict(self)

    def draw(self, name: Network, n_features: int, seed: int) -> torch.nn.Module:
        """A network as it is before training."""
        with _DRAWING, torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return _CLASSES[name](n_features, n_outputs(self.training.loss), **self.architecture)

    def dtype(self, name: Network, device: torch.device) -> torch.dtype:
        """Precision in which tile features enter: bf16 where that is faster."""
        how = self.architecture
        is_plain = how.get("cell", "lstm") == "lstm" and not how.get("bidirectional", False)
        can = self.precision == "auto" and device.type == "cpu" and has_bf16(device)
        return torch.bfloat16 if can and (name == "attention_mil" or is_plain) else torch.float32


@dataclass(frozen=True)
class Candidates:
    """Settings of a network, of which inner resampling takes the best.

    Attributes
    ----------
    labels : list of dict
        What the config changes in each; nothing in the first.
    settings : list of NetworkSettings
        The same number.
    inner_folds : int
        Of the fit part.
    """

    labels: list[dict]
    settings: list[NetworkSettings]
    inner_folds: int

    @classmethod
    def of(cls, settings: dict) -> "Candidates":
        """From the config: ``network`` (one of its sections), ``training`` and ``tuning``."""
        budget = settings["tuning"]["settings"]
        labels = [{}, *settings["network"].get("alternatives", [])][:budget]
        changed = [settings | {"network": settings["network"] | label} for label in labels]
        made = [NetworkSettings.of(each) for each in changed]
        return cls(labels, made, settings["tuning"]["inner_folds"])
