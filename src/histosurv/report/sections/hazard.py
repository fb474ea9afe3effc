"""Hazard ratios: alone, beside the clinic, and whether they hold over time."""

import pandas as pd

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.intervals import Panel, draw_intervals
from histosurv.report.run import Run
from histosurv.report.wording import has, listed, name_of, p_of, p_value, size, told

REGRESSIONS = {"univariable": ("alone", "#0072B2"), "multivariable": ("all together", "#D55E00")}
DOUBTFUL = 0.05


def hazard(run: Run) -> Content:
    """Hazard ratios of the study's score and of all others."""
    ph = run.row(run.primary, "ph_high_low")
    warnings = []
    if has(ph) and ph["p"] < DOUBTFUL:
        warnings.append(
            f"{name_of(run.primary)}: the hazards of the groups are not proportional "
            f"({p_value(ph['p'])}): the hazard ratio is an average over this follow-up; read the "
            "difference in mean survival beside it."
        )
    items = {
        "forest": _forest(run),
        "hazard_ratios": _ratios(run),
        "added": _added(run),
        "proportional": _proportional(run),
    }
    return Content(items=items, warnings=warnings)


def _forest(run: Run) -> Plot | Missing:
    table = run.curve("forest")
    table = table[(table["score"] == run.primary) & table["model"].isin(REGRESSIONS)]
    reasons = [note for note in table["note"].dropna().unique() if note]
    known = table[table["hr"].notna()]
    if known.empty:
        return Missing(
            f"No hazard ratio could be estimated: {reasons[0]}." if reasons
            else "No regression with the clinic was asked for (evaluation: covariates)."
        )  # fmt: skip
    of = {model: known[known["model"] == model] for model in REGRESSIONS}
    label = known["term"].replace("score", "the score per SD")
    drawn = pd.DataFrame(
        {
            "label": label,
            "series": known["model"].map({key: name for key, (name, _) in REGRESSIONS.items()}),
            "hr": known["hr"],
            "hr_lower": known["lower"],
            "hr_upper": known["upper"],
        }
    )
    first = table.iloc[0]
    note = f"{first['n']:.0f} patients with every covariate, {first['events']:.0f} deaths."
    if of["multivariable"].empty:
        note += " All together could not be estimated."
    if reasons:
        note += f" Not estimable in part: {'; '.join(reasons)}."
    figure = draw_intervals(
        drawn, [Panel("hr", "Hazard ratio for death of the cancer", 1.0, is_ratio=True)],
        colours=dict(REGRESSIONS.values()),
    )  # fmt: skip
    both = "; ".join(
        f"{row.term} {row.model} {row.hr:.2f} ({row.lower:.2f} to {row.upper:.2f})"
        for row in known.itertuples()
    )
    return Plot(figure, table, f"Forest plot: {both}.", note)


def _ratios(run: Run) -> Table:
    names = {
        "hr_high_low": "High against low",
        "hr_high_low_within_folds": "within folds",
        "hr_per_sd": "Per SD",
        "hr_per_sd_within_folds": "per SD within folds",
    }
    rows = []
    for score in run.score_names:
        found = {estimand: run.row(score, estimand) for estimand in names}
        within = [e for e in names if e.endswith("within_folds")]
        texts = {title: told(found[estimand]) for estimand, title in names.items()}
        for estimand in within:
            if found[estimand] is None:
                texts[names[estimand]] = "–"
        rows.append(
            {"Score": name_of(score)}
            | texts
            | {
                "p, high against low": p_of(found["hr_high_low"]),
                "n / deaths": size(found["hr_high_low"]),
            }
        )
    return Table(pd.DataFrame(rows))


def _added(run: Run) -> Table | Missing:
    rows = []
    table = run.metrics[run.metrics["estimand"] == "hr_per_sd_adjusted"].set_index("score")
    for score in [name for name in run.score_names if name in table.index]:
        row = table.loc[score]
        covariates = row["against"].split(" + ")
        test = run.row(score, "lrt_added", row["against"])
        # A score made of the covariates cannot be adjusted for them.
        is_made_of_them = score in covariates or score == "clinical"
        rows.append(
            {
                "Score": name_of(score),
                "Beside": ", ".join(covariates),
                "Hazard ratio per SD, adjusted": "– (made of these)"
                if is_made_of_them
                else told(row),
                "p": "" if is_made_of_them else p_of(row),
                "Likelihood ratio": "–"
                if is_made_of_them or not has(test)
                else f"{test['estimate']:.2f}",
                "p of the score added": "" if is_made_of_them else p_of(test),
                "n / deaths": size(row),
            }
        )
    if not rows:
        return Missing(f"No score was adjusted for covariates: {why_not_adjusted(run)}.")
    return Table(pd.DataFrame(rows))


def why_not_adjusted(run: Run) -> str:
    """Why there is no regression with the clinic."""
    asked = run.config["evaluation"]["covariates"]
    if asked:
        return f"the patient table has none of {listed(asked)}"
    return "no covariate was asked for (evaluation: covariates)"


def _proportional(run: Run) -> Table | Missing:
    names = {
        "ph_high_low": "Proportional hazards, high against low (chi-squared)",
        "ph_score": "Proportional hazards along the score (chi-squared)",
        "rmst_difference_60m": "Mean survival until five years, months, high less low",
    }
    rows = [
        {"Test": title, "Value": told(row), "p": p_of(row), "n / deaths": size(row)}
        for estimand, title in names.items()
        if (row := run.row(run.primary, estimand)) is not None
    ]
    return Table(pd.DataFrame(rows)) if rows else Missing("There is no score to test.")
