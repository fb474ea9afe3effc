"""Networks of one fold that score together, in memory and in a file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from histosurv.errors import InputError
from histosurv.models.batches import Batches, Intake, per_patient
from histosurv.models.losses import risk
from histosurv.models.member import outputs_of
from histosurv.models.names import Network
from histosurv.models.sequences import Sequences
from histosurv.models.settings import NetworkSettings
from histosurv.parallel import ordered_map
from histosurv.publish import published


@dataclass(frozen=True)
class Ensemble:
    """Networks of the same kind from different seeds, and how features enter them.

    Attributes
    ----------
    name : {'lstm', 'attention_mil'}
        Which kind.
    settings : NetworkSettings
        As they were trained.
    networks : list of torch.nn.Module
        One per initialisation, each as after its best epoch.
    intake : Intake
        How features enter.
    device : torch.device
        Where to compute.
    """

    name: Network
    settings: NetworkSettings
    networks: list[torch.nn.Module]
    intake: Intake
    device: torch.device

    def risks(self, sequences: Sequences, threads: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
        """Risk of every patient by each network, and the mean risk of every spot by itself.

        Returns
        -------
        members : pandas.DataFrame
            (n_patients, n_networks), indexed by ``patient_id`` in order.
        spots : numpy.ndarray
            (n_spots,).
        """
        how, is_joined = self.settings.training, self.settings.spots == "sequence"
        names, owner = np.unique(sequences.patient_of, return_inverse=True)
        owner = torch.from_numpy(owner).to(self.device)
        joined = Batches(sequences, self.intake, self.device, join=is_joined)
        single = Batches(sequences.spot_by_spot(), self.intake, self.device, join=False)

        def score(network: torch.nn.Module) -> list[np.ndarray]:
            with one_thread(self.device):
                spots = outputs_of(network, single, list(sequences.spot_ids), how.batch_patients)
                patients = per_patient(spots, owner)
                if is_joined:
                    patients = outputs_of(network, joined, list(names), how.batch_patients)
                return [risk(how.loss, of).double().cpu().numpy() for of in (patients, spots)]

        workers = threads if self.device.type == "cpu" else 1
        patients, spots = zip(*ordered_map(score, self.networks, workers), strict=True)
        index = pd.Index(names, name="patient_id")
        return pd.DataFrame(np.stack(patients, axis=1), index=index), np.mean(spots, axis=0)

    def save(self, path: Path) -> None:
        """Publish as safetensors, settings and kind in its header."""
        tensors = {
            f"{number}.{key}": value.detach().cpu().contiguous()
            for number, network in enumerate(self.networks)
            for key, value in network.state_dict().items()
        }
        tensors["centre"], tensors["inverse_sd"] = map(torch.from_numpy, self.intake[:2])
        about = {"network": self.name, "settings": self.settings.as_dict()}
        with published(path) as temporary:
            # One key: several would come in another order each time.
            save_file(tensors, temporary, metadata={"about": json.dumps(about, sort_keys=True)})

    @classmethod
    def load(cls, path: Path, device: torch.device) -> "Ensemble":
        """Read what `save` wrote.

        Raises
        ------
        InputError
            There is no such file.
        """
        if not path.is_file():
            raise InputError(f"{path}: is not there; name the folder of a trained network")
        with safe_open(path, framework="pt") as file:
            about = json.loads(file.metadata()["about"])
        tensors = load_file(path)
        name, settings = about["network"], NetworkSettings.stored(about["settings"])
        scale = [tensors[key].numpy() for key in ("centre", "inverse_sd")]
        networks = []
        for number in range(settings.initialisations):
            own = f"{number}."
            state = {k.removeprefix(own): v for k, v in tensors.items() if k.startswith(own)}
            network = settings.draw(name, len(scale[0]), seed=0)
            network.load_state_dict(state)
            networks.append(network.to(device).eval())
        intake = Intake(*scale, settings.dtype(name, device))
        return cls(name, settings, networks, intake, device)


@contextmanager
def one_thread(device: torch.device) -> Iterator[None]:
    """Sums that are split over threads are rounded otherwise; so nothing is split."""
    before = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
