"""REMARK profile: patients and variables, and every analysis of the study's score."""

import pandas as pd

from histosurv.report.answers.terms import (
    counted,
    main,
    months,
    names,
    variables,
    with_p,
)
from histosurv.report.content import Table
from histosurv.report.run import PATIENT_STAGES, Run
from histosurv.report.wording import has, interval, name_of, p_value

COLUMNS = ["Part", "Analysis", "Patients", "Deaths", "Variables", "Remarks"]
TESTED = "auc_ipcw_60m_difference"
MATCHED = "sensitivity_60m_matched_difference"
NONE = "–"


def profile(run: Run, analyses: list[dict]) -> Table:
    """The profile of a run (Altman et al. 2012).

    Parameters
    ----------
    analyses : list of dict
        ``name`` of each analysis, and its ``figures``: labels by estimand, in order.
    """
    rows = [*_patients(run), *_variables(run)]
    if run.primary in run.score_names:
        rows += [*_alone(run, analyses), *_usefulness(run), *_subgroups(run), *_compared(run)]
    note = (
        "Deaths are of the cancer: by five years for figures at five years, ever for others; of "
        "any cause where the analysis says so."
    )
    return Table(pd.DataFrame(rows, columns=COLUMNS), note)


def _line(part: str, what: str, n: object, events: object, of: str, remarks: str) -> tuple:
    return part, what, str(n), str(events), of, remarks


def _patients(run: Run) -> list[tuple]:
    out = run.exclusions
    is_patient = out["stage"].isin(PATIENT_STAGES)
    n, n_cancer = run.count("n_patients"), run.count("n_cancer_deaths")
    rows = [_line("A", "Patients in the table", n + is_patient.sum(), NONE, "", "")]
    for reason, of in out[is_patient].groupby("reason"):
        rows.append(_line("A", "Patients left out", len(of), NONE, "", reason))
    for stage, of in out[~is_patient].groupby("stage"):
        told = f"{len(of)} of {len(run.spots) + (~is_patient).sum()} spots, at stage: {stage}"
        rows.append(_line("A", "Spots left out", NONE, NONE, "", told))
    follow_up = months(run.row("", "follow_up_median_months"))
    told = f"{run.count('n_other_deaths')} other deaths; median follow-up {follow_up}"
    rows.append(_line("A", "Patients analysed", n, n_cancer, "", told))
    n_dead = run.count("n_dead_60m")
    n_known = n_dead + run.count("n_alive_60m")
    return [*rows, _line("A", "Five-year outcome known", n_known, n_dead, "", "")]


def _variables(run: Run) -> list[tuple]:
    low, high = main(run, "n_low_risk"), main(run, "n_high_risk")
    rows = [_line("A", "Marker", 0, 0, name_of(run.primary), "not evaluated")]
    if low is not None and high is not None:
        told = f"a number, and in groups: {high['n']} high, {low['n']} low"
        n, events = low["n"] + high["n"], low["events"] + high["events"]
        rows = [_line("A", "Marker", n, events, names([run.primary]), told)]
    died = run.patients["event"].eq(1).to_numpy(bool)
    for name, of in variables(run).items():
        if of is None:
            told = "the config names it, the patient table has no such column"
            rows.append(_line("A", "Other variable", 0, 0, name, told))
            continue
        told = "a number" if of.is_number else counted(of.cells.nunique(), "level")
        events = (died & of.known).sum()
        rows.append(_line("A", "Other variable", of.known.sum(), events, name, told))
    return rows


def _alone(run: Run, analyses: list[dict]) -> list[tuple]:
    """Analyses of the score in all patients: one line for figures of the same patients."""
    of = run.metrics
    # A single covariate may be called like a score, so that `against` alone does not tell.
    is_pair = (of["against"] != "") & of["estimand"].str.contains("_difference|_matched|kappa")
    is_group = of["subgroup"].isin(["", "low", "high"])
    own = of[(of["score"] == run.primary) & ~is_pair & is_group]
    own = own[~own["estimand"].str.startswith("n_")]
    known = {estimand for analysis in analyses for estimand in analysis["figures"]}
    others = {name: name.replace("_", " ") for name in own["estimand"] if name not in known}
    rows = []
    for analysis in [*analyses, {"name": "Other figures", "figures": others}]:
        labels = analysis["figures"]
        order = {estimand: place for place, estimand in enumerate(labels)}
        found = own[own["estimand"].isin(labels)]
        found = found.sort_values("estimand", key=lambda names: names.map(order), kind="stable")
        for (n, events), same in found.groupby(["n", "events"], sort=False):
            against = [text for text in same["against"].unique() if text]
            told = [_told(row, labels) for _, row in same.iterrows()]
            of_what = "; ".join([names([run.primary]), *against])
            rows.append(_line("B", analysis["name"], n, events, of_what, "; ".join(told)))
    return rows


def _told(row: pd.Series, labels: dict[str, str]) -> str:
    group = f"{row['subgroup']} risk, " if row["subgroup"] else ""
    return f"{group}{labels[row['estimand']]} {with_p(row)}"


def _usefulness(run: Run) -> list[tuple]:
    curve = run.curve("decision_curve")
    own = curve[curve["rule"] == run.primary]
    if own.empty:
        return []
    n, events = own.iloc[0][["n", "events"]]
    told = "of the patients who have every score"
    return [_line("B", "Decision curve", n, events, names([run.primary]), told)]


def _subgroups(run: Run) -> list[tuple]:
    of, rows = run.metrics, []
    own = of[(of["score"] == run.primary) & ~of["subgroup"].isin(["", "low", "high"])]
    for _, row in own[own["estimand"] == "hr_per_sd"].iterrows():
        area = run.row(run.primary, "auc_ipcw_60m", subgroup=row["subgroup"])
        told = f"hazard ratio per standard deviation {with_p(row)}"
        if area is not None:
            told += f"; five-year AUC {interval(area)} ({area['events']} deaths by then)"
        rows.append(_line("B", "Subgroup", row["n"], row["events"], row["subgroup"], told))
    for _, row in own[own["estimand"] == "interaction"].iterrows():
        told = f"likelihood-ratio test {with_p(row)}"
        rows.append(_line("B", "Interaction", row["n"], row["events"], row["subgroup"], told))
    is_area = own["estimand"] == "auc_ipcw_60m"
    for _, row in own[is_area & own["subgroup"].str.startswith("without block: ")].iterrows():
        told = f"five-year AUC {with_p(row)}"
        rows.append(
            _line("B", "One block left out", row["n"], row["events"], row["subgroup"], told)
        )
    return rows


def _compared(run: Run) -> list[tuple]:
    """The score against each other one: the declared test, those adjusted, those of the readers."""
    rows, declared = [], run.config["evaluation"]["against"]
    for name in run.score_names:
        test = run.row(run.primary, TESTED, name)
        if test is None:
            continue
        kind = "the declared test" if name == declared else "adjusted by Holm"
        adjusted = test if name == declared else run.row(run.primary, f"{TESTED}_holm", name)
        p = p_value(adjusted["p"]) if has(adjusted) else ""
        told = ", ".join(filter(None, [f"difference of five-year AUC {interval(test)}", p, kind]))
        pair = names([run.primary, name])
        rows.append(_line("B", "Comparison of scores", test["n"], test["events"], pair, told))
    for name in run.score_names:
        row = run.row(run.primary, MATCHED, name)
        if row is not None:
            told = f"difference of sensitivity {with_p(row)}"
            pair = names([run.primary, name])
            rows.append(
                _line("B", "At a reader's specificity", row["n"], row["events"], pair, told)
            )
    return rows
