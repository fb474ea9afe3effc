"""What a run can say of how it was analysed."""

import pandas as pd

from histosurv.report.answers.terms import (
    Answer,
    capital,
    counted,
    main,
    names,
    of_subgroups,
    part_sizes,
    span,
    terms,
    variables,
)
from histosurv.report.run import Run
from histosurv.report.wording import has, listed

MEASURES = {
    "auc_ipcw_60m": "five-year AUC with weights for those lost",
    "auc_60m": "five-year AUC of known outcomes",
    "c_uno": "Uno's C",
    "c_harrell": "Harrell's C",
    "hr_high_low": "hazard ratio of high against low risk",
    "hr_per_sd": "hazard ratio per standard deviation",
    "observed_to_expected_60m": "observed over expected deaths",
    "calibration_slope_60m": "calibration slope",
    "brier_60m": "Brier score",
    "ipa_60m": "IPA",
}


def _sample_size(run: Run) -> Answer:
    sizes = part_sizes(run).loc["fit"]
    parts = [
        f"The run computed no sample size. {counted(run.count('n_patients'), 'patient')}, "
        f"{run.count('n_cancer_deaths')} deaths of the cancer, {run.count('n_dead_60m')} of them "
        f"within five years; the models of a fold were fitted to {span(sizes['n'])} patients, "
        f"{span(sizes['dead'])} of them dead by then."
    ]
    area, adjusted = main(run, "auc_ipcw_60m"), main(run, "hr_per_sd_adjusted")
    if has(area) and pd.notna(area["lower"]):
        width = area["upper"] - area["lower"]
        parts.append(f"The interval of the five-year AUC is {width:.2f} wide.")
    n_terms = len(terms(run, "multivariable")) + 1  # the score itself
    if has(adjusted):
        parts.append(
            f"The adjusted regression has {counted(adjusted['events'], 'death')} for "
            f"{counted(n_terms, 'term')}, {adjusted['events'] / n_terms:.1f} each."
        )
    return Answer(" ".join(parts))


def _gaps(run: Run) -> Answer:
    of, n = variables(run), len(run.patients)
    gaps = {name: n - cells.known.sum() for name, cells in of.items() if cells is not None}
    told = [f"{name} {gap}" for name, gap in gaps.items() if gap]
    parts = [f"Without a value, of {n}: {', '.join(told)}." if told else "No variable has gaps."]
    absent = [name for name, cells in of.items() if cells is None]
    if absent:
        parts.append(f"Not in the patient table at all: {', '.join(absent)}.")
    adjusted, filled = main(run, "hr_per_sd_adjusted"), main(run, "hr_per_sd_adjusted_imputed")
    if adjusted is not None:
        n_all = counted(adjusted["n"], "patient")
        parts.append(f"The adjusted regression is of the {n_all} with every covariate.")
    if filled is not None:
        parts.append(f"Beside it stands one with gaps filled ({filled['method']}).")
    if run.clinical:
        parts.append(
            "In the clinical models a missing number becomes the median of the fit part, a missing "
            "category one of its own."
        )
    n_unknown = counted(run.count("n_unknown_60m"), "patient")
    parts.append(
        f"{n_unknown} with unknown five-year outcome: left out of figures of known outcomes, in "
        "all others until they were lost or died."
    )
    return Answer(" ".join(parts))


def _split(run: Run) -> Answer:
    resampling, sizes = run.config["resampling"], part_sizes(run)
    twice = int(run.folds.duplicated(["patient_id", "repeat", "fold"]).sum())
    what = {"fit": "to fit", "validation": "to stop and set the scale", "test": "to test"}
    parts = [
        f"{span(sizes.loc[part, 'n'])} {why}" for part, why in what.items() if part in sizes.index
    ]
    of = "whole blocks" if resampling["scheme"] == "blocks" else "patients"
    tested = ", one of which was tested" if resampling["scheme"] == "single" else ""
    return Answer(
        f"{counted(resampling['repeats'], 'partition')} of {of} into {resampling['folds']} folds"
        f"{tested} (seed {resampling['seed']}): patients {', '.join(parts)}. In two parts of a "
        f"fold: {twice}."
    )


def _clusters(run: Run) -> Answer:
    parts = []
    if has(main(run, "auc_ipcw_60m_block_spread")):
        parts.append("The five-year AUC is computed with each block left out.")
    if has(run.row(run.primary, "interaction", subgroup="block")):
        parts.append("The score's effect is compared between blocks (test of interaction).")
    if run.config["resampling"]["scheme"] == "blocks":
        parts.append("Folds hold whole blocks.")
    return Answer(" ".join(parts))


def _measures(run: Run) -> Answer:
    found = [label for name, label in MEASURES.items() if main(run, name) is not None]
    if not found:
        return Answer("")
    if (run.curve("decision_curve")["rule"] == run.primary).any():
        found.append("net benefit")
    parts = [f"{capital(', '.join(found))}."]
    declared = run.config["evaluation"]["against"]
    if run.row(run.primary, "auc_ipcw_60m_difference", declared) is not None:
        parts.append(f"One comparison of scores was declared (with {names([declared])}).")
    own = run.metrics[run.metrics["score"] == run.primary]
    n_others = int((own["estimand"] == "auc_ipcw_60m_difference_holm").sum())
    if n_others:
        parts.append(f"{counted(n_others, 'other comparison')}: p adjusted by Holm.")
    return Answer(" ".join(parts))


def _fairness(run: Run) -> Answer:
    levels = of_subgroups(run, "hr_per_sd")["subgroup"]
    columns = [
        column
        for column in of_subgroups(run, "interaction")["subgroup"]
        if levels.str.startswith(f"{column}: ").sum() > 1
    ]
    text = "No model was changed or weighed for fairness between groups."
    if columns:
        text += f" The score is evaluated apart by {listed(columns)}."
    return Answer(text)


def _statistics(run: Run) -> Answer:
    parts = [
        "Kaplan-Meier curves, log-rank tests, Cox regressions (Efron's ties); "
        f"{run.config['evaluation']['resamples']} bootstrap samples of the patients."
    ]
    if has(main(run, "hr_per_sd_adjusted")):
        parts.append("Covariates are those that the config names; none is chosen by its p.")
    if has(main(run, "ph_score")):
        parts.append("Proportional hazards are tested.")
    return Answer(" ".join([*parts, _gaps(run).text]))


METHODS = {
    "sample_size": _sample_size,
    "gaps": _gaps,
    "split": _split,
    "clusters": _clusters,
    "measures": _measures,
    "fairness": _fairness,
    "statistics": _statistics,
}
