"""The methods paragraph, written from the settings and tables of the run."""

from collections.abc import Collection

import pandas as pd

from histosurv.config import learning_rate
from histosurv.report.wording import name_of

PENALISED = {
    "recurrent": "the recurrent weight matrix",
    "input": "the input weight matrix",
    "both": "both weight matrices",
    "none": "no matrix",
}
LOSSES = {
    "cross_entropy": "on patients with a known five-year outcome with cross-entropy",
    "ipcw": "on patients with a known five-year outcome with cross-entropy, weighted by the "
    "inverse probability of not being lost before",
    "cox": "on all patients with the Cox partial likelihood of each batch (ties by Efron)",
    "discrete_time": "on all patients with the likelihood of the hazards of five yearly intervals",
}
POOLINGS = {
    "mean": "the mean tile feature of each patient",
    "mean_std": "mean and standard deviation of each patient's tile features",
    "max": "the largest value of each tile feature of a patient",
    "fisher": "improved Fisher vectors of each patient's tiles (at most 16 Gaussians on 32 "
    "principal components, learnt on the fit part)",
}
OPTIMISERS = {
    "adam": "Adam",
    "adamw": "Adam with decoupled weight decay",
    "rmsprop": "RMSprop",
    "sgd": "stochastic gradient descent",
    "adadelta": "Adadelta",
}


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
        _models(config),
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
    return (
        f"The {counts['n_patients']:.0f} patients were split by patient into "
        f"{resampling['folds']} folds balanced by {balanced}, {drawn} "
        f"(seed {resampling['seed']}). {tested} "
        f"({part['test']} patients); of the others {part['fit']} were used for fitting and "
        f"{part['validation']} (the validation part) for early stopping, for the "
        "scale of the scores and for the threshold "
        "between low and high risk, which is the median score of the validation part. "
        "Every figure rests on scores of patients who took no part in fitting, stopping or "
        "thresholding the model that scored them."
    )


def _models(config: dict) -> str:
    models = config["models"]
    baselines = [name_of(name) for name in models["baselines"]]
    baselines = [name[0].lower() + name[1:] for name in baselines]
    lstm, training = models["lstm"], models["training"]
    text = f"{_network(lstm, training['loss'])} {_training(lstm, training)}"
    if "attention_mil" in models["networks"]:
        mil = models["attention_mil"]
        rate = learning_rate(models["training"]) * mil["rate_factor"]
        text += (
            f" Gated attention over the tiles in any order (Ilse 2018; {mil['width']} numbers per "
            f"tile after the first layer, dropout of {mil['dropout']:.0%}, learning rate {rate:g}) "
            f"was trained in the same way, {_penalties(mil, 'the first matrix')}."
        )
    if baselines:
        text += (
            f" For comparison, {', '.join(baselines)} were fitted on {POOLINGS[models['pooling']]} "
            "after standardisation and principal components, each with that of up to six settings "
            "that was best in inner cross-validation within the fit part."
        )
    return text


def _network(lstm: dict, loss: str) -> str:
    """Sentence on the recurrent network."""
    units = ", ".join(map(str, lstm["units"]))
    directions = " in both directions" if lstm["bidirectional"] else ""
    between = {"none": "", "batch": ", batch normalisation between them", "layer": ", layer "
               "normalisation between them"}[lstm["normalisation"]]  # fmt: skip
    readout = {
        "last": "read out at the last tile"
        + (" (of the backward direction the first)" if lstm["bidirectional"] else ""),
        "mean": "read out as the mean of the states of all tiles",
        "attention": "read out as a mean of the states of all tiles, weighted by attention",
    }[lstm["readout"]]
    return (
        f"The tiles of a spot entered, one after another{directions}, a recurrent network of "
        f"{len(lstm['units'])} {lstm['cell'].upper()} layers with {units} cells{between}, "
        f"{readout} by {'one linear unit' if loss != 'discrete_time' else 'five linear units'}."
    )


def _training(lstm: dict, training: dict) -> str:
    """Sentences on how networks were trained."""
    scaling = (
        "Features were expressed in standard deviations of the tiles of the patients that it was "
        "trained on. "
        if training["feature_scaling"] == "standardise"
        else ""
    )
    penalised = _penalties(lstm, f"{PENALISED[lstm['penalised']]} of each layer")
    optimiser = OPTIMISERS[training["optimiser"]]
    clip = training["gradient_clip"]
    return (
        f"{scaling}The network was trained {LOSSES[training['loss']]}, {penalised}, dropout of "
        f"{lstm['dropout']:.0%} at the input and after the last hidden layer, and {optimiser} "
        f"(learning rate {learning_rate(training):g}, {training['batch_patients']} patients per "
        "step"
        + (f", gradients held to a norm of {clip:g}" if clip else "")
        + f"), until the validation error had not fallen for {training['patience_epochs']} epochs "
        f"(at most {training['max_epochs']}); the best network was kept. "
        + (
            f"The scores of {training['initialisations']} networks from different seeds were "
            "averaged. "
            if training["initialisations"] > 1
            else ""
        )
        + (
            "Several spots of a patient were scored each and averaged. "
            if training["spots"] == "average"
            else "Several spots of a patient were read as one sequence. "
        )
        + "The scores of every model were put on the scale of log-odds of death of the cancer "
        "within five years by Platt's sigmoid, fitted to the validation part."
    )


def _penalties(network: dict, matrices: str) -> str:
    if network["penalised"] == "none" or not (network["l1"] or network["l2"]):
        return "without weight penalties"
    return (
        f"with penalties of {network['l1']:g} times the sum of absolute values and "
        f"{network['l2']:g} times the sum of squares of {matrices}"
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
