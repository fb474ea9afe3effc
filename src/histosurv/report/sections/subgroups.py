"""The study's score among patients of each kind, without each block, and read in other ways."""

import pandas as pd

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.intervals import Panel, draw_intervals, ends
from histosurv.report.run import Run
from histosurv.report.wording import has, listed, number, p_of, size, told

WITHOUT = "without block: "
OTHER_READINGS = {
    "auc_ipcw_60m": "AUC at five years",
    "auc_ipcw_60m_within_folds": "AUC within folds",
    "auc_ipcw_60m_other_as_control": "AUC, other deaths taken for survivors",
    "auc_ipcw_60m_overall": "AUC of death of any cause",
    "auc_60m": "AUC of known outcomes alone",
    "auc_ipcw_60m_all_spots": "AUC, all spots averaged",
    "auc_ipcw_60m_spots_without_remark": "AUC without doubtful spots",
    "c_harrell": "Harrell's C",
    "c_harrell_overall": "Harrell's C of death of any cause",
    "hr_per_sd": "Hazard ratio per SD",
    "hr_per_sd_overall": "Hazard ratio per SD, death of any cause",
    "shr_per_sd": "Subdistribution hazard ratio per SD (Fine-Gray)",
    "hr_per_sd_adjusted": "Hazard ratio per SD, adjusted",
    "hr_per_sd_adjusted_imputed": "Hazard ratio per SD, adjusted, gaps filled",
}


def subgroups(run: Run) -> Content:
    """Subgroups, interactions, blocks, sensitivity."""
    items = {
        "subgroups": _subgroups(run),
        "interactions": _interactions(run),
        "blocks": _blocks(run),
        "sensitivity": _sensitivity(run),
    }
    return Content(items=items)


def _none(run: Run) -> Missing:
    asked = run.config["evaluation"]["subgroups"]
    if not asked:
        return Missing("No subgroups were asked for (evaluation: subgroups).")
    return Missing(f"The patient table has none of {listed(asked)} with a value.")


def _own(run: Run, estimand: str) -> pd.DataFrame:
    metrics = run.metrics
    return metrics[(metrics["score"] == run.primary) & (metrics["estimand"] == estimand)]


def _subgroups(run: Run) -> Plot | Missing:
    areas = _own(run, "auc_ipcw_60m")
    areas = areas[~areas["subgroup"].str.startswith(WITHOUT)]
    names = [name for name in areas["subgroup"] if name]
    if not names:
        return _none(run)
    rows = []
    for name in ["", *names]:
        auc = run.row(run.primary, "auc_ipcw_60m", subgroup=name)
        ratio = run.row(run.primary, "hr_per_sd", subgroup=name)
        rows.append(
            {"label": name or "all patients", "size": size(ratio)}
            | ends("auc", auc)
            | ends("hr", ratio)
        )
    table = pd.DataFrame(rows)
    missing = [row["label"] for row in rows if pd.isna(row["auc"]) and pd.isna(row["hr"])]
    note = "At the right: n / deaths of the cancer, ever."
    if missing:
        note += f" Not estimable: {', '.join(missing)}."
    whole = table.iloc[0]
    panels = [
        Panel("auc", "AUC at five years", float(whole["auc"])),
        Panel("hr", "Hazard ratio per SD", float(whole["hr"]), is_ratio=True),
    ]
    alt = "; ".join(
        f"{row['label']} AUC {number(row['auc'])}, ratio {number(row['hr'])}" for row in rows
    )
    return Plot(draw_intervals(table, panels), table, f"{alt}.", f"{note} Dotted: all patients.")


def _interactions(run: Run) -> Table | Missing:
    rows = [
        {
            "Column": row["subgroup"],
            "Likelihood ratio": told(row) if not has(row) else number(row["estimate"]),
            "Degrees of freedom": row["note"].partition(" ")[0] if has(row) else "",
            "p": p_of(row),
            "n / deaths": size(row),
        }
        for _, row in _own(run, "interaction").iterrows()
    ]
    return Table(pd.DataFrame(rows)) if rows else _none(run)


def _blocks(run: Run) -> Plot | Missing:
    areas = _own(run, "auc_ipcw_60m")
    rows = [
        {"label": name, "size": size(run.row(run.primary, "auc_ipcw_60m", subgroup=name))}
        | ends("auc", run.row(run.primary, "auc_ipcw_60m", subgroup=name))
        for name in areas["subgroup"]
        if name.startswith(WITHOUT)
    ]
    if not rows:
        return Missing(
            "The spots are not in several blocks that could be left out one by one (spot table: "
            "block)."
        )
    whole = run.row(run.primary, "auc_ipcw_60m")
    everybody = {"label": "all patients", "size": size(whole)} | ends("auc", whole)
    table = pd.DataFrame([everybody, *rows])
    spread = run.row(run.primary, "auc_ipcw_60m_block_spread")
    note = f"Largest less smallest: {told(spread, 3)}. At the right: n / dead within five years."
    panels = [Panel("auc", "AUC at five years", float(whole["estimate"]))]
    alt = "; ".join(f"{row['label']} {number(row['auc'])}" for row in table.to_dict("records"))
    return Plot(draw_intervals(table, panels), table, f"AUC {alt}.", note)


def _sensitivity(run: Run) -> Table | Missing:
    rows = []
    for estimand, title in OTHER_READINGS.items():
        own = _own(run, estimand)
        own = own[own["subgroup"] == ""]
        for _, row in own.iterrows():
            rows.append(
                {
                    "Reading": title,
                    "Value": told(row, 3),
                    "n / deaths": size(row),
                    "How": row["method"],
                }
            )
    return Table(pd.DataFrame(rows)) if rows else Missing("There is no score to read.")
