"""Commands that a person types."""

from pathlib import Path
from typing import Annotated

import typer

from histosurv.cli.options import Seed

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


def init(
    folder: Annotated[Path, typer.Argument(help="folder of the study; it is made")],
    study: Annotated[
        str,
        typer.Option(help="demo, own (of yours), bychkov2018, dlbcl_morph, hancock or surgen"),
    ] = "demo",
) -> None:
    """Lay out the folder of a study: config, Snakefile, profiles; for the demo its data, too.

    Example: histosurv init my_study

    Example: histosurv init my_study --study own
    """
    from histosurv.folder import DEMO, lay_out

    lay_out(folder, study)
    print(f"{folder}: laid out")
    if study != DEMO:
        print(
            "Bring the tables that its config.yaml names, which says what else is to be done; then"
        )
    print(f"go on with: cd {folder} && snakemake --cores 2")


def demo(
    folder: Annotated[Path, typer.Argument(writable=True, help="folder to write the cohort to")],
    patients: Annotated[int, typer.Option(min=1, help="number of patients")] = 120,
    spot_px: Annotated[
        int, typer.Option(min=224, max=20000, help="side of a spot; the study's is 3500")
    ] = 448,
    seed: Seed = 2018,
    null: Annotated[
        bool, typer.Option("--null", help="no link between tissue and outcome")
    ] = False,
    slides: Annotated[
        bool, typer.Option("--slides", help="whole slides with maps in place of cropped spots")
    ] = False,
) -> None:
    """Simulate a cohort with a planted signal: tables and drawn H&E spots or whole slides.

    Example: histosurv demo demo --patients 120 --spot-px 448
    """
    from histosurv.cohort.demo import write_demo
    from histosurv.cohort.demo_slides import FEWEST_PATIENTS
    from histosurv.errors import InputError

    if slides and patients < FEWEST_PATIENTS:
        raise InputError(
            f"--patients {patients}: so few cores do not tell how a slide lies; with --slides name "
            f"{FEWEST_PATIENTS} or more"
        )
    is_ours = (folder / "patients.csv").exists() and (folder / "truth.csv").exists()
    for name in ("patients.csv", "spots.csv", "slides.csv", "truth.csv", "images", "slides"):
        if (folder / name).exists() and not is_ours:
            raise InputError(
                f"{folder / name} is there and is no simulated cohort's; name another folder"
            )
    write_demo(folder, n_patients=patients, spot_px=spot_px, seed=seed, null=null, slides=slides)


def dearray(
    slide: Annotated[Path, typer.Argument(help="slide or overview of a tissue microarray")],
    rows: Annotated[int, typer.Option(min=1, help="rows of the array")],
    columns: Annotated[int, typer.Option(min=1, help="columns of the array")],
    core_diameter_um: Annotated[float, typer.Option(min=100, max=10000, help="diameter of a core")],
    map_file: Annotated[
        Path, typer.Option("--map", help="CSV: row, column, patient_id, control or empty")
    ],
    out: Annotated[Path, typer.Option("--out", writable=True, help="core table to write")] = Path(
        "cores.csv"
    ),
    mpp: Annotated[
        float | None,
        typer.Option(min=0.03, max=20, help="micrometres per pixel; else the file's"),
    ] = None,
    cores_override: Annotated[
        Path | None, typer.Option(help="checked core table (CSV, GeoJSON, .qptma), used as it is")
    ] = None,
) -> None:
    """Find the cores of a tissue microarray and tell whose they are, or say that it is not sure.

    Beside the core table an overlay (.png), QuPath's .geojson and .qptma and the verdict (.json)
    are written under the same name.

    Example: histosurv dearray slide.svs --rows 8 --columns 12 --core-diameter-um 1000 --map map.csv
    """
    from histosurv.cohort.slides import read_map
    from histosurv.errors import InputError
    from histosurv.progress import say
    from histosurv.spots.core_files import ENDINGS, publish_cores
    from histosurv.spots.cores import find_cores

    for path in filter(None, (slide, cores_override)):
        if not path.is_file():
            raise InputError(f"{path}: there is no such file; correct the path")
    inputs = {path.resolve() for path in (slide, map_file, cores_override) if path}
    for path in (out, *(out.with_suffix(ending) for ending in ENDINGS)):
        if path.resolve() in inputs:
            raise InputError(f"--out {out}: would overwrite {path}; name another file")
    found = find_cores(
        str(slide),
        read_map(map_file, rows, columns),
        rows=rows,
        columns=columns,
        core_diameter_um=core_diameter_um,
        mpp=mpp,
        override=str(cores_override or ""),
    )
    publish_cores(found, str(slide), out)
    told = found.verdict()
    say(f"{slide}: {told['n_present']} of {told['n_expected']} cores; {out}")
    for remark in found.remarks:
        say(f"{slide}: {remark}")


def report(
    results: Annotated[
        Path | None, typer.Argument(help="folder of a finished run's results")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="HTML file; by default report/study.html there")
    ] = None,
    batches: Annotated[
        int | None, typer.Option(min=1, help="number of batches; by default counted")
    ] = None,
    control: Annotated[
        list[str] | None, typer.Option(help="a negative control; by default all that were run")
    ] = None,
    benchmarks: Annotated[
        Path | None, typer.Option(help="what Snakemake measured; by default benchmarks there")
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="RUN_A RUN_B", help="say how two runs differ, in place of a report"),
    ] = None,
) -> None:
    """Write the study report, or say what differs between two runs.

    The report is one HTML file; beside it figures/ and tables/ hold everything for the paper. Two
    runs are compared in config, inputs, program and figures; with --out as a page, too.

    Example: histosurv report results

    Example: histosurv report --compare results ../other/results --out compare.html
    """
    from histosurv.errors import InputError

    if compare:
        from histosurv.report.compare import compare as tell

        print(tell(*compare, out))
        return
    if results is None:
        raise InputError("name the folder of the results, or two runs with --compare")

    from histosurv.report.build import build_report
    from histosurv.report.opening import open_results

    run = open_results(results, batches, control or [], benchmarks)
    build_report(run, out or results / "report/study.html")
