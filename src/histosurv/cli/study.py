"""Commands that a person types."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from histosurv.cli.options import (
    AdministrativeCut,
    Batches,
    CohortFolder,
    Cores,
    FeatureFolder,
    Out,
    OutFolder,
    Seed,
    settings_of,
)

if TYPE_CHECKING:
    import pandas as pd

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


def demo(
    folder: Annotated[Path, typer.Argument(help="folder to write the cohort to")],
    patients: Annotated[int, typer.Option(min=1, help="number of patients")] = 120,
    spot_px: Annotated[
        int, typer.Option(min=224, help="side of a spot; the study's is 3500")
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
    from histosurv.errors import InputError

    if (folder / "patients.csv").exists() and not (folder / "truth.csv").exists():
        raise InputError(
            f"{folder / 'patients.csv'} is there and is no simulated cohort; name another folder"
        )
    write_demo(folder, n_patients=patients, spot_px=spot_px, seed=seed, null=null, slides=slides)


def dearray(
    slide: Annotated[Path, typer.Argument(help="slide or overview of a tissue microarray")],
    rows: Annotated[int, typer.Option(min=1, help="rows of the array")],
    columns: Annotated[int, typer.Option(min=1, help="columns of the array")],
    core_diameter_um: Annotated[float, typer.Option(min=1, help="diameter of a core")],
    map_file: Annotated[
        Path, typer.Option("--map", help="CSV: row, column, patient_id, control or empty")
    ],
    out: Annotated[Path, typer.Option("--out", help="core table to write")] = Path("cores.csv"),
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


def evaluate(
    patients: Annotated[Path, typer.Option(help="patient table (CSV)")],
    out: OutFolder,
    scores_file: Annotated[
        Path | None,
        typer.Option("--scores", help="score table (CSV); without it readers and grade alone"),
    ] = None,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="study's config: its evaluation:, readers and grade"),
    ] = None,
    settings: Annotated[
        str, typer.Option(help="the config's evaluation: as JSON; defaults without it")
    ] = "",
    reader: Annotated[
        list[str] | None, typer.Option(help="column of the patient table with low or high")
    ] = None,
    grade_high: Annotated[
        int | None, typer.Option(min=1, help="evaluate grade too: lowest that counts as high")
    ] = None,
    administrative_cut: AdministrativeCut = False,
    spots: Annotated[
        Path | None, typer.Option(help="spot table (CSV), for the blocks of the patients")
    ] = None,
    spot_scores: Annotated[
        Path | None,
        typer.Option(help="scores of single spots (CSV), for the agreement between a patient's"),
    ] = None,
    quality: Annotated[
        list[Path] | None,
        typer.Option(help="quality table of spots (CSV), to leave out those with a remark"),
    ] = None,
    order_scores: Annotated[
        Path | None,
        typer.Option(help="scores in other orders of tiles (CSV), for what the order does"),
    ] = None,
    threads: Cores = 2,
) -> None:
    """Evaluate any risk scores, beside pathologists and grade: no image needed.

    Writes metrics.csv (every figure with its interval, n and events), one table per curve, and
    warnings.csv.

    Example: histosurv evaluate --patients patients.csv --scores scores.csv --reader reader_1
    --out evaluation
    """
    import pandas as pd

    from histosurv.cohort.columns import require_columns
    from histosurv.cohort.tables import read_patients
    from histosurv.config import check_section, read_section
    from histosurv.errors import InputError
    from histosurv.evaluation.metrics import evaluate as evaluate_scores
    from histosurv.evaluation.scores import read_order_scores, read_scores, refuse_namesakes
    from histosurv.evaluation.spots import Spots
    from histosurv.evaluation.study import MAJORITY, Settings
    from histosurv.progress import say
    from histosurv.publish import write_table

    if quality and not spot_scores:
        raise InputError("--quality: needs --spot-scores, the scores of the single spots")
    asked = read_section(config_file, "evaluation") if config_file else {}
    of_cohort = read_section(config_file, "cohort") if config_file else {}
    readers = list(dict.fromkeys(reader or of_cohort.get("readers", [])))
    if settings:
        asked = settings_of(settings, dict)
        of_study = asked.pop("readers", [])
        readers = readers or of_study
        check_section("evaluation", asked, "--settings")
    elif spots and not config_file:
        asked = {"subgroups": ["block"]}
    cut = administrative_cut or of_cohort.get("administrative_cut", False)
    table = read_patients(patients, readers=readers, administrative_cut=cut)
    require_columns(table, ["grade"] if grade_high else [], patients, "--grade-high")
    if "grade" in table:
        grade_high = grade_high or of_cohort.get("grade_high")
    if not (scores_file or readers or grade_high):
        raise InputError("nothing to evaluate: give --scores, --reader or --grade-high")
    scores = read_scores(scores_file, table) if scores_file else None
    if scores is not None and not (config_file or settings):
        refuse_namesakes(scores, {*readers, MAJORITY} if readers else set(), scores_file)
    if readers or grade_high:
        scores = _with_calls(scores, table, readers, grade_high, asked.get("primary", ""))
    question = Settings.of(asked | {"readers": readers}, list(scores["score"].unique()))
    orders = read_order_scores(order_scores) if order_scores else None
    of_spots = Spots.read(spot_scores, spots, quality)
    result = evaluate_scores(table, scores, of_spots, orders, question, threads)
    for name, curve in result.curves.items():
        write_table(curve, out / f"{name}.csv")
    write_table(pd.DataFrame({"warning": result.warnings}), out / "warnings.csv")
    write_table(result.metrics, out / "metrics.csv")
    for warning in result.warnings:
        say(warning)
    say(f"figures are in {out / 'metrics.csv'}")


def _with_calls(
    scores: "pd.DataFrame | None",
    patients: "pd.DataFrame",
    readers: list[str],
    grade_high: int | None,
    primary: str,
) -> "pd.DataFrame":
    """Scores with those of readers and grade, in the folds of the study's own score.

    A study's own score table has them already.
    """
    import pandas as pd

    from histosurv.errors import InputError
    from histosurv.evaluation.scores import with_outcomes
    from histosurv.models.comparators import comparator_scores

    brought = [] if scores is None else sorted(scores["score"].unique())
    tested = patients[["patient_id"]].assign(repeat=1, fold=1)
    if brought:
        tested = scores[scores["score"] == (primary if primary in brought else brought[0])]
    calls = comparator_scores(
        patients, tested.assign(part="test"), readers=readers, grade_high=grade_high
    )
    if calls.empty:
        if not brought:
            raise InputError("nothing to evaluate: no reader and no grade has a filled cell")
        return scores
    calls = with_outcomes(calls[~calls["score"].isin(brought)], patients)
    return pd.concat([scores, calls]) if brought else calls


def predict(
    bundle_folder: Annotated[Path, typer.Argument(metavar="BUNDLE", help="folder of the models")],
    spots: Annotated[
        list[Path],
        typer.Argument(
            metavar="SPOT...",
            help="pictures (or feature files) of one patient, or one spot table (CSV) of several",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="folder to write to")] = Path("prediction"),
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
    from histosurv.models.prediction import predict as estimate
    from histosurv.models.prediction import read_newcomers
    from histosurv.report.prediction import write_prediction

    device = use_device(threads)
    bundle = read_bundle(bundle_folder)
    new = read_newcomers(bundle, spots, patient, device, weights=weights, threads=threads)
    patients, tiles = estimate(bundle, new, device, threads)
    write_prediction(bundle, new, patients, tiles, out)


def report(
    config_file: Annotated[Path, typer.Option("--config", help="file of `histosurv config`")],
    cohort_folder: CohortFolder,
    feature_folder: FeatureFolder,
    models: Annotated[Path, typer.Option(help="folder of the models")],
    evaluation: Annotated[Path, typer.Option(help="folder of the evaluation")],
    out: Out,
    spots: Annotated[
        Path | None, typer.Option(help="folder of the spots; without it features were imported")
    ] = None,
    control: Annotated[
        list[Path] | None, typer.Option(help="metrics table of a control, in CONTROL/*/evaluation")
    ] = None,
    batches: Batches = 1,
) -> None:
    """Write the study report, one HTML file.

    Example: histosurv report --config results/config.yaml --cohort results/development/cohort
    --features results/development/features --models results/models --evaluation
    results/development/evaluation --out study.html
    """
    from histosurv.report.build import build_report

    build_report(
        config_path=config_file,
        cohort=cohort_folder,
        features=feature_folder,
        models=models,
        evaluation=evaluation,
        out=out,
        spots=spots,
        controls={path.parents[2].name: path for path in control or []},
        n_batches=batches,
    )
