"""Whether predicted risks come true, and whether acting on them would help."""

import pandas as pd

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.calibration import draw_calibration, draw_decision_curve
from histosurv.report.run import Run
from histosurv.report.wording import has, name_of, number, size, told

FIGURES = {
    "brier_60m": "Brier score",
    "ipa_60m": "IPA",
    "observed_to_expected_60m": "Observed over expected",
    "calibration_slope_60m": "Slope",
}
SHOWN_AT = (0.2, 0.3, 0.5)  # thresholds that the text of the decision curve names


def calibration(run: Run) -> Content:
    """Calibration of every score with risks, and the decision curve."""
    warnings = []
    ratio = run.row(run.primary, "observed_to_expected_60m")
    if has(ratio) and (ratio["lower"] > 1 or ratio["upper"] < 1):
        warnings.append(
            f"{name_of(run.primary)}: observed deaths are {told(ratio)} of those expected: the "
            "level of the risks is off."
            + (
                " Models that learn from patients with a known outcome alone see more deaths than "
                "there are."
                if ratio["upper"] < 1 and run.primary in run.models
                else ""
            )
        )
    items = {
        "calibration": calibration_plot(run),
        "accuracy": accuracy(run),
        "decision_curve": _decision_curve(run),
    }
    return Content(items=items, warnings=warnings)


def calibration_plot(run: Run) -> Plot | Missing:
    """Predicted against observed risk, by the study's score."""
    groups = run.curve("calibration")
    own = groups[groups["score"] == run.primary] if len(groups) else groups
    if own.empty:
        return Missing(
            f"{name_of(run.primary) or 'The score'} has no risks (risk_60m) to hold against "
            "outcomes."
        )
    risks = run.scored(run.primary)["risk_60m"]
    alt = "; ".join(
        f"predicted {row.predicted:.2f}, observed {number(row.observed)} "
        f"({number(row.lower)} to {number(row.upper)})"
        for row in own.itertuples()
    )
    note = (
        "Patients / deaths within five years of each group: "
        f"{', '.join(f'{row.n} / {row.events}' for row in own.itertuples())}."
    )
    return Plot(draw_calibration(own, risks), own, f"Calibration: {alt}.", note)


def accuracy(run: Run) -> Table | Missing:
    """Brier score, gain, level and slope of every score with risks."""
    rows = []
    for score in run.score_names:
        found = {estimand: run.row(score, estimand) for estimand in FIGURES}
        if found["brier_60m"] is not None:
            rows.append(
                {"Score": name_of(score)}
                | {title: told(found[estimand], 3) for estimand, title in FIGURES.items()}
                | {"n / dead within five years": size(found["brier_60m"])}
            )
    return Table(pd.DataFrame(rows)) if rows else Missing("No score has risks (risk_60m).")


def _decision_curve(run: Run) -> Plot | Missing:
    curves = run.curve("decision_curve")
    if curves.empty:
        return Missing("No patient has every score.")
    shown = [run.primary, *run.models, *run.clinical[:1], run.human, "stage"]
    rules = [score for score in run.score_names if score in shown]
    place = {rule: i for i, rule in enumerate([*rules, "all", "none"])}
    own = curves[curves["rule"].isin(place)]
    own = own.sort_values("rule", key=lambda of: of.map(place), kind="stable")
    at = own.set_index(["rule", "threshold"])["net_benefit"]
    alt = "; ".join(
        f"at a risk of {threshold:.0%} "
        f"{number(at.get((run.primary, threshold), float('nan')), 3)}, "
        f"treating all {number(at.get(('all', threshold), float('nan')), 3)}"
        for threshold in SHOWN_AT
    )
    first = own.iloc[0]
    note = (
        f"{first['n']} patients who have every score, {first['events']} deaths within five years."
    )
    figure = draw_decision_curve(own, run.primary)
    return Plot(figure, own, f"Net benefit of {name_of(run.primary)}: {alt}.", note)
