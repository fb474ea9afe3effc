"""Put the study report together."""

from pathlib import Path

import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from histosurv.cohort.folds import read_folds
from histosurv.cohort.tables import read_patients
from histosurv.models.scores import job_names
from histosurv.publish import published
from histosurv.report.controls import control_section, read_metrics
from histosurv.report.features import feature_section
from histosurv.report.figures.kaplan_meier import draw_kaplan_meier
from histosurv.report.figures.roc import draw_roc
from histosurv.report.methods import methods_text
from histosurv.report.provenance import settings, versions
from histosurv.report.spots import spot_section
from histosurv.report.training import training_section, tuning_rows
from histosurv.report.warnings import warnings_of
from histosurv.report.wording import in_order, interval, name_of, number, p_value

MAIN_SCORE = "lstm"


def build_report(
    *,
    config_path: Path,
    cohort: Path,
    features: Path,
    models: Path,
    evaluation: Path,
    out: Path,
    spots: Path | None = None,
    controls: dict[str, Path] | None = None,
    n_batches: int = 1,
) -> None:
    """Write the report as one HTML file that needs nothing else.

    Parameters
    ----------
    config_path : pathlib.Path
        The complete configuration, as the run wrote it.
    cohort, features, models, evaluation : pathlib.Path
        Folders of the rooms.
    spots : pathlib.Path, optional
        Folder of the spots; None where features were imported.
    controls : dict of str to pathlib.Path, optional
        Metrics tables of the negative controls.
    n_batches : int
        Number of batches of spots.
    out : pathlib.Path
        The HTML file.
    """
    config = yaml.safe_load(config_path.read_text(encoding="utf-8"))
    metrics = read_metrics(evaluation / "metrics.csv")
    patients = read_patients(cohort / "patients.csv")
    exclusions = pd.read_csv(cohort / "exclusions.csv", dtype=str, keep_default_na=False)
    vectors = feature_section(features, n_batches)
    pixels = spot_section(spots, n_batches) if spots else None
    jobs = job_names(read_folds(cohort / "folds.csv"))
    training = training_section(models, config["models"]["networks"], jobs, metrics)
    negative = control_section(controls or {}, config["controls"])
    counts = metrics[metrics["score"] == ""].set_index("estimand")["estimate"]
    page = _environment().get_template("study.html.j2")
    text = page.render(
        title=config["title"],
        repeats=config["resampling"]["repeats"],
        is_rotation=config["resampling"]["scheme"] != "single",
        headline=_headline(metrics),
        counts=counts,
        follow_up=interval(_row(metrics, "", "follow_up_median_months"), 1),
        warnings=warnings_of(metrics, vectors, len(exclusions), pixels)
        + training["warnings"]
        + negative["warnings"],
        controls=negative["rows"],
        training=training,
        tuning=tuning_rows(models, _tuned(config["models"]), jobs),
        spots=pixels,
        agreement=_agreement(metrics),
        exclusions=exclusions.to_dict("records"),
        table=_headline_table(metrics),
        folds=_fold_audit(cohort, patients),
        figures=_figures(evaluation, metrics),
        methods=methods_text(config, vectors, counts, _part_sizes(cohort), patients.columns),
        features=vectors,
        settings=settings(config),
        versions=versions(),
    )
    with published(out) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _tuned(models: dict) -> list[str]:
    """Models whose settings were chosen within the fit part."""
    return [
        *models["networks"],
        *models["baselines"],
        *(["clinical"] if models["clinical"] else []),
    ]


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("histosurv.report"),
        autoescape=True,  # ids and column names are text, whatever they look like
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _row(metrics: pd.DataFrame, score: str, estimand: str) -> pd.Series:
    rows = metrics[(metrics["score"] == score) & (metrics["estimand"] == estimand)]
    return rows.iloc[0]


def _agreement(metrics: pd.DataFrame) -> str:
    """Agreement between the spots of a patient, where anybody has several."""
    if "icc_spots" not in set(metrics["estimand"]):
        return ""
    row = _row(metrics, MAIN_SCORE, "icc_spots")
    return f"{interval(row)}, {row['n']:.0f} patients with several spots"


def _headline(metrics: pd.DataFrame) -> str:
    """The finding in one or two sentences."""
    ratio = _row(metrics, MAIN_SCORE, "hr_high_low")
    auc = _row(metrics, MAIN_SCORE, "auc_60m")
    within = _row(metrics, MAIN_SCORE, "auc_60m_within_folds")
    name = name_of(MAIN_SCORE)
    if pd.isna(ratio["estimate"]):
        return f"{name}: the hazard ratio of high against low risk is {interval(ratio)}."
    text = (
        f"{name}: patients called high risk against low risk have a hazard ratio of "
        f"{interval(ratio)} for death of the cancer ({ratio['n']:.0f} patients, "
        f"{ratio['events']:.0f} deaths); the five-year AUC is {interval(auc)}, "
        f"and within folds {interval(within)}."
    )
    if pd.notna(ratio["lower"]) and ratio["lower"] <= 1 <= ratio["upper"]:
        text += " The interval includes 1: this cohort does not show that the score separates."
    if "visual_risk" in set(metrics["score"]):
        human = _row(metrics, "visual_risk", "hr_high_low")
        return f"{text} The pathologists' majority: hazard ratio {interval(human)}."
    return f"{text} No pathologists' calls were given to compare with."


def _headline_table(metrics: pd.DataFrame) -> list[dict[str, str]]:
    """One row per score: hazard ratio, AUC pooled and within folds, n and deaths of each."""
    rows = []
    for score in in_order([name for name in metrics["score"].unique() if name]):
        ratio = _row(metrics, score, "hr_high_low")
        auc = _row(metrics, score, "auc_60m")
        rows.append(
            {
                "score": score,
                "name": name_of(score),
                "hr": interval(ratio),
                "hr_p": p_value(ratio["p"]),
                "hr_n": f"{ratio['n']:.0f} / {ratio['events']:.0f}",
                "auc": interval(auc),
                "auc_within": interval(_row(metrics, score, "auc_60m_within_folds")),
                "auc_n": f"{auc['n']:.0f} / {auc['events']:.0f}",
            }
        )
    return rows


def _part_sizes(cohort: Path) -> pd.DataFrame:
    folds = read_folds(cohort / "folds.csv")
    sizes = pd.crosstab([folds["repeat"], folds["fold"]], folds["part"])
    return sizes.reindex(columns=["fit", "validation", "test"], fill_value=0)


def _fold_audit(cohort: Path, patients: pd.DataFrame) -> dict:
    """Sizes and deaths of each part, and the patients found in two parts (there must be none)."""
    folds = read_folds(cohort / "folds.csv")
    dead = patients.loc[patients["label_60m"] == 1, "patient_id"]
    died = folds[folds["patient_id"].isin(dead)]
    deaths = died.groupby(["repeat", "fold", "part"]).size()
    rows = [
        {"repeat": repeat, "fold": fold}
        | {part: f"{n} / {deaths.get((repeat, fold, part), 0)}" for part, n in sizes.items()}
        for (repeat, fold), sizes in _part_sizes(cohort).iterrows()
    ]
    return {
        "rows": rows,
        "in_two_parts": int(folds.duplicated(["patient_id", "repeat", "fold"]).sum()),
    }


def _figures(evaluation: Path, metrics: pd.DataFrame) -> dict[str, Markup]:
    curve, numbers, roc = (
        pd.read_csv(evaluation / f"{name}.csv") for name in ("kaplan_meier", "at_risk", "roc")
    )
    ratio = _row(metrics, MAIN_SCORE, "hr_high_low")
    test = _row(metrics, MAIN_SCORE, "logrank")
    caption = f"Hazard ratio {interval(ratio)}\nlog-rank {p_value(test['p']) or number(test['p'])}"
    return {
        "kaplan_meier": Markup(  # noqa: S704 - matplotlib's own output
            draw_kaplan_meier(
                curve[curve["score"] == MAIN_SCORE],
                numbers[numbers["score"] == MAIN_SCORE],
                caption,
            )
        ),
        "roc": Markup(draw_roc(roc, metrics)),  # noqa: S704 - matplotlib escapes its labels
    }
