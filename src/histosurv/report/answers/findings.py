"""What a run can say of what it found."""

from histosurv.report.answers.terms import (
    USUAL,
    Answer,
    capital,
    counted,
    figures,
    main,
    n_tested,
    names,
    of_subgroups,
    terms,
    who,
    with_p,
)
from histosurv.report.run import Run
from histosurv.report.sections.external import finding
from histosurv.report.wording import has, interval, listed

CONTROLS = {"permuted": "outcomes dealt anew", "background": "bare glass", "block": "block alone"}


def _numbers(run: Run) -> Answer:
    labels = {
        "auc_ipcw_60m": "five-year AUC",
        "auc_60m": "five-year AUC of known outcomes",
        "hr_per_sd": "hazard ratios",
        "hr_per_sd_adjusted": "adjusted hazard ratio",
    }
    rows = {label: main(run, name) for name, label in labels.items()}
    parts = [f"{label} {who(row)}" for label, row in rows.items() if row is not None]
    if not parts:
        return Answer("")
    return Answer(f"Of the study's score: {'; '.join(parts)}; all in the REMARK profile.")


def _performance(run: Run) -> Answer:
    labels = {
        "auc_ipcw_60m": "five-year AUC",
        "auc_ipcw_60m_within_folds": "within folds",
        "c_uno": "Uno's C",
        "hr_high_low": "hazard ratio, high against low",
        "observed_to_expected_60m": "observed over expected",
        "calibration_slope_60m": "calibration slope",
        "ipa_60m": "IPA",
    }
    parts = figures(run, labels)
    if not parts:
        return Answer("")
    has_risk = main(run, "calibration_slope_60m") is not None
    left = [] if has_risk else ["calibration, for the score has no risks"]
    n_groups = int(of_subgroups(run, "hr_per_sd")["estimate"].notna().sum())
    if n_groups:
        parts.append(f"hazard ratio per standard deviation in {counted(n_groups, 'subgroup')}")
    else:
        left.append("performance in groups of patients")
    return Answer(f"{capital(names([run.primary]))}: {'; '.join(parts)}.", listed(left))


def _heterogeneity(run: Run) -> Answer:
    spread = main(run, "auc_ipcw_60m_block_spread")
    test = run.row(run.primary, "interaction", subgroup="block")
    parts = []
    if spread is not None:
        parts.append(
            "Five-year AUC with one block left out, largest less smallest: "
            f"{with_p(spread)} ({who(spread)})."
        )
    if test is not None:
        parts.append(f"Interaction of score and block: chi-squared {with_p(test)} ({who(test)}).")
    return Answer(" ".join(parts))


def _univariable(run: Run) -> Answer:
    labels = {
        "hr_high_low": "hazard ratio, high against low risk",
        "logrank": "log-rank test, chi-squared",
        "hr_per_sd": "hazard ratio per standard deviation",
    }
    parts = figures(run, labels)
    if not parts:
        return Answer("")
    others = [f"{name} {interval(row)}" for name, row in terms(run, "univariable").items()]
    text = f"{capital('; '.join(parts))}."
    if not others:
        return Answer(text, "other variables one at a time")
    return Answer(f"{text} Hazard ratios of other variables, one at a time: {'; '.join(others)}.")


def _multivariable(run: Run) -> Answer:
    adjusted, added = main(run, "hr_per_sd_adjusted"), main(run, "lrt_added")
    left = "the effect beside other variables"
    if adjusted is None:
        return Answer("No regression of the score with other variables was run.", left)
    if not has(adjusted):
        return Answer(f"Adjusted hazard ratio {interval(adjusted)} ({who(adjusted)}).", left)
    text = (
        f"Hazard ratio per standard deviation {with_p(adjusted)}, adjusted for "
        f"{adjusted['against']} ({who(adjusted)})"
    )
    if added is not None:
        text += f"; likelihood-ratio test of the score added, chi-squared {with_p(added)}"
    beside = [f"{name} {interval(row)}" for name, row in terms(run, "multivariable").items()]
    return Answer(f"{text}. In the same regression: {'; '.join(beside)}.")


def _standard_variables(run: Run) -> Answer:
    adjusted = main(run, "hr_per_sd_adjusted")
    if not has(adjusted):
        return _multivariable(run)
    inside = f" + {adjusted['against']} + "  # a name may hold a plus itself
    wanted = dict.fromkeys([*run.config["evaluation"]["covariates"], *USUAL])
    absent = [name for name in wanted if f" + {name} + " not in inside]
    kept = listed([name for name in wanted if name not in absent])
    text = f"The adjusted regression keeps {kept}, whatever the p."
    if not absent:
        return Answer(text)
    return Answer(f"{text} Not in it: {listed(absent)}.", f"the score beside {listed(absent)}")


def _further(run: Run) -> Answer:
    labels = {
        "ph_score": "proportional hazards of the score, chi-squared",
        "hr_per_sd_overall": "death of any cause, hazard ratio per standard deviation",
        "auc_ipcw_60m_other_as_control": "five-year AUC with other deaths as survivors",
        "auc_ipcw_60m_spots_without_remark": "five-year AUC without spots that have a remark",
        "hr_per_sd_adjusted_imputed": "adjusted hazard ratio with gaps filled",
        "auc_60m_order_change": "change of the five-year AUC by order of tiles (lowest to highest)",
    }
    found = figures(run, labels)
    parts = [f"{capital('; '.join(found))}."] if found else []
    parts.append("Internal validation: all scores are of patients whom the models had not seen.")
    parts += [finding(run, cohort) for cohort in run.external]
    ran = [CONTROLS.get(name, name) for name in run.controls]
    parts.append(f"Negative controls: {listed(ran)}." if ran else "No negative control was run.")
    return Answer(" ".join(parts), "" if found else "checks of assumptions and of robustness")


def _validation(run: Run) -> str:
    if not run.external:
        return "One cohort, no external validation"
    return f"Developed in one cohort, validated in {listed(run.external)}"


def _limitations(run: Run) -> Answer:
    features = run.config["features"]
    parts = [
        f"{_validation(run)}; {counted(n_tested(run), 'patient')} tested; "
        f"{run.count('n_cancer_deaths')} deaths of the cancer in the cohort; "
        f"five-year outcome unknown of {run.count('n_unknown_60m')} of "
        f"{counted(run.count('n_patients'), 'patient')}."
    ]
    if run.has_pictures and features["weights"] == "random":
        parts.append("The encoder's weights are random numbers.")
    if run.told:
        parts.append(f"The evaluation gives {counted(len(run.told), 'warning')}.")
    return Answer(" ".join(parts))


FINDINGS = {
    "numbers": _numbers,
    "performance": _performance,
    "heterogeneity": _heterogeneity,
    "univariable": _univariable,
    "multivariable": _multivariable,
    "standard_variables": _standard_variables,
    "further": _further,
    "limitations": _limitations,
}
