"""The groups at low and high risk: survival, incidence, where the threshold lies."""

import textwrap

import pandas as pd

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.incidence import CAUSES, draw_incidence
from histosurv.report.figures.kaplan_meier import draw_kaplan_meier
from histosurv.report.figures.scores import draw_scores
from histosurv.report.run import Run
from histosurv.report.wording import name_of, number, p_of, p_value, size, told

GROUP_FIGURES = {
    "hr_high_low": "Hazard ratio",
    "hr_high_low_within_folds": "Hazard ratio, strata of folds",
    "hr_high_low_firth": "Hazard ratio, Firth's penalty",
    "logrank": "Log-rank test (chi-squared)",
    "logrank_within_folds": "Log-rank test, strata of folds (chi-squared)",
    "logrank_trend": "Log-rank test for trend (chi-squared)",
    "rmst_difference_60m": "Mean survival until five years, months, high less low",
    "gray": "Gray's test (chi-squared)",
    "shr_high_low": "Subdistribution hazard ratio (Fine-Gray)",
    "hr_high_low_overall": "Hazard ratio, death of any cause",
}
TESTS = ("logrank", "gray")


def groups(run: Run) -> Content:
    """Everything about high against low risk by the study's score."""
    if run.primary not in run.score_names:
        missing = Missing("There is no score that parts the patients.")
        names = ("kaplan_meier", "incidence", "scores", "groups")
        return Content(items=dict.fromkeys(names, missing))
    high, low = (run.row(run.primary, f"n_{name}_risk") for name in ("high", "low"))
    text = [
        f"{name_of(run.primary)} calls {high['n']:.0f} patients high risk ({high['events']:.0f} "
        f"deaths of the cancer) and {low['n']:.0f} low risk ({low['events']:.0f}). A patient is at "
        + (
            "high risk from the median score of the validation patients of the fold on; no outcome "
            "of a tested patient had a part in it."
            if run.is_learnt
            else "high risk as the patient table or the config says."
        )
        + (
            " Over repeats the mean score is held against the mean threshold."
            if run.config["resampling"]["repeats"] > 1
            else ""
        )
    ]
    items = {
        "kaplan_meier": kaplan_meier(run),
        "incidence": _incidence(run),
        "scores": _scores(run),
        "groups": _groups(run),
    }
    return Content(text, items)


def kaplan_meier(run: Run) -> Plot:
    """Curves of the study's score."""
    curve, numbers = (
        table[table["score"] == run.primary]
        for table in map(run.curve, ("kaplan_meier", "at_risk"))
    )
    ratio, test = run.row(run.primary, "hr_high_low"), run.row(run.primary, "logrank")
    tested = f"log-rank {p_value(test['p']) or number(test['p'])}"
    inside = f"{textwrap.fill(f'Hazard ratio {told(ratio)}', 44)}\n{tested}"
    alt = f"Kaplan-Meier curves. {inside.replace(chr(10), ', ')}. " + ". ".join(
        f"{name} risk: {told(run.row(run.primary, 'incidence_60m_cancer', subgroup=name))} dead of "
        "the cancer at five years"
        for name in ("high", "low")
    )
    return Plot(
        draw_kaplan_meier(curve, numbers, inside), curve, f"{alt}.", f"n / deaths: {size(ratio)}."
    )


def _incidence(run: Run) -> Plot:
    curves = run.curve("incidence")
    own = curves[curves["score"] == run.primary]
    at_five = [
        f"{cause}, {group} risk "
        f"{told(run.row(run.primary, f'incidence_60m_{code}', subgroup=group))}"
        for code, cause in CAUSES.items()
        for group in ("high", "low")
    ]
    told_at_five = f"At five years: {'; '.join(at_five)}."
    return Plot(
        draw_incidence(own, float(run.patients["time_months"].max())),
        own,
        f"Cumulative incidence. {told_at_five}",
        told_at_five,
    )


def _scores(run: Run) -> Plot:
    table = run.scored(run.primary)
    own = run.scores[run.scores["score"] == run.primary]
    thresholds = sorted(own["threshold"].dropna().unique())
    has_risk = table["risk_60m"].notna().all()
    label = f"{name_of(run.primary)}: score{' (log-odds)' if has_risk else ''}"
    data = table[["patient_id", "value", "label_60m", "threshold", "fold"]]
    shown = thresholds if run.config["resampling"]["repeats"] == 1 else [table["threshold"].mean()]
    medians = table.groupby("label_60m")["value"].median()
    alt = "Histograms of the score. " + "; ".join(
        f"median of {'the dead' if kind == 1 else 'survivors'} {value:.2f}"
        for kind, value in medians.items()
    )
    return Plot(draw_scores(table, shown, label), data, f"{alt}.", f"{len(table)} patients.")


def _groups(run: Run) -> Table:
    rows = []
    for estimand, title in GROUP_FIGURES.items():
        row = run.row(run.primary, estimand)
        if row is None:
            continue
        is_test = estimand.startswith(TESTS)
        text = told(row)
        if is_test and row["note"]:
            text = f"{number(row['estimate'])}, {row['note']}"
        rows.append(
            {"Figure": title, "High against low": text, "p": p_of(row), "n / deaths": size(row)}
        )
    for name in ("sensitivity", "specificity", "ppv", "npv"):
        row = run.row(run.primary, f"{name}_60m")
        title = {"ppv": "Positive predictive value", "npv": "Negative predictive value"}.get(name)
        rows.append(
            {
                "Figure": f"{title or name.capitalize()} at five years, known outcomes",
                "High against low": told(row),
                "p": "",
                "n / deaths": size(row),
            }
        )
    return Table(pd.DataFrame(rows))
