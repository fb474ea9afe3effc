"""Commands that the workflow calls, one per rule, in its order; each runs by hand too."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from histosurv.cli.options import (
    AdministrativeCut,
    Batch,
    Batches,
    Cores,
    Out,
    OutFolder,
    Patients,
    PerJob,
    Seed,
    Slides,
    Spots,
    SpotsAsJson,
    Unmatched,
    settings_of,
    spot_settings_of,
)

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


def config(
    settings: Annotated[str, typer.Option("--json", help="the configuration as JSON")], out: Out
) -> None:
    """Write the complete configuration of a run, and say which defaults are guesses.

    Example: histosurv config --json '{"cohorts": {"development": {"patients": "p.csv", "spots":
    "s.csv"}}}' --out results/config.yaml
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
    administrative_cut: AdministrativeCut = False,
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
    from histosurv.errors import InputError
    from histosurv.publish import write_table

    written = [out / f"{name}.csv" for name in ("patients", "spots", "exclusions")]
    for path in filter(None, (patients, spots, slides)):
        if path.resolve() in [other.resolve() for other in written]:
            raise InputError(
                f"--out {out}: {path}, which is read, would be overwritten; name another folder"
            )
    checked = read_cohort(
        patients,
        spots,
        slides,
        unmatched=unmatched,
        with_images=not without_images,
        administrative_cut=administrative_cut,
    )
    if features:
        checked = checked.close(read_indexes(features, batches))
    for path in written:
        write_table(getattr(checked, path.stem), path)


def folds(
    patients: Annotated[Path, typer.Argument(help="checked patient table")],
    out: Out,
    repeats: Annotated[int, typer.Option(min=1, help="partitions to draw")] = 10,
    n_folds: Annotated[int, typer.Option("--folds", min=2, help="parts of the rotation")] = 3,
    strata: Annotated[list[str] | None, typer.Option(help="column to balance by")] = None,
    scheme: Annotated[
        Literal["rotation", "single", "blocks"],
        typer.Option(help="test every part once, or the first only; blocks keeps blocks whole"),
    ] = "rotation",
    spots: Annotated[
        Path | None, typer.Option(help="checked spot table, for the scheme blocks")
    ] = None,
    seed: Seed = 2018,
) -> None:
    """Assign every patient to fit, validation and test parts.

    Example: histosurv folds results/development/cohort/patients.csv --strata stage --out folds.csv
    """
    from histosurv.cohort.folds import rotate
    from histosurv.cohort.tables import read_checked_spots, read_patients
    from histosurv.errors import InputError
    from histosurv.publish import write_table

    table = read_patients(patients, strata=strata or [])
    if scheme == "blocks" and spots is None:
        raise InputError("--scheme blocks: name the checked spot table with --spots")
    placed = read_checked_spots(spots) if scheme == "blocks" else None
    how = {"n_repeats": repeats, "n_folds": n_folds, "strata": strata or [], "scheme": scheme}
    write_table(rotate(table, seed=seed, spots=placed, **how), out)


def tiles(
    patients: Patients,
    batch: Batch,
    out: Out,
    quality: Annotated[Path, typer.Option(writable=True, help="table of the spots to write")],
    spots: Spots = None,
    slides: Slides = None,
    cores: Annotated[Path | None, typer.Option(help="folder of the slides' core tables")] = None,
    sheet: Annotated[
        Path | None, typer.Option(writable=True, help="contact sheet to write (JPEG)")
    ] = None,
    thumbnails: Annotated[
        Path | None,
        typer.Option(writable=True, help="small plain pictures of the spots to write (ZIP)"),
    ] = None,
    settings: SpotsAsJson = "{}",
    spots_per_job: PerJob = 64,
    unmatched: Unmatched = "error",
    threads: Cores = 2,
) -> None:
    """Cut the spots of a batch into tiles and judge them.

    Example: histosurv tiles --patients demo/patients.csv --spots demo/spots.csv --batch 0
    --out tiles.csv --quality quality.csv --sheet sheet.jpg --thumbnails spots.zip
    """
    from histosurv.cohort.membership import read_cohort
    from histosurv.cohort.tables import refuse_missing_images
    from histosurv.publish import write_table
    from histosurv.spots.contact_sheet import write_sheet
    from histosurv.spots.cores import with_cores
    from histosurv.spots.thumbnails import write_thumbnails
    from histosurv.spots.tile_table import tabulate

    cohort = read_cohort(patients, spots, slides, unmatched=unmatched, look=False)
    rows = cohort.batch(batch, spots_per_job)
    refuse_missing_images(rows)
    done = tabulate(with_cores(rows, cores), spot_settings_of(settings), threads)
    write_table(done.tiles, out)
    if sheet:
        write_sheet(done.panels, sheet)
    if thumbnails:
        write_thumbnails(done.thumbnails, thumbnails)
    write_table(done.spots, quality)
