"""What a reader must know before the figures."""

from histosurv.cohort.endpoint import FEW_DEATHS
from histosurv.evaluation.sections.comparison import OF_POOLING, POOLING_GAP
from histosurv.report.run import Run
from histosurv.report.wording import has, listed, name_of, number

MANY_UNKNOWN = 0.1
POOLED = {
    "auc_ipcw_60m": "AUC with weights",
    "auc_60m": "AUC of known outcomes",
    "c_uno": "Uno's C",
    "c_harrell": "Harrell's C",
}


def general_warnings(run: Run) -> list[str]:
    """Sentences on features, outcomes and the evaluation; sections add their own."""
    found = [*_of_features(run.features), *_of_outcomes(run)]
    found += [f"{text[0].upper()}{text[1:]}." for text in run.told if OF_POOLING not in text]
    return [*found, *_of_pooling(run)]


def _of_features(features: dict) -> list[str]:
    found, recipe = [], features["recipe"]
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
    return found


def _of_outcomes(run: Run) -> list[str]:
    found = []
    n_patients, n_deaths = run.count("n_patients"), run.count("n_cancer_deaths")
    if n_deaths < FEW_DEATHS:
        found.append(
            f"Only {n_deaths} deaths of the cancer: intervals are wide "
            "and differences between scores uncertain."
        )
    if n_deaths + run.count("n_other_deaths") == n_patients:
        found.append(
            "Nobody is alive at last contact. Check the coding of event: 0 alive, 1 death of the "
            "cancer, 2 other death."
        )
    unknown = run.count("n_unknown_60m") / n_patients
    if unknown > MANY_UNKNOWN:
        found.append(
            f"The five-year outcome is unknown for {unknown:.0%} of the patients; figures of known "
            "outcomes leave them out, figures with weights and hazard ratios do not."
        )
    return found


def _of_pooling(run: Run) -> list[str]:
    """Models whose figures over all patients are not those within folds."""
    found = {}
    for score in (*run.models, *run.clinical):
        gaps = []
        for figure, name in POOLED.items():
            # The five-year AUC of a single partition: means over repeats are better than either.
            pooled = run.row(score, "auc_60m_per_repeat" if figure == "auc_60m" else figure)
            within = run.row(score, f"{figure}_within_folds")
            if (
                has(pooled)
                and has(within)
                and abs(pooled["estimate"] - within["estimate"]) > POOLING_GAP
            ):
                gaps.append(f"{name} {number(pooled['estimate'])} and {number(within['estimate'])}")
        if gaps:
            found[name_of(score)] = listed(gaps)
    if not found:
        return []
    return [
        "Figures over all patients and within folds differ: "
        f"{'; '.join(f'{name} ({gaps})' for name, gaps in found.items())}. The models of the folds "
        "differ in level or, of few patients, chance is at work. Within folds is the result."
    ]
