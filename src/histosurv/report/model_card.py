"""What a bundle's models are, what they were seen to do, and what they are not for."""

from pathlib import Path

import pandas as pd

import histosurv
from histosurv.models.bundle import Bundle
from histosurv.publish import published
from histosurv.report.tables import read_metrics
from histosurv.report.wording import interval, name_of

_TABLE = {"auc_60m": "five-year AUC", "hr_high_low": "hazard ratio, high against low risk"}


def write_model_card(bundle: Bundle, metrics_path: Path, path: Path) -> None:
    """Write the model card (Markdown); every figure comes from the bundle and the metrics table."""
    metrics = read_metrics(metrics_path)
    about, cohort = bundle.about, bundle.about["cohort"]
    recipe = about["features"]["recipe"]
    least, most = about["features"]["n_tiles"]
    lines = [
        f"# Model card: {about['title']}",
        "",
        f"Made by histosurv {histosurv.__version__}.",
        "",
        "## What it does",
        "",
        "Estimates the risk that a patient dies of the cancer within five years from H&E "
        "tissue-microarray spots alone.",
        "",
        "## Who taught it",
        "",
        f"{cohort['n_patients']} patients; {cohort['n_cancer_deaths']} died of the cancer "
        f"({cohort['n_dead_60m']} within five years; {cohort['n_alive_60m']} were known alive "
        f"then, of {cohort['n_unknown_60m']} it is not known). Median time in the table: "
        f"{cohort['median_time_months']:.0f} months. {_parts(about['folds'])}",
        "",
        *_composition(cohort),
        "## What it reads",
        "",
        *(f"- {key.replace('_', ' ')}: {value}" for key, value in sorted(recipe.items())),
        f"- tiles per spot: {least} to {most}, {about['features']['n_features']} features each",
        "",
        *_random(recipe),
        "## How good it was on patients whom it had not seen",
        "",
        f"| model | folds | {' | '.join(_TABLE.values())} |",
        f"|---|---|{'---|' * len(_TABLE)}",
    ]
    for name, members in about["models"].items():
        rows = metrics[metrics["score"] == name].set_index("estimand")
        cells = " | ".join(_cell(rows, estimand) for estimand in _TABLE)
        lines.append(f"| {name_of(name)} | {len(members)} | {cells} |")
    lines += [
        "",
        "With 95 % intervals, within the development cohort. What the models do in external "
        "cohorts, if any was tried, stands in the study's report. "
        + _averaged(bundle.config["resampling"]["repeats"])
        + "In the study each patient was scored by the model of the one fold that had not seen "
        "him or her; a new patient is scored by the mean of all.",
        "",
        "## What it is not for",
        "",
        "No decision on a patient's treatment. Tissue of other organs, stains, scanners or "
        "laboratories than those of the development cohort. Its risks are those of a cohort in "
        f"which {cohort['n_dead_60m']} of "
        f"{cohort['n_dead_60m'] + cohort['n_alive_60m']} patients with a known outcome had died.",
        "",
    ]
    with published(path) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")


def _parts(folds: list[dict]) -> str:
    fits, validations = ({fold[part] for fold in folds} for part in ("fit", "validation"))
    told = [" to ".join(map(str, sorted({min(of), max(of)}))) for of in (fits, validations)]
    each = "Each fold's models were" if len(folds) > 1 else "The models were"
    return f"{each} fitted to {told[0]} of them, and stopped and calibrated by {told[1]}."


def _averaged(repeats: int) -> str:
    if repeats == 1:
        return ""
    return (
        f"The figures are of scores averaged over {repeats} partitions; the models here are those "
        "of the first. "
    )


def _cell(rows: pd.DataFrame, estimand: str) -> str:
    row = rows.loc[estimand]
    return f"{interval(row)}; n = {row['n']:.0f}, {row['events']:.0f} deaths"


def _composition(cohort: dict) -> list[str]:
    lines = []
    if "age_quartiles" in cohort:
        low, middle, high = cohort["age_quartiles"]
        lines.append(f"- age: median {middle:.0f}, quartiles {low:.0f} and {high:.0f}")
    for name in ("sex", "stage", "grade"):
        if name in cohort:
            counts = ", ".join(f"{kind} {n}" for kind, n in cohort[name].items())
            lines.append(f"- {name}: {counts}")
    return [*lines, ""] if lines else []


def _random(recipe: dict) -> list[str]:
    if "random" not in recipe.get("weights", "") + recipe.get("fully_connected", ""):
        return []
    return ["**The encoder's weights were (partly) drawn at random: for trying out only.**", ""]
