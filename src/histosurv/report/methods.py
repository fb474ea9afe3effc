"""The methods paragraph, written from the settings and tables of the run."""

from collections.abc import Collection

import pandas as pd

from histosurv.config import DEVELOPMENT
from histosurv.report.methods_models import models_text
from histosurv.report.wording import listed, name_of


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
        _regression(config),
        *_external(config),
        "Reporting was guided by the TRIPOD+AI [@collins] and REMARK [@mcshane] statements.",
    ]


def _external(config: dict) -> list[str]:
    names = [name for name in config["cohorts"] if name != DEVELOPMENT]
    if not names:
        return []
    return [
        "For external validation the models of all folds of the first partition were frozen with "
        f"their scale and threshold and applied to {listed(names)}; a patient's score is the mean "
        "of their log-odds, and the threshold the mean of theirs. Nothing was learnt from "
        "external patients."
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
    name = {"vgg16": "VGG-16 [@simonyan]"}.get(recipe["encoder"], recipe["encoder"])
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
            f" Stains were normalised by the method of {spots['stain'].capitalize()}"
            f" [@{spots['stain']}], spot by spot."
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
        f"The {counts['n_patients']:.0f} patients were split {how}, {drawn} (seed "
        f"{resampling['seed']}). {tested} ({part['test']} patients); of the others {part['fit']} "
        f"were used for fitting and {part['validation']} (the validation part) for early stopping, "
        "for the scale of the scores and for the threshold between low and high risk, which is "
        "the median score of the validation part. Every figure rests on scores of patients who "
        "took no part in fitting, stopping or thresholding the model that scored them."
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
        "Median follow-up is by the reverse Kaplan-Meier method [@schemper]. The main figure is "
        "the area under the ROC curve at 60 months with inverse-probability-of-censoring weights "
        "[@blanche], which uses all patients; beside it stand Uno's [@uno] and Harrell's "
        "[@harrell] concordance. The five-year AUC of the original study [@bychkov] uses patients "
        f"known to have died of the cancer by 60 months ({counts['n_dead_60m']:.0f} of the cohort) "
        f"or known to have survived ({counts['n_alive_60m']:.0f}), with DeLong's interval "
        f"[@delong]; the {counts['n_unknown_60m']:.0f} others are left out of it and are never "
        "counted as survivors. Figures are given for scores pooled over folds and from pairs of "
        f"patients within a fold (mean over the partitions).{repeated} "
        f"{_intervals(config['evaluation'])}"
    )


def _intervals(asked: dict) -> str:
    """Sentences on intervals and on the one test that was declared before."""
    text = (
        "Intervals are 95 % ones; those of weighted areas, concordance, Brier score and their "
        f"differences are percentiles of {asked['resamples']} bootstrap samples of the patients, "
        f"the same for every score (seed {asked['seed']}); those of weighted areas in subgroups, "
        "without a block, of death of any cause and by spots are normal ones."
    )
    if asked["against"]:
        text += (
            " One comparison was declared before, of the weighted area with that of "
            f"{name_of(asked['against']).lower()}; the others are adjusted by Holm's method "
            "[@holm]."
        )
    return text


def _regression(config: dict) -> str:
    asked = config["evaluation"]
    text = (
        "Hazard ratios are of univariable Cox regression [@cox] over the whole follow-up (Efron's "
        "ties [@efron], Wald intervals), of high against low risk and per standard deviation of "
        "the score"
    )
    if asked["covariates"]:
        text += (
            f", and of multivariable regression with {', '.join(asked['covariates'])} on patients "
            "who have all of them, with a likelihood-ratio test of the score"
        )
    text += (
        ". Proportionality was tested by the score test of a coefficient that changes with 1 - "
        "S(t) [@grambsch]. Survival curves are Kaplan and Meier's [@kaplan] with log-log bands. "
        "Other deaths were taken as competing in cumulative incidence (Aalen and Johansen), "
        "Gray's test [@gray] and Fine and Gray's regression [@fine]. Predicted risks were held "
        "against outcomes by Brier score, its gain over the average risk [@kattan], observed over "
        "expected deaths and the calibration slope; their use by net benefit [@vickers]."
    )
    if config["cohort"]["readers"]:
        text += (
            " Readers' agreement is Cohen's or Fleiss' kappa [@fleiss]; each reader was compared "
            "with the score at equal specificity by McNemar's exact test over the deaths."
        )
    return text


def _range(sizes: pd.Series) -> str:
    low, high = sizes.min(), sizes.max()
    return f"{low}" if low == high else f"{low} to {high}"
