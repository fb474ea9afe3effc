"""Commands of the room `models`, one per rule."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from histosurv.cli.options import (
    Batches,
    CohortFolder,
    FeatureFolder,
    Fold,
    Out,
    OutFolder,
    Repeat,
    Seed,
    settings_of,
)
from histosurv.models.names import Baseline, Control, Network

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.

Budget = Annotated[
    int, typer.Option("--settings", min=1, help="settings tried by inner resampling")
]
InnerFolds = Annotated[int, typer.Option(min=2, help="folds of the inner resampling")]


def train(
    network: Annotated[Network, typer.Argument(help="which network")],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    batches: Batches,
    repeat: Repeat,
    fold: Fold,
    out: OutFolder,
    settings: Annotated[
        str,
        typer.Option(
            help="of the config's models: as JSON: network (its section), training, tuning; "
            "defaults without it"
        ),
    ] = "{}",
    seed: Seed = 2018,
    threads: Annotated[
        int, typer.Option(min=1, help="networks at once; they change the speed, and no number")
    ] = 2,
) -> None:
    """Train a network on one fold; score its test patients and their spots.

    Writes scores.csv, validation.csv, calibration.json, spots.csv, networks.safetensors, tuning.csv
    (settings tried within the fit part), training.csv (learning curves) and gradients.csv (whether
    the error reaches the first tiles). A training that was interrupted goes on where it stood.

    Example: histosurv train lstm --cohort results/development/cohort --features
    results/development/features --batches 3 --repeat 1 --fold 1 --settings '{"training": {"loss":
    "cox"}}' --out results/models/lstm/1_1
    """
    import shutil

    from histosurv.config import complete_section
    from histosurv.device import use_device
    from histosurv.errors import InputError
    from histosurv.models.job import read_job
    from histosurv.models.settings import Candidates
    from histosurv.models.training import score_network
    from histosurv.models.tuning import choose
    from histosurv.publish import write_table

    def checked(keys: dict) -> Candidates:
        if not isinstance(keys, dict):
            raise InputError("--settings: is no section; give network, training and tuning")
        if unknown := set(keys) - {"network", "training", "tuning"}:
            raise InputError(
                f"--settings: unknown key {min(unknown)!r}; give network, training and tuning"
            )
        as_in_config = {network if key == "network" else key: keys[key] for key in keys}
        models = complete_section("models", as_in_config, "--settings")
        parts = {"network": network, "training": "training", "tuning": "tuning"}
        return Candidates.of({part: models[key] for part, key in parts.items()})

    candidates = settings_of(settings, checked)
    device = use_device(threads)
    job = read_job(cohort_folder, feature_folder, batches, repeat=repeat, fold=fold, seed=seed)
    checkpoints = out / "checkpoints"
    how = {"threads": threads, "checkpoints": checkpoints}
    chosen, tuning = choose(network, job, candidates, device, **how)
    scores, spots, trained = score_network(network, job, chosen, device, **how)
    trained.ensemble.save(out / "networks.safetensors")
    write_table(tuning, out / "tuning.csv")
    write_table(trained.curve, out / "training.csv")
    write_table(trained.gradients, out / "gradients.csv")
    write_table(spots, out / "spots.csv")
    scores.write(out)
    shutil.rmtree(checkpoints, ignore_errors=True)


def baseline(
    name: Annotated[Baseline, typer.Argument(help="name of the model")],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    batches: Batches,
    repeat: Repeat,
    fold: Fold,
    out: OutFolder,
    pooling: Annotated[
        Literal["mean", "mean_std", "max", "fisher"],
        typer.Option(help="how the tiles of a spot become one vector"),
    ] = "mean",
    n_settings: Budget = 6,
    inner_folds: InnerFolds = 5,
    seed: Seed = 2018,
) -> None:
    """Fit a classical model on one fold and score its test patients.

    Writes scores.csv, validation.csv, calibration.json and tuning.csv.

    Example: histosurv baseline svm --cohort results/development/cohort --features
    results/development/features --batches 3 --repeat 1 --fold 1 --out results/models/svm/1_1
    """
    from histosurv.models.baselines import score_baseline
    from histosurv.models.job import read_job
    from histosurv.publish import write_table

    job = read_job(cohort_folder, feature_folder, batches, repeat=repeat, fold=fold, seed=seed)
    budget = {"n_settings": n_settings, "inner_folds": inner_folds}
    scores, fitted = score_baseline(name, job, pooling, **budget)
    write_table(fitted.tuning, out / "tuning.csv")
    scores.write(out)


def clinical(
    cohort_folder: CohortFolder,
    covariate: Annotated[list[str], typer.Option(help="column of the patient table")],
    repeat: Repeat,
    fold: Fold,
    out: OutFolder,
    network: Annotated[
        Path | None, typer.Option(help="folder of a network's job, to be joined with")
    ] = None,
    n_settings: Budget = 6,
    inner_folds: InnerFolds = 5,
    seed: Seed = 2018,
) -> None:
    """Fit Cox regression on clinical covariates, perhaps joined with a network's score.

    Example: histosurv clinical --cohort results/development/cohort --covariate age --covariate
    stage --network results/models/lstm/1_1 --repeat 1 --fold 1 --out
    results/models/clinical_lstm/1_1
    """
    from histosurv.models.clinical import score_clinical
    from histosurv.models.job import read_job
    from histosurv.publish import write_table

    job = read_job(cohort_folder, None, repeat=repeat, fold=fold, seed=seed)
    budget = {"n_settings": n_settings, "inner_folds": inner_folds}
    scores, tuning = score_clinical(job, covariate, network, **budget)
    write_table(tuning, out / "tuning.csv")
    scores.write(out)


def scores(
    cohort_folder: CohortFolder,
    models: Annotated[Path, typer.Option(help="folder of the models' scores")],
    out: Out,
    spots_out: Annotated[Path, typer.Option(writable=True, help="scores of single spots to write")],
    model: Annotated[list[str] | None, typer.Option(help="name of a model")] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="name of a model that scores single spots")
    ] = None,
    orders_out: Annotated[
        Path | None, typer.Option(writable=True, help="scores in other orders of tiles to write")
    ] = None,
    reader: Annotated[list[str] | None, typer.Option(help="column of a pathologist")] = None,
    grade_high: Annotated[int, typer.Option(help="lowest grade that counts as high")] = 3,
) -> None:
    """Gather the scores of models and pathologists in one table.

    Example: histosurv scores --cohort results/development/cohort --models results/models --model
    lstm --network lstm --reader reader_1 --out results/development/scores.csv --spots-out
    results/development/spot_scores.csv
    """
    from histosurv.models.scores import gather_order_scores, gather_scores, gather_spot_scores
    from histosurv.publish import write_table

    write_table(gather_scores(cohort_folder, models, model or [], reader or [], grade_high), out)
    write_table(gather_spot_scores(cohort_folder, models, network or []), spots_out)
    if orders_out:
        write_table(gather_order_scores(cohort_folder, models, network or []), orders_out)


def attribute(
    model: Annotated[Path, typer.Argument(help="folder of a network's job")],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    batches: Batches,
    repeat: Repeat,
    fold: Fold,
    out: OutFolder,
    orders: Annotated[int, typer.Option(min=2, help="random orders of the tiles")] = 20,
    seed: Seed = 2018,
    threads: Annotated[
        int, typer.Option(min=1, help="patients at once; they change the speed, and no number")
    ] = 2,
) -> None:
    """Tell which tiles make the test patients' risks, and what the order of the tiles does.

    Writes attribution.csv (contribution of every tile, running risk, attention) and orders.csv
    (scores with the tiles in random orders).

    Example: histosurv attribute results/models/lstm/1_1 --cohort results/development/cohort
    --features results/development/features --batches 3 --repeat 1 --fold 1 --out
    results/models/lstm/1_1
    """
    import json

    from histosurv.device import use_device
    from histosurv.models import attribution
    from histosurv.models.calibration import Line
    from histosurv.models.ensemble import Ensemble
    from histosurv.models.job import read_job, refuse_other_fold
    from histosurv.publish import write_table

    device = use_device(threads)
    job = read_job(cohort_folder, feature_folder, batches, repeat=repeat, fold=fold, seed=seed)
    ensemble = Ensemble.load(model / "networks.safetensors", device)
    refuse_other_fold(model, job)
    calibration = json.loads((model / "calibration.json").read_text("utf-8"))
    line = Line(calibration["slope"], calibration["intercept"])
    tested = job.sequences.of_patients(job.parts["test"])
    how = {"n_orders": orders, "seed": job.seed, "threads": threads}
    shuffled = attribution.shuffled(ensemble, tested, line, **how)
    named = {"score": ensemble.name, "repeat": repeat, "fold": fold}
    write_table(shuffled.assign(**named), out / "orders.csv")
    write_table(
        attribution.attribute(ensemble, tested, line, threads=threads), out / "attribution.csv"
    )


def control(
    name: Annotated[Control, typer.Argument(help="name of the control")],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    batches: Batches,
    out: OutFolder,
    spots: Annotated[
        Path | None, typer.Option(help="folder of the tile tables, for the control background")
    ] = None,
    seed: Seed = 2018,
) -> None:
    """Write the cohort of a negative control, on which the same steps are run.

    Example: histosurv control permuted --cohort results/development/cohort --features
    results/development/features --batches 3 --out results/controls/permuted/development
    """
    from histosurv.models.controls import write_control

    write_control(name, cohort_folder, feature_folder, out, batches, spots=spots, seed=seed)
