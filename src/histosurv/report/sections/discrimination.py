"""Who dies sooner: every score on the same patients, along the years, fold by fold."""

import pandas as pd

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.auc import draw_auc_by_fold, draw_auc_over_time
from histosurv.report.figures.roc import draw_roc
from histosurv.report.run import Run
from histosurv.report.wording import name_of, number, p_of, size, told

FIGURES = {
    "auc_ipcw_60m": "AUC at five years",
    "auc_ipcw_60m_within_folds": "within folds",
    "c_uno": "Uno's C",
    "c_harrell": "Harrell's C",
}


def discrimination(run: Run) -> Content:
    """Discrimination of every score, and the study's against each other."""
    return Content(
        items={
            "discrimination": _scores(run),
            "roc": _roc(run),
            "auc_over_time": _over_time(run),
            "auc_by_fold": _by_fold(run),
            "differences": differences(run),
        }
    )


def _scores(run: Run) -> Table:
    rows = []
    for score in run.score_names:
        found = {estimand: run.row(score, estimand) for estimand in FIGURES}
        rows.append(
            {"Score": name_of(score)}
            | {title: told(found[estimand], 3) for estimand, title in FIGURES.items()}
            | {
                "n / dead within five years": size(found["auc_ipcw_60m"]),
                "all deaths": size(found["c_harrell"]).rpartition("/ ")[2],
            }
        )
    return Table(pd.DataFrame(rows))


def ordered(table: pd.DataFrame, scores: list[str]) -> pd.DataFrame:
    """Rows of some scores, in their order."""
    place = {score: i for i, score in enumerate(scores)}
    own = table[table["score"].isin(scores)]
    return own.sort_values("score", key=lambda of: of.map(place), kind="stable")


def _roc(run: Run) -> Plot | Missing:
    curves = ordered(run.curve("roc"), run.score_names)
    if curves.empty:
        return Missing("All patients with a known five-year outcome have the same one.")
    calls = pd.DataFrame(
        {
            score: {
                name: run.row(score, f"{name}_60m")["estimate"]
                for name in ("sensitivity", "specificity")
            }
            for score in run.score_names
            if run.row(score, "sensitivity_60m") is not None
        }
    ).T.dropna()
    models = [*run.models, *run.clinical, run.primary]
    figure = draw_roc(curves, calls, run.primary, models)
    areas = [f"{name_of(s)} {told(run.row(s, 'auc_60m'))}" for s in dict.fromkeys(curves["score"])]
    own = run.row(run.primary, "auc_60m")
    note = (
        ""
        if own is None
        else (
            f"Of {name_of(run.primary)} {own['n']:.0f} patients, {own['events']:.0f} of them dead; "
            "of calls those who were called."
        )
    )
    return Plot(figure, curves, f"ROC curves; areas: {'; '.join(areas)}.", note)


def _over_time(run: Run) -> Plot | Missing:
    """The study's score, the other models, the clinic and the pathologists."""
    shown = [run.primary, *run.models, "clinical", run.human]
    curves = ordered(run.curve("auc_over_time"), [s for s in run.score_names if s in shown])
    curves = curves[curves["auc"].notna()]
    if curves.empty:
        return Missing("There is no year with deaths before it and patients beyond it.")
    own = curves[curves["score"] == run.primary]
    values = ", ".join(
        f"{row.time_months:g} months {row.auc:.2f} ({number(row.lower)} to {number(row.upper)})"
        for row in own.itertuples()
    )
    note = f"Deaths so far: {', '.join(str(n) for n in own['events'])}."
    figure = draw_auc_over_time(curves, run.primary)
    return Plot(figure, curves, f"AUC of {name_of(run.primary)}: {values}.", note)


def _by_fold(run: Run) -> Plot | Missing:
    shown = [run.primary, *run.models, *run.clinical, run.human]
    table = ordered(run.curve("auc_by_fold"), [s for s in run.score_names if s in shown])
    if table["auc"].notna().sum() == 0:
        return Missing("No fold has both outcomes among its tested patients.")
    own = table.loc[(table["score"] == run.primary) & table["auc"].notna(), "auc"]
    alt = "AUC of each fold."
    if len(own):
        alt = f"AUC of {name_of(run.primary)} by fold: {own.min():.2f} to {own.max():.2f}."
    n_folds = table.groupby("score").size().max()
    return Plot(draw_auc_by_fold(table), table, alt, f"{n_folds} folds of each score.")


def differences(run: Run) -> Table | Missing:
    """The study's score less every other."""
    rows, declared = [], run.config["evaluation"]["against"]
    for score in run.score_names:
        row = run.row(run.primary, "auc_ipcw_60m_difference", score)
        if row is None:
            continue
        adjusted = run.row(run.primary, "auc_ipcw_60m_difference_holm", score)
        within = run.row(run.primary, "auc_ipcw_60m_within_folds_difference", score)
        found = {
            "Against": name_of(score),
            "AUC at five years": told(row, 3),
            "p": p_of(row),
            "p, adjusted": "declared before" if score == declared else p_of(adjusted),
            "within folds": told(within, 3),
            "Uno's C": told(run.row(run.primary, "c_uno_difference", score), 3),
            "n / dead within five years": size(row),
        }
        if run.is_external:
            del found["within folds"]  # frozen models have none
        rows.append(found)
    if not rows:
        return Missing("There is no other score to compare the study's with.")
    return Table(pd.DataFrame(rows), f"{name_of(run.primary)}, less the other.")
