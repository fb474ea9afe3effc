"""Commands of the room `features`: weights, computing, importing, verifying."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from histosurv.cli.command import careful
from histosurv.cli.options import (
    Batch,
    Batches,
    Cores,
    Out,
    Patients,
    PerJob,
    Seed,
    Slides,
    Spots,
    SpotsAsJson,
    Unmatched,
    spot_settings_of,
)

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.

Store = Annotated[Path, typer.Option(help="folder of the feature files")]
Index = Annotated[Path, typer.Option(writable=True, help="index of the batch to write")]

app = typer.Typer(
    no_args_is_help=True, help="Compute, import or verify the feature files, one per spot."
)


def weights(
    source: Annotated[str, typer.Argument(help="imagenet, hub, random, or a file or folder")],
    out: Out,
    encoder: Annotated[
        str,
        typer.Option(help="vgg16, torchvision/NAME, timm/NAME, hub/OWNER/NAME, uni, virchow2, ..."),
    ] = "vgg16",
    convention: Annotated[
        Literal["auto", "torchvision", "caffe"],
        typer.Option(help="of a VGG-16 file: RGB in units of spread, or BGR less the mean"),
    ] = "auto",
    seed: Seed = 2018,
) -> None:
    """Bring the encoder's weights into one file, whatever their source.

    Example: histosurv weights imagenet --out results/weights/encoder.safetensors
    """
    from histosurv.features.weights import prepare_weights
    from histosurv.progress import say

    header = prepare_weights(encoder, source, out, convention=convention, seed=seed)
    for key, value in header.items():
        say(f"{key}: {value}")


@app.command("compute")
@careful
def compute(
    quality: Annotated[Path, typer.Option(help="spot table of `histosurv tiles`")],
    tile_table: Annotated[Path, typer.Option("--tiles", help="its tile table")],
    weights_file: Annotated[Path, typer.Option("--weights", help="file of `histosurv weights`")],
    store: Store,
    index: Index,
    throughput: Annotated[
        Path | None, typer.Option(writable=True, help="table to write: where the time went")
    ] = None,
    layer: Annotated[Literal["fc1", "fc2"], typer.Option(help="of VGG-16")] = "fc2",
    relu: Annotated[
        Literal["before", "after"], typer.Option(help="VGG-16's layer before or after ReLU")
    ] = "after",
    precision: Annotated[
        Literal["auto", "bf16", "fp32"], typer.Option(help="auto is bf16 where the hardware has it")
    ] = "auto",
    dtype: Annotated[
        Literal["float32", "float16"], typer.Option(help="how features are kept")
    ] = "float32",
    settings: SpotsAsJson = "{}",
    threads: Cores = 2,
) -> None:
    """Encode the tiles of a batch; spots that are done already are taken over.

    Example: histosurv features compute --quality quality.csv --tiles tiles.csv --weights
    encoder.safetensors --store features --index features/batches/0000.csv
    """
    from histosurv.device import use_device
    from histosurv.features.encoders import Encoder
    from histosurv.features.extract import extract
    from histosurv.publish import write_table
    from histosurv.spots.tile_table import read_quality, read_tiles

    spots, tiles = read_quality(quality), read_tiles(tile_table)
    how = spot_settings_of(settings)
    encoder = Encoder(
        weights_file,
        use_device(threads),
        tile_px=how.geometry.tile_px,
        layer=layer,
        relu=relu,
        precision=precision,
    )
    done, times = extract(spots, tiles, encoder, store, how, dtype=dtype, threads=threads)
    if throughput:
        write_table(times, throughput)
    write_table(done, index)


@app.command("import")
@careful
def take_over(
    patients: Patients,
    source: Annotated[Path, typer.Argument(help="folder with {spot_id}.h5 or .npz")],
    batch: Batch,
    store: Store,
    index: Index,
    spots: Spots = None,
    slides: Slides = None,
    spots_per_job: PerJob = 64,
    unmatched: Unmatched = "error",
) -> None:
    """Take over features that were computed elsewhere (CLAM, TRIDENT, STAMP, NumPy).

    Example: histosurv features import my_features --patients patients.csv --spots spots.csv
    --batch 0 --store features --index features/batches/0000.csv
    """
    from histosurv.cohort.membership import read_cohort
    from histosurv.features.imports import import_features
    from histosurv.publish import write_table

    cohort = read_cohort(patients, spots, slides, unmatched=unmatched, with_images=False)
    rows = cohort.batch(batch, spots_per_job)
    write_table(import_features(rows, source, store), index)


@app.command("drift")
@careful
def drift(
    own: Annotated[Path, typer.Option("--from", help="results of the development cohort")],
    own_batches: Annotated[int, typer.Option("--from-batches", min=1, help="its batches")],
    cohort: Annotated[Path, typer.Option(help="results of an external cohort")],
    batches: Batches,
    out: Out,
) -> None:
    """Tell how far the features of an external cohort lie from those of the development cohort.

    Example: histosurv features drift --from results/development --from-batches 3 --cohort
    results/elsewhere --batches 2 --out results/elsewhere/features/drift.csv
    """
    from histosurv.features.drift import drift_table
    from histosurv.publish import write_table

    write_table(drift_table(own, own_batches, cohort, batches), out)


@app.command("verify")
@careful
def verify(
    store: Annotated[Path, typer.Argument(help="folder of the feature files")] = Path(
        "results/development/features"
    ),
) -> None:
    """Hash every feature file again and say which are not what was written.

    Example: histosurv features verify results/development/features
    """
    from histosurv.errors import InputError
    from histosurv.features.verification import verify as verify_store

    found = verify_store(store)
    bad = found[found["problem"] != ""]
    for row in bad.itertuples():
        typer.echo(f"{row.file}: spot {row.spot_id!r}: {row.problem}")
    if len(bad):
        raise InputError(
            f"{store}: {len(bad)} of {len(found)} feature files are not what was written; make "
            "them again with: snakemake --forcerun features (import_features for imported ones)"
        )
    typer.echo(f"{len(found)} feature files are as they were written")
