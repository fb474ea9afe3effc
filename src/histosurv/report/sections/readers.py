"""The pathologists: how far they agree, and the study's score beside them, like for like."""

import pandas as pd

from histosurv.evaluation.study import MAJORITY
from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.intervals import Panel, draw_intervals, ends
from histosurv.report.run import Run
from histosurv.report.wording import has, listed, name_of, number, p_of, size, told


def readers(run: Run) -> Content:
    """Agreement and comparison at equal specificity."""
    if not run.readers:
        asked = run.config["cohort"]["readers"]
        missing = Missing(
            f"No pathologists' calls were given: there is none in {listed(asked)}."
            if asked
            else "No pathologists' calls were given. Name their columns under cohort: readers in "
            "the config to have them compared."
        )
        return Content(items=dict.fromkeys(("matched", "matched_table", "agreement"), missing))
    rows = _matched(run)
    items = {
        "matched": _figure(run, rows),
        "matched_table": Table(_table(run, rows)) if rows else _no_match(),
        "agreement": Table(_agreement(run)),
    }
    text = [
        f"{len(run.readers)} reader{'' if len(run.readers) == 1 else 's'} called patients low or "
        f"high: {listed([name_of(name) for name in run.readers])}. A call has one operating point, "
        "a score has a curve: their areas are not like for like. So the study's score is cut "
        "where patients of the other folds would have the reader's specificity, and the deaths "
        "that each finds are compared. In the patients themselves the two specificities are near "
        "each other and seldom the same: both stand in the table."
    ]
    return Content(text, items)


def _no_match() -> Missing:
    return Missing("No patient with a known outcome was both read and scored.")


def _matched(run: Run) -> list[dict]:
    """Per reader: shares of the dead and of the living, ours at equal specificity, difference."""
    found = []
    for name in (*run.readers, MAJORITY):
        key = {"against": name}
        difference = run.row(run.primary, "sensitivity_60m_matched_difference", **key)
        if difference is not None:
            found.append(
                {
                    "reader": name,
                    "theirs": run.row(name, "sensitivity_60m"),
                    "specificity": run.row(name, "specificity_60m"),
                    "ours": run.row(run.primary, "sensitivity_60m_matched", **key),
                    "our_specificity": run.row(run.primary, "specificity_60m_matched", **key),
                    "difference": difference,
                }
            )
    return found


def _figure(run: Run, rows: list[dict]) -> Plot | Missing:
    if not rows:
        return _no_match()
    ours = name_of(run.primary)
    drawn = pd.DataFrame(
        [
            {
                "label": name_of(row["reader"]),
                "series": series,
                "size": size(of),
            }
            | ends("sensitivity", of)
            for row in rows
            for series, of in (("the reader", row["theirs"]), (ours, row["ours"]))
        ]
    )
    figure = draw_intervals(
        drawn, [Panel("sensitivity", "Sensitivity: share of deaths called high")],
        colours={"the reader": "#000000", ours: "#D55E00"},
    )  # fmt: skip
    alt = "; ".join(
        f"{name_of(row['reader'])}: {told(row['theirs'])}, the score {told(row['ours'])}"
        for row in rows
    )
    return Plot(
        figure, drawn, f"Sensitivity at equal specificity. {alt}.", "At the right: n / deaths."
    )


def _table(run: Run, rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Reader": name_of(row["reader"]),
            "Specificity": told(row["specificity"]),
            "of the score": told(row["our_specificity"]),
            "Sensitivity": told(row["theirs"]),
            "of the score, cut there": told(row["ours"]),
            "Difference, score less reader": told(row["difference"])
            if has(row["difference"])
            else "–",
            "p": p_of(row["difference"]),
            "deaths": f"{row['difference']['events']:.0f}",
        }
        for row in rows
    )


def _agreement(run: Run) -> pd.DataFrame:
    kinds = {"kappa": "Kappa", "share_unanimous": "All say the same", "share_high": "Says high"}
    rows = []
    for _, row in run.metrics[run.metrics["estimand"].isin(kinds)].iterrows():
        who = [name for name in (row["score"], *row["against"].split(" + ")) if name]
        rows.append(
            {
                "Figure": kinds[row["estimand"]],
                "Readers": listed([name_of(name) for name in who]),
                "Value": told(row) if has(row) else number(row["estimate"]),
                "n / deaths": size(row),
            }
        )
    return pd.DataFrame(rows)
