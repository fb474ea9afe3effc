"""What a reader must know before the figures."""

import pandas as pd

from histosurv.report.wording import MODELS, name_of, number

POOLING_GAP = 0.02
FEW_DEATHS = 100
NEARLY_CONSTANT = 0.02  # standard deviation of a score within folds, in log-odds


def warnings_of(
    metrics: pd.DataFrame, features: dict, n_excluded: int, spots: dict | None = None
) -> list[str]:
    """Sentences that the report opens with.

    Parameters
    ----------
    metrics : pandas.DataFrame
        The metrics table.
    features : dict
        As from `histosurv.report.features.feature_section`.
    n_excluded : int
        Rows of the tables that were left out.
    spots : dict, optional
        As from `histosurv.report.spots.spot_section`.
    """
    value = metrics.set_index(["score", "estimand"])["estimate"]
    found = []
    recipe = features["recipe"]
    if features["mixed"]:
        found.append(
            f"Not all features were made in the same way: they differ in "
            f"{', '.join(features['mixed'])} (see About this run). Compute them on one kind of "
            "machine, or set features: precision: fp32."
        )
    if recipe.get("weights", "").startswith("random"):
        found.append(
            "The encoder's weights are random numbers, not ImageNet's: good for a trial run, not "
            "for a study (features: weights: in the config)."
        )
    elif "random" in recipe.get("fully_connected", ""):
        found.append(
            "The encoder's fully connected layers are random: the weights file holds the "
            "convolutions only."
        )
    if value["", "n_cancer_deaths"] < FEW_DEATHS:
        found.append(
            f"Only {value['', 'n_cancer_deaths']:.0f} deaths of the cancer: intervals are wide "
            "and differences between scores uncertain."
        )
    n_dead = value["", "n_cancer_deaths"] + value["", "n_other_deaths"]
    if n_dead == value["", "n_patients"]:
        found.append(
            "Nobody is alive at last contact. Check the coding of event: 0 alive, 1 death of the "
            "cancer, 2 other death."
        )
    unknown = value["", "n_unknown_60m"] / value["", "n_patients"]
    if unknown > 0.1:
        found.append(
            f"The five-year outcome is unknown for {unknown:.0%} of the patients; the AUC leaves "
            "them out, the hazard ratio does not."
        )
    for score in MODELS:
        if (score, "auc_60m") in value.index:
            if value[score, "score_sd"] < NEARLY_CONSTANT:
                found.append(
                    f"{name_of(score)}: the scores of the tested patients are (nearly) the same: "
                    "the model tells nobody apart, and its other figures say nothing."
                )
            pooled = value[score, "auc_60m_per_repeat"]
            within = value[score, "auc_60m_within_folds"]
            if abs(pooled - within) > POOLING_GAP:
                found.append(
                    f"{name_of(score)}: the AUC pooled over folds ({number(pooled)}) and within "
                    f"folds ({number(within)}) differ; the models of the folds differ in scale, "
                    "and within folds is the result."
                )
    if spots and spots["n_used"] < spots["n"]:
        told = "; ".join(f"{text}: {n}" for text, n in spots["reasons"])
        found.append(
            f"{spots['n'] - spots['n_used']} of {spots['n']} spots could not be used ({told})."
        )
    if spots and any(slide["source"] == "found" and slide["remarks"] for slide in spots["slides"]):
        found.append(
            "Not everything about the slides could be checked; see the remarks under Spots."
        )
    if n_excluded:
        found.append(
            f"{n_excluded} rows of the tables were left out; they are listed under Patients."
        )
    return found
