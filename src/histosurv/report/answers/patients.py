"""What a run can say of its aims, its patients and their outcome."""

import pandas as pd

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.report.answers.terms import (
    FEW_LEVELS,
    USUAL,
    Answer,
    capital,
    counted,
    left_out,
    main,
    months,
    n_tested,
    names,
    of_subgroups,
    variables,
)
from histosurv.report.run import PATIENT_STAGES, Run
from histosurv.report.sections.external import of_cohort
from histosurv.report.wording import listed, number


def _objectives(run: Run) -> Answer:
    declared = run.config["evaluation"]["against"]
    parts = []
    if run.primary in run.score_names:
        parts.append(f"Studied score: {names([run.primary])}.")
    text = "Models are developed and tested within one cohort"
    beyond = f", and frozen for {listed(run.external)}" if run.external else ", none outside it"
    parts.append(f"{text}{beyond}.")
    if run.row(run.primary, "auc_ipcw_60m_difference", declared) is None:
        parts.append("No comparison stands as declared before.")
    else:
        parts.append(
            "The config declares one comparison: its five-year AUC with that of "
            f"{names([declared])}."
        )
    return Answer(" ".join(parts))


def _cohorts(run: Run) -> Answer:
    developed = f"one cohort of {counted(run.count('n_patients'), 'patient')}"
    if not run.external:
        return Answer(f"All figures are of {developed}; there is no external validation.")
    validated = [
        f"{name} ({counted(of_cohort(run, name).count('n_patients'), 'patient')})"
        for name in run.external
    ]
    return Answer(
        f"Developed and internally validated in {developed}; externally validated, by frozen "
        f"models, in {listed(validated)}."
    )


def _compared_cohorts(run: Run) -> Answer:
    if not run.external:
        return Answer("Not applicable: there is no second cohort to compare with.")
    return Answer(
        f"{capital(listed(run.external))} beside the development cohort, variable by variable, "
        "with drift of stain and features: sections on external cohorts."
    )


def _follow_up(run: Run) -> Answer:
    text = f"Median follow-up (reverse Kaplan-Meier) {_median(run)}."
    if run.config["cohort"]["administrative_cut"]:
        text += " Follow-up was cut at five years (cohort: administrative_cut)."
    return Answer(text)


def _median(run: Run) -> str:
    return months(run.row("", "follow_up_median_months"))


def _design(run: Run) -> Answer:
    balanced = listed(["the five-year outcome", *run.config["cohort"]["strata"]])
    how = f"are balanced by {balanced}"
    if run.config["resampling"]["scheme"] == "blocks":
        how = "hold whole blocks, and are balanced by the number of patients alone"
    return Answer(f"{_follow_up(run).text} The run matches no patients; its folds {how}.")


def _eligibility(run: Run) -> Answer:
    return Answer(
        "Analysed are patients with a time, an outcome and a usable spot: "
        f"{counted(run.count('n_patients'), 'patient')}; {left_out(run)}."
    )


def _outcome(run: Run) -> Answer:
    n = {name: run.count(f"n_{name}") for name in (
        "dead_60m", "alive_60m", "unknown_60m", "unknown_60m_lost", "unknown_60m_other_death",
    )}  # fmt: skip
    return Answer(
        f"Death of the cancer within {HORIZON_MONTHS:g} months: {n['dead_60m']} dead, "
        f"{n['alive_60m']} known to have survived, {n['unknown_60m']} unknown "
        f"({n['unknown_60m_lost']} lost, {n['unknown_60m_other_death']} dead of something else "
        "before), who are never counted as survivors."
    )


def _endpoints(run: Run) -> Answer:
    text = (
        f"{_outcome(run).text} Over the whole follow-up there are {run.count('n_cancer_deaths')} "
        f"deaths of the cancer and {run.count('n_other_deaths')} others, which are censored in Cox "
        "regressions"
    )
    if main(run, "gray") is not None:
        text += ", compete in Gray's test and Fine-Gray regressions"
    if main(run, "hr_per_sd_overall") is not None:
        text += ", and are deaths in the figures of death of any cause"
    return Answer(f"{text}. Time runs from surgery, as the patient table is to give it.")


def _flow(run: Run) -> Answer:
    n = run.count("n_patients")
    in_table = n + int(run.exclusions["stage"].isin(PATIENT_STAGES).sum())
    tested = n_tested(run)
    analysed = f"{n} analysed with {counted(len(run.spots), 'spot')}"
    if tested < n:
        analysed += f", {tested} of them tested, the others for fitting alone"
    return Answer(
        f"{counted(in_table, 'patient')} in the table; {left_out(run)}; {analysed}. "
        f"{_outcome(run).text} Median follow-up {_median(run)}."
    )


def _flow_and_deaths(run: Run) -> Answer:
    text = f"{_flow(run).text} Deaths of the cancer: {run.count('n_cancer_deaths')} in all"
    own = of_subgroups(run, "hr_per_sd")
    if own.empty:
        return Answer(f"{text}; no subgroup was looked at.")
    parts = [f"{row['subgroup']} {row['n']}/{row['events']}" for _, row in own.iterrows()]
    return Answer(f"{text}; by subgroup (patients/deaths) {', '.join(parts)}.")


def _candidates(run: Run) -> Answer:
    present, absent = [], []
    for name, cells in variables(run).items():
        (absent if cells is None else present).append(name)
    scores = [name for name in run.score_names if name not in present]
    parts = [f"Scores: {names(scores)}."] if scores else []
    parts.append(f"Variables: {listed(present)}." if present else "No other variable.")
    if absent:
        parts.append(f"Asked for, but not in the patient table: {listed(absent)}.")
    return Answer(" ".join(parts))


def _characteristics(run: Run) -> Answer:
    parts, n = [], len(run.patients)
    for name, of in variables(run, with_readers=False).items():
        if of is None:
            continue
        known = f"{of.known.sum()} of {n} known"
        levels = of.levels(range(n))
        if of.is_number:
            low, middle, high = of.cells.quantile([0.25, 0.5, 0.75])
            known = f"median {middle:g}, quartiles {low:g} and {high:g}; {known}"
        elif 0 < len(levels) <= FEW_LEVELS:
            counts = of.cells.value_counts()
            known = ", ".join(f"{level}: {counts[level]}" for level in levels) + f"; {known}"
        parts.append(f"{name} ({known})")
    return Answer(f"{capital(', '.join(parts))}." if parts else "", _lacking(run))


def _lacking(run: Run) -> str:
    """Usual variables that the patient table is without."""
    return listed([name for name in USUAL if name not in run.patients])


def _spread(run: Run) -> Answer:
    text, left = _characteristics(run)
    low, high = main(run, "n_low_risk"), main(run, "n_high_risk")
    if low is None or high is None:
        return Answer(text, listed([*filter(None, [left]), "the spread of the marker"]))
    first, middle, third = run.scored(run.primary)["value"].quantile([0.25, 0.5, 0.75])
    score = (
        f"Score: median {number(middle)}, quartiles {number(first)} and {number(third)}; "
        f"{high['n']} at high and {low['n']} at low risk, "
        f"{len(run.patients) - low['n'] - high['n']} without."
    )
    return Answer(f"{text} {score}".strip(), left)


def _association(run: Run) -> Answer:
    if run.primary not in run.score_names:
        return Answer("")
    is_high = run.scored(run.primary).set_index("patient_id")["is_high"]
    parts = []
    for name, of in variables(run, with_readers=False).items():
        if of is None or name == run.primary:
            continue
        cells = of.cells.set_axis(run.patients["patient_id"]).reindex(is_high.index)
        if of.is_number:
            middle = [number(cells[group].median(), 1) for group in (is_high, ~is_high)]
            parts.append(f"{name} median {middle[0]}, of those at low risk {middle[1]}")
        elif 0 < cells.nunique() <= FEW_LEVELS:
            groups = is_high.groupby(cells)
            told = [f"{level}: {own.sum()} of {len(own)}" for level, own in groups]
            parts.append(f"{name} ({', '.join(told)})")
    return Answer(f"At high risk: {', '.join(parts)}." if parts else "", _lacking(run))


def _differences(run: Run) -> Answer:
    labels = run.folds.merge(run.patients[["patient_id", "label_60m"]], on="patient_id")
    shares = labels.groupby(["part", "repeat", "fold"])["label_60m"].mean().astype(float).dropna()
    told = [_shares(shares[part], part) for part in ("fit", "test") if part in shares]
    from_where = "There are no data from elsewhere: all parts are of one cohort."
    if run.external:
        from_where = (
            f"Data from elsewhere ({listed(run.external)}) have sections of their own; all parts "
            "are of the development cohort."
        )
    return Answer(
        f"{from_where} Dead by five years among those whose outcome is known: {listed(told)}."
    )


def _shares(shares: pd.Series, part: str) -> str:
    low, high = f"{shares.min():.0%}", f"{shares.max():.0%}"
    return f"{low if low == high else f'{low} to {high}'} in the {part} parts"


PATIENTS = {
    "objectives": _objectives,
    "cohorts": _cohorts,
    "compared_cohorts": _compared_cohorts,
    "follow_up": _follow_up,
    "design": _design,
    "eligibility": _eligibility,
    "outcome": _outcome,
    "endpoints": _endpoints,
    "flow": _flow,
    "flow_and_deaths": _flow_and_deaths,
    "candidates": _candidates,
    "characteristics": _characteristics,
    "spread": _spread,
    "association": _association,
    "differences": _differences,
}
