"""One external cohort: the frozen models on patients who had no part in them."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from histosurv.config import DEVELOPMENT
from histosurv.evaluation.estimate import Estimate
from histosurv.report.content import Content, Item, Missing, Plot, Table
from histosurv.report.figures.drift import draw_drift
from histosurv.report.figures.stain import DYES, draw_stain_drift
from histosurv.report.opening import count_batches
from histosurv.report.run import Run
from histosurv.report.sections.calibration import accuracy, calibration_plot
from histosurv.report.sections.cohort import described, everybody, quartiles
from histosurv.report.sections.discrimination import differences
from histosurv.report.sections.groups import kaplan_meier
from histosurv.report.wording import by_five_years, has, name_of, number, size, told

SURVIVAL = {
    "follow_up_median_months": "Median follow-up, months",
    "survival_60m_cancer": "Not dead of the cancer at five years",
    "survival_60m_overall": "Alive at five years",
}
COUNTS = {
    "n_cancer_deaths": "Deaths of the cancer",
    "n_other_deaths": "Other deaths",
    "n_dead_60m": "Dead of the cancer within five years",
    "n_unknown_60m": "Unknown at five years",
}
QUALITY = {
    "mpp": ("Micrometres per pixel", 1, 3),
    "tissue_fraction": ("Tissue, % of the spot", 100, 0),
    "relative_sharpness": ("Sharpness", 1, 2),
}
NO_PICTURES = "Features were imported: no picture was seen."


def of_cohort(run: Run, cohort: str) -> Run:
    """The same run as seen from another of its cohorts."""
    theirs = replace(run, cohort=cohort, controls=(), benchmarks=None)
    return replace(theirs, n_batches=count_batches(theirs))


def external(run: Run, cohort: str) -> Content:
    """Discrimination, calibration and drift in an external cohort.

    Parameters
    ----------
    run : Run
        The finished run.
    cohort : str
        Name of the cohort; it ends the names of the items, too.
    """
    theirs = of_cohort(run, cohort)
    drift = pd.read_csv(theirs.folder / "features/drift.csv", dtype={"spot_id": str})
    makers: dict[str, Callable[[], Item]] = {
        "external_cohort": lambda: _beside(run, theirs),
        "external_discrimination": lambda: _discrimination(run, theirs),
        "external_differences": lambda: differences(theirs),
        "external_kaplan_meier": lambda: kaplan_meier(theirs),
        "external_calibration": lambda: calibration_plot(theirs),
        "external_accuracy": lambda: accuracy(theirs),
        "external_stain": lambda: _stain(run, theirs),
        "external_quality": lambda: _quality(run, theirs),
        "external_drift": lambda: _drift(drift, cohort),
    }
    is_scored = run.primary in theirs.score_names
    items = {}
    for name, make in makers.items():
        needs_score = name in ("external_kaplan_meier", "external_calibration")
        no_score = Missing(f"{name_of(run.primary)} was not frozen: it is no model of tissue.")
        items[f"{name}-{cohort}"] = no_score if needs_score and not is_scored else make()
    text = [
        f"{theirs.count('n_patients')} patients with {len(theirs.spots)} spots, "
        f"{len(theirs.exclusions)} rows left out. Nothing of this cohort was learnt from: the "
        "models of all folds of the development cohort were frozen with their scale and threshold, "
        "and a patient's score is the mean of what they say.",
        *([finding(run, cohort)] if is_scored else []),
    ]
    return Content(text, items, warnings=_warnings(theirs, drift))


def finding(run: Run, cohort: str) -> str:
    """What the study's score does in an external cohort, in one sentence."""
    auc = of_cohort(run, cohort).row(run.primary, "auc_ipcw_60m")
    if auc is None:
        return f"{name_of(run.primary)} was not evaluated in the external cohort {cohort}."
    text = (
        f"External cohort {cohort}: five-year AUC of {name_of(run.primary)} {told(auc)} "
        f"({by_five_years(auc)})"
    )
    if not has(auc):
        return f"{text}."
    if auc["lower"] > 0.5:
        return f"{text}; more than chance."
    if auc["upper"] < 0.5:
        return f"{text}; it points the wrong way here."
    return f"{text}; the interval includes 0.5, so that this cohort does not confirm it."


def _beside(run: Run, theirs: Run) -> Table:
    """Both cohorts, variable by variable."""
    columns = {}
    for name, of in ((DEVELOPMENT, run), (theirs.cohort, theirs)):
        column = {"Patients": str(of.count("n_patients")), "Spots": str(len(of.spots))}
        column |= {title: str(of.count(key)) for key, title in COUNTS.items()}
        column |= {title: told(of.row("", key)) for key, title in SURVIVAL.items()}
        columns[name] = column | everybody(described(of))
    titles = dict.fromkeys([title for column in columns.values() for title in column])
    rows = [
        {"Variable": title} | {name: column.get(title, "–") for name, column in columns.items()}
        for title in titles
    ]
    return Table(pd.DataFrame(rows))


def _discrimination(run: Run, theirs: Run) -> Table:
    rows = []
    for score in theirs.score_names:
        here = theirs.row(score, "auc_ipcw_60m")
        rows.append(
            {
                "Score": name_of(score),
                "AUC at five years": told(here, 3),
                "in development": told(run.row(score, "auc_ipcw_60m_within_folds"), 3),
                "Hazard ratio, high against low": told(theirs.row(score, "hr_high_low")),
                "in development ": told(run.row(score, "hr_high_low")),
                "n / dead within five years": size(here),
            }
        )
    return Table(pd.DataFrame(rows))


def _stain(run: Run, theirs: Run) -> Plot | Missing:
    if run.quality is None:
        return Missing(NO_PICTURES)
    tables = [_used(of) for of in (run, theirs)]
    fitted = [table[table["haematoxylin_r"].notna()] for table in tables]
    if any(table.empty for table in fitted):
        return Missing("No spot has a stain that could be fitted.")
    columns = ["spot_id", "block", *(f"{dye}_{of}" for dye in DYES for of in "rgb")]
    data = pd.concat(
        table[columns].assign(cohort=name)
        for name, table in zip((DEVELOPMENT, theirs.cohort), fitted, strict=True)
    )
    moved = "; ".join(
        f"{dye}: median red {number(fitted[0][f'{dye}_r'].median())} in development, "
        f"{number(fitted[1][f'{dye}_r'].median())} here"
        for dye in DYES
    )
    return Plot(draw_stain_drift(*fitted), data, f"Stain vectors. {moved}.", f"{moved}.")


def _quality(run: Run, theirs: Run) -> Table | Missing:
    if run.quality is None:
        return Missing(NO_PICTURES)
    tables = {DEVELOPMENT: _used(run), theirs.cohort: _used(theirs)}
    rows = [
        {"Measure": title}
        | {name: quartiles(table[column] * factor, digits) for name, table in tables.items()}
        for column, (title, factor, digits) in QUALITY.items()
    ]
    used = {name: str(len(table)) for name, table in tables.items()}
    return Table(pd.DataFrame([{"Measure": "Spots used"} | used, *rows]))


def _used(run: Run) -> pd.DataFrame:
    return run.quality[run.quality["usable"] == 1]


def _drift(drift: pd.DataFrame, cohort: str) -> Plot:
    table = drift.drop(columns="patient_id")
    limit, beyond = _beyond(table)
    note = f"{_told_drift(beyond)}."
    return Plot(draw_drift(table, limit, cohort), table, f"Distances. {note}", note)


def _beyond(table: pd.DataFrame) -> tuple[float, tuple[int, int]]:
    """Distance that 5 % of the development cohort's spots exceed; spots here that do, of all."""
    is_external = table["is_external"] == 1
    limit = float(table.loc[~is_external, "distance"].quantile(0.95))
    return limit, (int((table.loc[is_external, "distance"] > limit).sum()), int(is_external.sum()))


def _told_drift(beyond: tuple[int, int]) -> str:
    n, of = beyond
    share = Estimate.share(n, of)
    return (
        f"{n} of {of} spots here lie beyond the 95th percentile of the development cohort: "
        f"{share.value:.0%} (95 % interval {share.lower:.0%} to {share.upper:.0%}, Wilson; 5 % "
        "expected)"
    )


def _warnings(theirs: Run, drift: pd.DataFrame) -> list[str]:
    found, cohort = [], theirs.cohort
    n, of = _beyond(drift)[1]
    if Estimate.share(n, of).lower > 0.25:
        found.append(
            f"External cohort {cohort}: {n} of {of} spots lie beyond the 95th percentile of the "
            "development cohort's features (drift); figures there are of tissue that the models "
            "have hardly seen."
        )
    ratio = theirs.row(theirs.primary, "observed_to_expected_60m")
    if has(ratio) and (ratio["lower"] > 1 or ratio["upper"] < 1):
        found.append(
            f"External cohort {cohort}: observed deaths are {told(ratio)} of those expected; the "
            "level of the frozen risks is off there."
        )
    return found
