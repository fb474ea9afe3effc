"""The part of the methods paragraph that tells of the models."""

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


def models_text(config: dict) -> str:
    """Paragraph on the models and on how their settings were chosen."""
    models = config["models"]
    baselines = [name_of(name) for name in models["baselines"]]
    baselines = [name[0].lower() + name[1:] for name in baselines]
    lstm, training = models["lstm"], models["training"]
    text = f"{_network(lstm, training['loss'])} {_training(lstm, training)}"
    if "attention_mil" in models["networks"]:
        mil = models["attention_mil"]
        rate = learning_rate(models["training"]) * mil["rate_factor"]
        text += (
            f" Gated attention over the tiles in any order [@ilse] ({mil['width']} numbers per "
            f"tile after the first layer, dropout of {mil['dropout']:.0%}, learning rate {rate:g}) "
            f"was trained in the same way, {_penalties(mil, 'the first matrix')}."
        )
    if baselines:
        text += (
            f" For comparison, {', '.join(baselines)} were fitted on {POOLINGS[models['pooling']]} "
            "after standardisation and principal components."
        )
    return " ".join([text, *_clinical(models), _tuning(models["tuning"]), *_attribution(models)])


def _clinical(models: dict) -> list[str]:
    if not models["clinical"]:
        return []
    return [
        f"A clinical model (ridge Cox regression on {', '.join(models['clinical'])}; numbers by "
        "standard deviations, missing ones set to the median of the fit part; categories one by "
        "one, a missing one being a category; a column that is empty or the same for a whole fit "
        "part was left out there) was fitted in the fit part, and joined with each network's "
        "score by ridge logistic regression on both in the validation part."
    ]


def _tuning(tuning: dict) -> str:
    if tuning["settings"] == 1:
        return "No model's settings were tuned: each has its first, written down beforehand."
    return (
        f"The settings of every model, networks alike, were the best of up to {tuning['settings']} "
        f"by {tuning['inner_folds']}-fold inner cross-validation within the fit part (AUC; of "
        "models of time Harrell's C); a network on trial was one initialisation, stopped by the "
        "validation part. What is said of each above is its first setting."
    )


def _attribution(models: dict) -> list[str]:
    if not models["attribution"]["run"]:
        return []
    return [
        "In the first repeat, the contribution of a tile to a test patient's score was taken as "
        "the log-odds less those without the tile, and every patient was scored again with the "
        f"tiles in {models['attribution']['orders']} random orders."
    ]


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
    cited = " [@hochreiter]" if lstm["cell"] == "lstm" else ""
    return (
        f"The tiles of a spot entered, one after another{directions}, a recurrent network of "
        f"{len(lstm['units'])} {lstm['cell'].upper()} layers{cited} with {units} cells{between}, "
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
        f"(learning rate {learning_rate(training) * lstm['rate_factor']:g}, "
        f"{training['batch_patients']} patients per step"
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
        "within five years by Platt's sigmoid [@platt], fitted to the validation part."
    )


def _penalties(network: dict, matrices: str) -> str:
    if network["penalised"] == "none" or not (network["l1"] or network["l2"]):
        return "without weight penalties"
    return (
        f"with penalties of {network['l1']:g} times the sum of absolute values and "
        f"{network['l2']:g} times the sum of squares of {matrices}"
    )
