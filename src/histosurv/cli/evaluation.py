"""The command that evaluates any scores."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from histosurv.cli.options import AdministrativeCut, Cores, OutFolder, settings_of

if TYPE_CHECKING:
    import pandas as pd

# Rooms are imported inside the commands, so that `histosurv --help` answers at once.


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
        typer.Option(
            help="quality table of spots (CSV), to leave out those with a remark; or with "
            "--batches the folder of those of all batches"
        ),
    ] = None,
    batches: Annotated[
        int, typer.Option(min=0, help="number of batches in the folder of quality tables")
    ] = 0,
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
    from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH
    from histosurv.cohort.tables import read_patients
    from histosurv.config import complete_section, for_readers, read_section
    from histosurv.errors import InputError
    from histosurv.evaluation.metrics import evaluate as evaluate_scores
    from histosurv.evaluation.scores import read_order_scores, read_scores, unlike
    from histosurv.evaluation.spots import Spots
    from histosurv.evaluation.study import Settings
    from histosurv.files import batch_name
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
        checked = complete_section("evaluation", asked, "--settings")
        asked = {key: checked[key] for key in asked}
        complete_section("cohort", {"readers": of_study}, "--settings")
    elif spots and not config_file:
        asked = {"subgroups": ["block"]}
    asked = for_readers(asked, readers)
    cut = administrative_cut or of_cohort.get("administrative_cut", False)
    table = read_patients(patients, readers=readers, administrative_cut=cut)
    require_columns(table, ["grade"] if grade_high else [], patients, "--grade-high")
    if "grade" in table:
        grade_high = grade_high or of_cohort.get("grade_high")
    if not (scores_file or readers or grade_high):
        raise InputError("nothing to evaluate: give --scores, --reader or --grade-high")
    scores = read_scores(scores_file, table) if scores_file else None
    if config_file and scores is not None and not asked.get("primary"):
        models = read_section(config_file, "models")
        ours = [*models["networks"], *models["baselines"]]
        asked["primary"] = next((name for name in ours if (scores["score"] == name).any()), "")
    # The workflow's own scores are of the test patients, whom it knows.
    is_brought = scores is not None and not settings
    first = _leading(scores, asked.get("primary", ""))
    warned = unlike(scores, table, first) if is_brought else []
    rare = {ALIVE: "alive at the last contact", CANCER_DEATH: "death of the cancer"}
    warned += [
        f"{patients}, column event: nobody has {code}, {meaning}; check the coding (0 alive, 1 "
        "death of the cancer, 2 other death)"
        for code, meaning in rare.items()
        if not settings and code not in set(table["event"])
    ]
    if readers or grade_high:
        calls = _calls(scores, table, readers, grade_high, first)
        twice = sorted(set(calls["score"]) & set([] if scores is None else scores["score"]))
        if twice and not (config_file or settings):
            raise InputError(
                f"{scores_file}: has a score {twice[0]!r}, as has the patient table; rename one"
            )
        # A study's own score table has them already.
        added = calls[~calls["score"].isin(twice)]
        scores = added if scores is None else pd.concat([scores, added]) if len(added) else scores
    question = Settings.of(asked | {"readers": readers}, list(scores["score"].unique()))
    orders = read_order_scores(order_scores) if order_scores else None
    if batches:
        quality = [
            f / f"{batch_name(number)}.csv" for f in quality or [] for number in range(batches)
        ]
    of_spots = Spots.read(spot_scores, spots, quality)
    result = evaluate_scores(table, scores, of_spots, orders, question, threads)
    warnings = [*warned, *result.warnings]
    for name, curve in result.curves.items():
        write_table(curve, out / f"{name}.csv")
    write_table(pd.DataFrame({"warning": warnings}), out / "warnings.csv")
    write_table(result.metrics, out / "metrics.csv")
    for warning in warnings:
        say(warning)
    say(f"figures are in {out / 'metrics.csv'}")


def _leading(scores: "pd.DataFrame | None", primary: str) -> str:
    """The score in whose patients readers and grade are evaluated: the study's, or the first."""
    brought = set() if scores is None else set(scores["score"])
    return primary if primary in brought else min(brought, default="")


def _calls(
    scores: "pd.DataFrame | None",
    patients: "pd.DataFrame",
    readers: list[str],
    grade_high: int | None,
    leading: str,
) -> "pd.DataFrame":
    """Scores of readers and grade, in the folds of the study's own score if there is one."""
    from histosurv.errors import InputError
    from histosurv.evaluation.scores import with_outcomes
    from histosurv.models.comparators import comparator_scores
    from histosurv.progress import say

    tested = patients[["patient_id"]].assign(repeat=1, fold=1)
    if scores is not None:
        tested = scores[scores["score"] == leading]
    calls = comparator_scores(
        patients, tested.assign(part="test"), readers=readers, grade_high=grade_high
    )
    if calls.empty and scores is None:
        raise InputError("nothing to evaluate: no reader and no grade has a filled cell")
    calls = with_outcomes(calls, patients)
    wanted = [*readers, "grade"] if grade_high else readers
    for name in sorted(set(wanted) - set(calls["score"])):
        say(f"{name}: no evaluated patient has a value; left out")
    return calls
