"""Commands that freeze a study's models, and use them."""

from pathlib import Path
from typing import Annotated

import typer

from histosurv.cli.options import Batches, CohortFolder, Cores, FeatureFolder, Out, OutFolder

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


def bundle(
    config_file: Annotated[Path, typer.Option("--config", help="configuration of the run")],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    models: Annotated[Path, typer.Option(help="folder of the models")],
    scores_file: Annotated[Path, typer.Option("--scores", help="score table")],
    metrics: Annotated[Path, typer.Option(help="metrics table, for the model card")],
    out: OutFolder,
    batches: Batches = 1,
) -> None:
    """Freeze a study's models in one folder, for `histosurv predict`.

    Example: histosurv bundle --config results/config.yaml --cohort results/development/cohort
    --features results/development/features --models results/models --scores
    results/development/scores.csv --metrics results/development/evaluation/metrics.csv --out
    results/bundle
    """
    from histosurv.files import read_yaml
    from histosurv.models.bundle import read_bundle, write_bundle
    from histosurv.report.model_card import write_model_card

    config = read_yaml(config_file)
    write_bundle(config, cohort_folder, feature_folder, models, scores_file, out, batches)
    write_model_card(read_bundle(out), metrics, out / "MODEL_CARD.md")


def apply(
    bundle_folder: Annotated[Path, typer.Argument(metavar="BUNDLE", help="frozen models")],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    out: Out,
    spots_out: Annotated[Path, typer.Option(writable=True, help="scores of single spots to write")],
    batches: Batches = 1,
    reader: Annotated[list[str] | None, typer.Option(help="column of a pathologist")] = None,
    grade_high: Annotated[int, typer.Option(help="lowest grade that counts as high")] = 3,
    threads: Cores = 2,
) -> None:
    """Score an external cohort with a study's frozen models, and enter its pathologists' calls.

    Example: histosurv apply results/bundle --cohort results/elsewhere/cohort --features
    results/elsewhere/features --batches 2 --out results/elsewhere/scores.csv --spots-out
    results/elsewhere/spot_scores.csv
    """
    from histosurv.device import use_device
    from histosurv.models.bundle import read_bundle
    from histosurv.models.frozen import score_cohort
    from histosurv.publish import write_table

    scores, spots = score_cohort(
        read_bundle(bundle_folder),
        cohort_folder,
        feature_folder,
        batches,
        use_device(threads),
        readers=reader or [],
        grade_high=grade_high,
        threads=threads,
    )
    write_table(scores, out)
    write_table(spots, spots_out)


def predict(
    bundle_folder: Annotated[Path, typer.Argument(metavar="BUNDLE", help="folder of the models")],
    spots: Annotated[
        list[Path],
        typer.Argument(
            metavar="SPOT...",
            help="pictures (or feature files) of one patient, or one spot table (CSV) of several",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", writable=True, help="folder to write to")] = Path(
        "prediction"
    ),
    patient: Annotated[str, typer.Option(help="name of the one patient")] = "patient",
    weights: Annotated[
        str, typer.Option(help="encoder's weights, if those that the study names are elsewhere")
    ] = "",
    threads: Cores = 2,
) -> None:
    """Estimate the risk of new patients with a study's frozen models.

    Writes prediction.json (risks with their place in the development cohort), tiles.csv
    (contribution of every tile) and one picture per patient.

    Example: histosurv predict results/bundle spot_1.png spot_2.png --patient P1 --out P1
    """
    from histosurv.device import use_device
    from histosurv.models.bundle import read_bundle
    from histosurv.models.prediction import list_spots, read_newcomers
    from histosurv.models.prediction import predict as estimate
    from histosurv.report.prediction import refuse_another, write_prediction

    table = list_spots(spots, patient)
    refuse_another(out, table)
    device = use_device(threads)
    bundle = read_bundle(bundle_folder)
    new = read_newcomers(bundle, table, device, weights=weights, threads=threads)
    patients, tiles = estimate(bundle, new, device, threads)
    write_prediction(bundle, new, patients, tiles, out)
