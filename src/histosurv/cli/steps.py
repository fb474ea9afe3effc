"""Commands that the workflow calls, one per rule, in its order; each runs by hand too."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from histosurv.cli.options import (
    Batch,
    Batches,
    CohortFolder,
    FeatureFolder,
    Fold,
    Out,
    OutFolder,
    Patients,
    PerJob,
    Repeat,
    Seed,
    Slides,
    Spots,
    SpotsAsJson,
    Threads,
    Unmatched,
    settings_of,
)

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


def config(
    settings: Annotated[str, typer.Option("--json", help="the configuration as JSON")], out: Out
) -> None:
    """Write the complete configuration of a run, and say which defaults are guesses.

    Example: histosurv config --json '{"cohorts": {...}}' --out results/config.yaml
    """
    import yaml

    from histosurv.config import complete
    from histosurv.progress import say
    from histosurv.publish import published
    from histosurv.report.provenance import settings as list_settings

    filled = settings_of(settings, complete, "--json")
    for row in list_settings(filled):
        if "not confirmed" in row["study"] and row["is_default"]:
            say(f"{row['key']} = {row['value']} (default, not confirmed by the paper)")
    with published(out) as temporary:
        temporary.write_text(yaml.safe_dump(filled, sort_keys=False, allow_unicode=True), "utf-8")


def cohort(
    patients: Patients,
    out: OutFolder,
    spots: Spots = None,
    slides: Slides = None,
    unmatched: Unmatched = "error",
    without_images: Annotated[
        bool, typer.Option("--without-images", help="features are imported")
    ] = False,
    features: Annotated[
        Path | None, typer.Option(help="folder of the feature files; without it nobody is left out")
    ] = None,
    batches: Batches = 1,
) -> None:
    """Check the tables, join them, and leave out the spots that have no features.

    Example: histosurv cohort --patients demo/patients.csv --spots demo/spots.csv --out cohort
    """
    from histosurv.cohort.membership import read_cohort
    from histosurv.cohort.tables import read_indexes
    from histosurv.publish import write_table

    checked = read_cohort(
        patients, spots, slides, unmatched=unmatched, with_images=not without_images
    )
    if features:
        checked = checked.close(read_indexes(features, batches))
    for name in ("patients", "spots", "exclusions"):
        write_table(getattr(checked, name), out / f"{name}.csv")


def folds(
    patients: Annotated[Path, typer.Argument(help="checked patient table")],
    out: Out,
    repeats: Annotated[int, typer.Option(min=1, help="partitions to draw")] = 10,
    n_folds: Annotated[int, typer.Option("--folds", min=2, help="parts of the rotation")] = 3,
    strata: Annotated[list[str] | None, typer.Option(help="column to balance by")] = None,
    scheme: Annotated[
        Literal["rotation", "single"], typer.Option(help="test every part once, or the first only")
    ] = "rotation",
    seed: Seed = 2018,
) -> None:
    """Assign every patient to fit, validation and test parts.

    Example: histosurv folds results/development/cohort/patients.csv --strata stage --out folds.csv
    """
    from histosurv.cohort.folds import rotate
    from histosurv.cohort.tables import read_patients
    from histosurv.publish import write_table

    table = read_patients(patients, strata=strata or [])
    how = {"n_repeats": repeats, "n_folds": n_folds, "strata": strata or [], "scheme": scheme}
    write_table(rotate(table, seed=seed, **how), out)


def tiles(
    patients: Patients,
    batch: Batch,
    out: Out,
    quality: Annotated[Path, typer.Option(help="table of the spots to write")],
    spots: Spots = None,
    slides: Slides = None,
    cores: Annotated[Path | None, typer.Option(help="folder of the slides' core tables")] = None,
    sheet: Annotated[Path | None, typer.Option(help="contact sheet to write (JPEG)")] = None,
    settings: SpotsAsJson = "{}",
    spots_per_job: PerJob = 64,
    unmatched: Unmatched = "error",
    threads: Threads = 2,
) -> None:
    """Cut the spots of a batch into tiles and judge them.

    Example: histosurv tiles --patients demo/patients.csv --spots demo/spots.csv --batch 0
    --out tiles.csv --quality quality.csv --sheet sheet.jpg
    """
    from histosurv.cohort.membership import read_cohort
    from histosurv.publish import write_table
    from histosurv.spots.contact_sheet import write_sheet
    from histosurv.spots.cores import with_cores
    from histosurv.spots.preparation import SpotSettings
    from histosurv.spots.tile_table import tabulate

    rows = read_cohort(patients, spots, slides, unmatched=unmatched).batch(batch, spots_per_job)
    done = tabulate(with_cores(rows, cores), settings_of(settings, SpotSettings.of), threads)
    write_table(done.tiles, out)
    if sheet:
        write_sheet(done.thumbnails, sheet)
    write_table(done.spots, quality)


def train(
    network: Annotated[Literal["lstm", "attention_mil"], typer.Argument(help="which network")],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    batches: Batches,
    repeat: Repeat,
    fold: Fold,
    settings: Annotated[
        str, typer.Option(help="of the config's models: as JSON, its section and training")
    ],
    out: OutFolder,
    seed: Seed = 2018,
    threads: Annotated[
        int, typer.Option(min=1, help="networks at once; they change the speed, and no number")
    ] = 2,
) -> None:
    """Train a network on one fold; score its test patients and their spots.

    Writes scores.csv, spots.csv, training.csv (learning curves) and gradients.csv (whether the
    error reaches the first tiles). A training that was interrupted goes on where it stood.

    Example: histosurv train lstm --cohort results/development/cohort --features
    results/development/features --batches 3 --repeat 1 --fold 1 --settings '{"network": {...},
    "training": {...}}' --out results/models/lstm/1_1
    """
    import shutil

    from histosurv.device import use_device
    from histosurv.models.job import read_job
    from histosurv.models.training import NetworkSettings, score_network
    from histosurv.publish import write_table

    how = settings_of(settings, NetworkSettings.of)
    device = use_device(threads)
    job = read_job(cohort_folder, feature_folder, batches, repeat=repeat, fold=fold, seed=seed)
    checkpoints = out / "checkpoints"
    scores, spots, trained = score_network(
        network, job, how, device, threads=threads, checkpoints=checkpoints
    )
    write_table(trained.curve, out / "training.csv")
    write_table(trained.gradients, out / "gradients.csv")
    write_table(spots, out / "spots.csv")
    write_table(scores, out / "scores.csv")
    shutil.rmtree(checkpoints, ignore_errors=True)


def baseline(
    name: Annotated[
        Literal["logistic", "elastic_net", "naive_bayes", "svm", "cox"],
        typer.Argument(help="name of the model"),
    ],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    batches: Batches,
    repeat: Repeat,
    fold: Fold,
    out: Out,
    pooling: Annotated[
        Literal["mean", "mean_std", "max", "fisher"],
        typer.Option(help="how the tiles of a spot become one vector"),
    ] = "mean",
    seed: Seed = 2018,
) -> None:
    """Fit a classical model on one fold and score its test patients.

    Example: histosurv baseline svm --cohort results/development/cohort --features
    results/development/features --batches 3 --repeat 1 --fold 1 --out scores.csv
    """
    from histosurv.models.baselines import score_baseline
    from histosurv.models.job import read_job
    from histosurv.publish import write_table

    job = read_job(cohort_folder, feature_folder, batches, repeat=repeat, fold=fold, seed=seed)
    write_table(score_baseline(name, job, pooling), out)


def scores(
    cohort_folder: CohortFolder,
    models: Annotated[Path, typer.Option(help="folder of the models' scores")],
    out: Out,
    spots_out: Annotated[Path, typer.Option(help="scores of single spots to write")],
    model: Annotated[list[str] | None, typer.Option(help="name of a model")] = None,
    network: Annotated[
        list[str] | None, typer.Option(help="name of a model that scores single spots")
    ] = None,
    reader: Annotated[list[str] | None, typer.Option(help="column of a pathologist")] = None,
    grade_high: Annotated[int, typer.Option(help="lowest grade that counts as high")] = 3,
) -> None:
    """Gather the scores of models and pathologists in one table.

    Example: histosurv scores --cohort results/development/cohort --models results/models --model
    lstm --network lstm --reader reader_1 --out results/development/scores.csv --spots-out
    results/development/spot_scores.csv
    """
    from histosurv.models.scores import gather_scores, gather_spot_scores
    from histosurv.publish import write_table

    write_table(gather_scores(cohort_folder, models, model or [], reader or [], grade_high), out)
    write_table(gather_spot_scores(cohort_folder, models, network or []), spots_out)
