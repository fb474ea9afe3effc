"""The methods paragraph, written from the settings and tables of the run."""

from collections.abc import Collection

import pandas as pd

from histosurv.report.methods_models import models_text


def methods_text(
    config: dict,
    features: dict,
    counts: pd.Series,
    sizes: pd.DataFrame,
    columns: Collection[str],
) -> list[str]:
    """Paragraphs of the methods section.

    Parameters
    ----------
    config : dict
        The complete configuration.
    features : dict
        As from `histosurv.report.features.feature_section`.
    counts : pandas.Series
        Numbers of the cohort by estimand (``n_patients``, ``n_dead_60m``, ...).
    sizes : pandas.DataFrame
        Patients of each part, one row per repeat and fold.
    columns : collection of str
        Columns of the patient table.
    """
    return [
        _features(config, features),
        _resampling(config, counts, sizes),
        models_text(config),
        _comparators(config, columns),
        _evaluation(config, counts),
    ]


def _features(config: dict, features: dict) -> str:
    recipe = features["recipe"]
    if "imported" in recipe:
        return (
            "Tile features were computed elsewhere and imported; one vector of "
            f"{features['width']} values stands for one tile."
        )
    weights = (
        "weights drawn at random"
        if recipe["weights"].startswith("random")
        else f"weights: {recipe['weights']}"
    )
    if recipe["fully_connected"] != recipe["weights"] and "random" in recipe["fully_connected"]:
        weights += f"; fully connected layers {recipe['fully_connected']}"
    name = {"vgg16": "VGG-16"}.get(recipe["encoder"], recipe["encoder"])
    layer = {"pooled": "pooled output"}.get(recipe["layer"], recipe["layer"])
    return (
        f"{_tiles(config['spots'])} Every tile was encoded by {name} ({weights}; {layer}, "
        f"{features['width']} values, {recipe['precision']})."
    )


GLASS = {
    "keep": "kept",
    "once": "kept, one vector standing for all of a spot",
    "drop": "left out",
}
FITS = {
    "overlap": "at equal distances from edge to edge, neighbours overlapping where needed",
    "pad": "side by side, the spot padded with the colour of its glass",
    "resize": "side by side, the spot stretched to a whole number of tiles",
    "drop": "side by side from the middle, the rim that holds no whole tile left out",
}
ORDERS = {
    "raster": "in raster order",
    "snake": "row by row, back and forth",
    "spiral": "in a spiral from the middle outwards",
    "random": "in random order",
}


def _tiles(spots: dict) -> str:
    """How spots were cut, in one or two sentences."""
    side = spots["tile_px"]
    scale = f"{spots['mpp']:g} um/px" if spots["mpp"] else "full resolution"
    number = f"{spots['grid']} x {spots['grid']} tiles" if spots["grid"] else "tiles"
    glass = GLASS[spots["background"]]
    text = (
        f"Each spot was cut at {scale} into {number} of {side} x {side} px, {FITS[spots['fit']]}, "
        f"{ORDERS[spots['order']]}; tiles of bare glass were {glass}."
    )
    if spots["stain"] != "none":
        text += (
            f" Stains were normalised by the method of {spots['stain'].capitalize()}, spot by spot."
        )
    return text


def _resampling(config: dict, counts: pd.Series, sizes: pd.DataFrame) -> str:
    resampling = config["resampling"]
    balanced = " and ".join(["the five-year outcome", *config["cohort"]["strata"]])
    drawn = "once" if resampling["repeats"] == 1 else f"{resampling['repeats']} times"
    part = {name: _range(sizes[name]) for name in ("fit", "validation", "test")}
    tested = "Each fold was the test part once"
    if resampling["scheme"] == "single":
        tested = "One fold was the test part, and its patients alone have scores"
    how = f"by patient into {resampling['folds']} folds balanced by {balanced}"
    if resampling["scheme"] == "blocks":
        how = (
            f"into {resampling['folds']} folds of whole tissue-microarray blocks, as equal in size "
            "as these allow (fit and validation part share blocks, the test part has its own)"
        )
    return (
        f"The {counts['n_patients']:.0f} patients were split {how}, {drawn} "
        f"(seed {resampling['seed']}). {tested} "
        f"({part['test']} patients); of the others {part['fit']} were used for fitting and "
        f"{part['validation']} (the validation part) for early stopping, for the "
        "scale of the scores and for the threshold "
        "between low and high risk, which is the median score of the validation part. "
        "Every figure rests on scores of patients who took no part in fitting, stopping or "
        "thresholding the model that scored them."
    )


def _comparators(config: dict, columns: Collection[str]) -> str:
    readers, sentences = config["cohort"]["readers"], []
    if readers:
        sentences.append(
            "The visual risk score is the majority of the pathologists' calls of low or high risk "
            f"({', '.join(readers)}); a patient whose vote is tied, or without a call, has none."
        )
    else:
        sentences.append("No pathologists' calls were given.")
    if "grade" in columns:
        sentences.append(f"Grade {config['cohort']['grade_high']} and above counted as high.")
    if "stage" in columns:
        sentences.append("Of the stages that occur the upper half counted as high.")
    return " ".join(sentences)


def _evaluation(config: dict, counts: pd.Series) -> str:
    repeated = (
        " With several repeats a patient's score is the mean over them, and the patient is at high "
        "risk where that mean reaches the mean of the thresholds."
        if config["resampling"]["repeats"] > 1
        else ""
    )
    return (
        "Outcome was death of the cancer; other deaths were censored in time-to-event figures. "
        "The five-year AUC uses patients known to have died of the cancer by 60 months "
        f"({counts['n_dead_60m']:.0f} of the cohort) or known to have survived "
        f"({counts['n_alive_60m']:.0f}); "
        f"the {counts['n_unknown_60m']:.0f} others are left out of it and are never counted as "
        "survivors. It is given for scores pooled over folds, with DeLong's interval, and from "
        "pairs of patients within a fold (mean over the partitions). Hazard ratios compare high "
        "with low risk by univariable Cox regression (Efron's ties, Wald interval) over the whole "
        f"follow-up. Kaplan-Meier bands are log-log 95 % intervals.{repeated}"
    )


def _range(sizes: pd.Series) -> str:
    low, high = sizes.min(), sizes.max()
    return f"{low}" if low == high else f"{low} to {high}"
