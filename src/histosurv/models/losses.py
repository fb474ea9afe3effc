"""What a network's outputs are held against, per patient."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH, HORIZON_MONTHS
from histosurv.progress import say

Loss = Literal["cross_entropy", "ipcw", "cox", "discrete_time"]

INTERVAL_ENDS_MONTHS = np.array([12.0, 24.0, 36.0, 48.0, HORIZON_MONTHS])
MAX_WEIGHT = 10.0  # of one patient who stands for those lost to follow-up, against the mean


@dataclass(frozen=True)
class Targets:
    """What is known of some patients, one number each; patients who teach nothing are not there.

    Attributes
    ----------
    label : torch.Tensor
        1 dead of the cancer within five years, 0 not.
    weight : torch.Tensor
        Of a patient in the mean of the errors.
    time : torch.Tensor
        Months to death or last contact.
    event : torch.Tensor
        1 dead of the cancer at that time, 0 not.
    """

    label: torch.Tensor
    weight: torch.Tensor
    time: torch.Tensor
    event: torch.Tensor


def n_outputs(loss: Loss) -> int:
    """Numbers that a network gives per patient."""
    return len(INTERVAL_ENDS_MONTHS) if loss == "discrete_time" else 1


def teachers(patients: pd.DataFrame, fit: list[str], loss: Loss) -> pd.DataFrame:
    """Who teaches, and how much each counts.

    Parameters
    ----------
    patients : pandas.DataFrame
        ``time_months, event, label_60m``, indexed by ``patient_id``.
    fit : list of str
        The fit part: censoring weights come from it, whoever is weighted.
    loss : str
        The binary losses need a known five-year label; the other two use every patient.

    Returns
    -------
    pandas.DataFrame
        ``label, weight, time, event``, indexed by ``patient_id``.
    """
    known = patients["label_60m"].notna()
    table = pd.DataFrame(
        {
            "label": patients["label_60m"].astype("Float64").astype(float),
            "weight": 1.0,
            "time": patients["time_months"].astype(float),
            "event": (patients["event"] == CANCER_DEATH).astype(float),
        }
    )
    if loss == "ipcw":
        table["weight"] = _censoring_weights(patients, fit)
    return table[known] if loss in ("cross_entropy", "ipcw") else table


def targets(table: pd.DataFrame, patient_ids: list[str], device: torch.device) -> Targets:
    """Rows of `teachers` on a device."""
    rows = table.loc[patient_ids]
    return Targets(
        *(
            torch.tensor(rows[name].to_numpy(np.float32), device=device)
            for name in ("label", "weight", "time", "event")
        )
    )


def error(loss: Loss, outputs: torch.Tensor, of: Targets) -> torch.Tensor:
    """Mean error of a batch, a scalar.

    Parameters
    ----------
    loss : {'cross_entropy', 'ipcw', 'cox', 'discrete_time'}
        Which.
    outputs : torch.Tensor
        (n_patients, n_outputs), higher = higher risk.
    of : Targets
        The same patients.
    """
    if loss == "cox":
        return cox(outputs[:, 0], of.time, of.event)
    if loss == "discrete_time":
        return discrete_time(outputs, of.time, of.event)
    errors = binary_cross_entropy_with_logits(outputs[:, 0], of.label, reduction="none")
    return (of.weight * errors).mean()


def risk(loss: Loss, outputs: torch.Tensor) -> torch.Tensor:
    """One number per patient, (n_patients,), higher = higher risk.

    Log-odds of death of the cancer within five years; of the Cox loss the log hazard ratio.
    """
    if loss != "discrete_time":
        return outputs[:, 0]
    survival = logsigmoid(-outputs).sum(dim=1)  # log of surviving all intervals
    survival = survival.clamp(max=-torch.finfo(survival.dtype).tiny)
    return torch.log(-torch.expm1(survival)) - survival


def cox(log_hazard: torch.Tensor, time: torch.Tensor, event: torch.Tensor) -> torch.Tensor:
    """Negative log partial likelihood per death, ties by Efron (1977).

    Parameters
    ----------
    log_hazard, time, event : torch.Tensor
        (n,) each; the risk set of a death is whoever in the batch is still followed then.

    Returns
    -------
    torch.Tensor
        Scalar; zero, with a gradient of zero, in a batch without a death.
    """
    if not event.any():
        return 0.0 * log_hazard.sum()
    order = torch.argsort(time, descending=True, stable=True)
    log_hazard, time, event = log_hazard[order], time[order], event[order].bool()
    _, group, sizes = torch.unique_consecutive(time, return_inverse=True, return_counts=True)
    at_risk = log_hazard.logcumsumexp(0)[sizes.cumsum(0) - 1][group]
    own = log_hazard[event] - at_risk[event]  # log of the share in the risk set
    group = group[event]
    dying = own.new_zeros(len(sizes)).index_add(0, group, own.exp())
    # The dead of one time leave the risk set one after another, each a mean of them.
    gone_before = _rank_in_group(group) / torch.bincount(group, minlength=len(sizes))[group]
    return -(own - torch.log1p(-gone_before * dying[group])).mean()


def discrete_time(outputs: torch.Tensor, time: torch.Tensor, event: torch.Tensor) -> torch.Tensor:
    """Negative log likelihood per patient of the hazards of five yearly intervals.

    Parameters
    ----------
    outputs : torch.Tensor
        (n, n_intervals) log-odds to die in an interval once it is reached.
    time, event : torch.Tensor
        (n,) each. A death counts in the interval (start, end] that it falls in; whoever is lost
        counts for the intervals that he or she completed; what comes after the last is not looked
        at.

    Notes
    -----
    The likelihood of Gensheimer and Narasimhan (2019).
    """
    ends = torch.as_tensor(INTERVAL_ENDS_MONTHS, dtype=time.dtype, device=time.device)
    starts = torch.cat([ends.new_full((1,), -1.0), ends[:-1]])  # a death at time zero is one, too
    dies = event.bool()[:, None] & (time[:, None] > starts) & (time[:, None] <= ends)
    survives = time[:, None] >= ends
    survives &= ~dies
    return -(dies * logsigmoid(outputs) + survives * logsigmoid(-outputs)).sum(dim=1).mean()


def _rank_in_group(group: torch.Tensor) -> torch.Tensor:
    """Number of earlier members of the same group; groups are in order."""
    _, sizes = torch.unique_consecutive(group, return_counts=True)
    firsts = sizes.cumsum(0) - sizes
    return torch.arange(len(group), device=group.device) - firsts.repeat_interleave(sizes)


def _censoring_weights(patients: pd.DataFrame, fit: list[str]) -> np.ndarray:
    """Inverse probability of not being lost before the label is known, mean one before capping.

    Kaplan-Meier of the time of censoring, other deaths among it, in the fit part (Graf 1999):
    a death weighs 1/G just before it, a survivor 1/G at the horizon.
    """
    time = patients["time_months"].to_numpy(float)
    lives = (patients["event"] == ALIVE).to_numpy()
    time = np.where(lives & (time == HORIZON_MONTHS), np.nextafter(HORIZON_MONTHS, np.inf), time)
    lost = (patients["event"] != CANCER_DEATH).to_numpy()
    of_fit = patients.index.isin(fit)
    known = patients["label_60m"].notna().to_numpy()
    free = np.ones(len(time))
    for at in np.unique(time[of_fit & lost]):
        at_risk = (time[of_fit] >= at).sum()
        step = 1 - (time[of_fit & lost] == at).sum() / at_risk
        free *= np.where((time > at) & (at <= HORIZON_MONTHS), step, 1.0)
    weight = np.where(known, 1 / np.maximum(free, 1e-12), 0.0)
    weight /= weight[of_fit & known].mean()
    n_capped = int((weight > MAX_WEIGHT).sum())
    if n_capped:
        say(f"ipcw: the weights of {n_capped} patients are held at {MAX_WEIGHT:g} times the mean")
    return np.minimum(weight, MAX_WEIGHT)
