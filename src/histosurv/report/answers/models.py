"""What a run can say of its models."""

from importlib.metadata import metadata

import histosurv
from histosurv.report.answers.terms import Answer, capital, counted, main, names
from histosurv.report.run import Run

POOLED = {
    "mean": "mean",
    "mean_std": "mean and standard deviation",
    "max": "maximum",
    "fisher": "Fisher vector",
}


def _handling(run: Run) -> Answer:
    models, parts = run.config["models"], []
    is_scaled = models["training"]["feature_scaling"] == "standardise"
    how = "in standard deviations of the fit part's tiles" if is_scaled else "as they are"
    parts.append(f"Networks: tile features {how}.")
    if models["baselines"]:
        parts.append(
            f"Classical models: {POOLED[models['pooling']]} of a patient's tiles, standardised, as "
            "principal components."
        )
    if run.clinical:
        parts.append("Clinical models: numbers standardised and linear, words as categories.")
    parts.append(
        "Regressions of the evaluation: numbers with many values linear per standard deviation, "
        "all else by levels."
    )
    return Answer(" ".join(parts))


def _model(run: Run) -> Answer:
    scores, tuning = [*run.models, *run.clinical], run.config["models"]["tuning"]
    tried = "no settings were tuned"
    if tuning["settings"] > 1:
        tried = (
            f"settings were the best of up to {tuning['settings']} by {tuning['inner_folds']}-fold "
            "cross-validation within the fit part"
        )
    return Answer(
        f"{capital(names(scores))}; {tried}. Internal validation: every figure rests on scores of "
        "patients whom the model that scored them had not seen."
    )


def _updating(run: Run) -> Answer:
    return Answer(
        "No model was adjusted after its test; the scale of the scores is set before, by the "
        "validation part of each fold."
    )


def _calculation(run: Run) -> Answer:
    models, repeats = run.config["models"], run.config["resampling"]["repeats"]
    text = "The models that score a patient were not fitted, stopped or scaled by that patient"
    if models["training"]["initialisations"] > 1:
        text += (
            f"; a network's score is the mean of {models['training']['initialisations']} trainings"
        )
    if repeats > 1:
        text += f"; the score is the mean over {repeats} partitions"
    return Answer(f"{text}.")


def _imbalance(run: Run) -> Answer:
    dead, alive = run.count("n_dead_60m"), run.count("n_alive_60m")
    text = f"Of {dead + alive} known five-year outcomes {dead} are deaths of the cancer."
    return Answer(f"{text} Nobody was drawn more often, and no outcome weighed, for being rare.")


def _output(run: Run) -> Answer:
    low, high = main(run, "n_low_risk"), main(run, "n_high_risk")
    if not run.is_learnt or low is None or high is None:
        return Answer("")
    return Answer(
        "Risk of death of the cancer within five years, and its log-odds as score; high risk "
        "begins at the median score of each fold's validation part, which no test patient and no "
        f"p decided: {high['n']} high, {low['n']} low."
    )


def _marker(run: Run) -> Answer:
    if main(run, "hr_per_sd") is None:
        return Answer("")
    cut = _output(run).text or "Its cut is not this run's: it came with the score."
    return Answer(f"Continuous, per standard deviation between patients, and in two groups. {cut}")


def _specification(run: Run) -> Answer:
    folders = [run.results / "models" / name / job for name in run.networks for job in run.jobs]
    n_files = sum((folder / "networks.safetensors").is_file() for folder in folders)
    if not n_files:
        return Answer("")
    return Answer(
        f"Weights of the networks are in the results ({counted(n_files, 'file')} "
        "models/NETWORK/REPEAT_FOLD/networks.safetensors)."
    )


def _code(run: Run) -> Answer:
    licence = metadata("histosurv")["License-Expression"]
    under = f" (licence {licence})" if licence else ""
    return Answer(f"histosurv {histosurv.__version__}{under}.")


MODELS = {
    "handling": _handling,
    "model": _model,
    "updating": _updating,
    "calculation": _calculation,
    "imbalance": _imbalance,
    "output": _output,
    "marker": _marker,
    "specification": _specification,
    "code": _code,
}
