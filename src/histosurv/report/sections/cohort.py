"""Who the patients are, for how long they were followed, and how the score goes with them."""

import pandas as pd

from histosurv.cohort.folds import blocks_of_patients
from histosurv.evaluation.design import Covariate
from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.follow_up import ENDS, draw_follow_up
from histosurv.report.run import Run
from histosurv.report.wording import by_five_years, name_of, told

MOST_LEVELS = 12
OUTCOMES = {1: "Dead of the cancer", 0: "Survived", None: "Unknown"}


def cohort(run: Run) -> Content:
    """Cohort by outcome, follow-up, and the score among patients of each kind."""
    follow_up, cancer, overall = (
        run.row("", name)
        for name in ("follow_up_median_months", "survival_60m_cancer", "survival_60m_overall")
    )
    columns = described(run)
    text = [
        f"Median follow-up (reverse Kaplan-Meier) {told(follow_up, 1)} months. Five-year survival: "
        f"{told(cancer)} with other deaths censored ({by_five_years(cancer)}), {told(overall)} for "
        f"death of any cause ({by_five_years(overall)}).",
        f"Of {run.count('n_patients')} patients {run.count('n_dead_60m')} were dead of the cancer "
        f"at five years and {run.count('n_alive_60m')} known to have survived. Of "
        f"{run.count('n_unknown_60m')} it is not known: {run.count('n_unknown_60m_lost')} were "
        f"lost, {run.count('n_unknown_60m_other_death')} died of something else.",
    ]
    ends = ", ".join(
        f"{(run.patients['event'] == event).sum()} {name}" for event, (name, *_) in ENDS.items()
    )
    data = run.patients[["time_months", "event"]].sort_values(["time_months", "event"])
    items = {
        "cohort": Table(characteristics(run.patients, columns)),
        "follow_up": Plot(
            draw_follow_up(run.patients),
            data,
            f"Histogram of time in the study: {ends}.",
            f"{ends}.",
        ),
        "marker": _marker(run, columns),
    }
    return Content(text, items)


def described(run: Run) -> dict[str, Covariate]:
    """Columns of the patient table that the study asks about, and the block."""
    asked = run.config["evaluation"]
    names = [*asked["covariates"], *asked["subgroups"], *run.config["models"]["clinical"],
             *run.config["cohort"]["strata"], *run.config["cohort"]["readers"]]  # fmt: skip
    blocks = run.patients["patient_id"].map(blocks_of_patients(run.spots))
    table = run.patients.assign(block=blocks.fillna(""))
    names = [name for name in dict.fromkeys([*names, "block"]) if name in table]
    return {name: Covariate.of(table[name]) for name in names if table[name].ne("").any()}


def characteristics(patients: pd.DataFrame, columns: dict[str, Covariate]) -> pd.DataFrame:
    """Table of the cohort by five-year outcome: medians (quartiles), or numbers (shares)."""
    label = patients["label_60m"]
    groups = {"All": label.notna() | label.isna()}
    groups |= {
        name: label.isna() if kind is None else label == kind for kind, name in OUTCOMES.items()
    }
    headings = {name: f"{name} (n = {of.sum()})" for name, of in groups.items()}
    rows = []
    for covariate in columns.values():
        parts = _parts(covariate)
        rows += [
            {"Variable": title} | {headings[name]: tell(of) for name, of in groups.items()}
            for title, tell in parts
        ]
    return pd.DataFrame(rows, columns=["Variable", *headings.values()])


def everybody(columns: dict[str, Covariate]) -> dict[str, str]:
    """Lines of all variables, of all patients together."""
    return {
        title: tell(covariate.cells.notna() | covariate.cells.isna())
        for covariate in columns.values()
        for title, tell in _parts(covariate)
    }


def _parts(covariate: Covariate) -> list[tuple]:
    """Lines of one variable: their titles, and what tells each of some patients."""
    name, cells = covariate.name, covariate.cells
    parts: list[tuple] = []
    if covariate.is_number:
        parts.append((f"{name}, median (quartiles)", lambda of: quartiles(cells[of])))
    else:
        levels = covariate.levels(range(len(cells)))
        for level in levels[:MOST_LEVELS]:
            parts.append((f"{name}: {level}", lambda of, level=level: _share(cells[of] == level)))
        rest = levels[MOST_LEVELS:]
        if rest:
            title = f"{name}: {len(rest)} other values"
            parts.append((title, lambda of: _share(cells[of].isin(rest))))
    if not covariate.known.all():
        parts.append((f"{name}: missing", lambda of: _share(cells[of].isna())))
    return parts


def quartiles(values: pd.Series, digits: int = 1) -> str:
    """``median (lower to upper quartile)``, or a dash."""
    if values.notna().sum() == 0:
        return "–"
    low, middle, high = values.astype(float).quantile([0.25, 0.5, 0.75])
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _share(member: pd.Series) -> str:
    n = int(member.fillna(value=False).sum())
    return f"{n} ({n / len(member):.0%})" if len(member) else "0"


def _marker(run: Run, columns: dict[str, Covariate]) -> Table | Missing:
    if run.primary not in run.score_names:
        return Missing("There is no score to show.")
    table = run.scored(run.primary)
    place = run.patients["patient_id"].isin(table["patient_id"]).to_numpy()
    rows = []
    for covariate in columns.values():
        if covariate.name in run.readers:
            continue
        cells = covariate.cells[place].reset_index(drop=True)
        for title, member in _kinds(covariate, cells):
            own = table[member.fillna(value=False).to_numpy(bool)]
            if len(own):
                high = int(own["is_high"].sum())
                rows.append(
                    {
                        "Patients": title,
                        "n": str(len(own)),
                        "Score, median (quartiles)": quartiles(own["value"], 2),
                        "Called high risk": f"{high} ({high / len(own):.0%})",
                    }
                )
    if not rows:
        return Missing("The patient table has no column to look at the score by.")
    note = f"Score: {name_of(run.primary)}; {len(table)} patients."
    return Table(pd.DataFrame(rows), note)


def _kinds(covariate: Covariate, cells: pd.Series) -> list[tuple[str, pd.Series]]:
    if covariate.is_number:
        middle = float(cells.median())
        return [(f"{covariate.name}: below {middle:g}", cells < middle),
                (f"{covariate.name}: at least {middle:g}", cells >= middle)]  # fmt: skip
    levels = covariate.levels(range(len(covariate.cells)))[:MOST_LEVELS]
    return [(f"{covariate.name}: {level}", cells == level) for level in levels]
