"""Who was in the tables, who was left out and why, who is analysed."""

from collections import Counter

import pandas as pd

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.figures.flow import draw_flow
from histosurv.report.origin import without_folder
from histosurv.report.run import PATIENT_STAGES, Run
from histosurv.spots.quality import UNUSABLE


def flow(run: Run) -> Content:
    """Flow figure and the list of what was left out."""
    steps = flow_steps(run)
    numbers = steps.set_index(["step", "text"])["n"]
    told = ". ".join(f"{n} {text}" for (_, text), n in numbers.items())
    out = run.exclusions
    table = out.assign(reason=out["reason"].map(without_folder))
    table = table.rename(columns={"id": "Id", "stage": "Where", "reason": "Reason"})
    listed = Missing("No row of the tables was left out.")
    if len(out):
        listed = Table(table, is_sortable=True)
    warnings = []
    if len(out):
        warnings.append(
            f"{len(out)} rows of the tables were left out; they are listed under Patients and "
            "spots."
        )
    items = {"flow": Plot(draw_flow(steps), steps, f"Flow chart: {told}."), "exclusions": listed}
    return Content(items=items, warnings=warnings)


def flow_steps(run: Run) -> pd.DataFrame:
    """Boxes of the flow: ``step, kind, text, n``; kind ``in``, ``out`` or ``end``."""
    of_patients = run.exclusions["stage"].isin(PATIENT_STAGES)
    n_spots = len(run.spots) + int((~of_patients).sum())
    rows = [
        (0, "in", "patients in the patient table", len(run.patients) + int(of_patients.sum())),
        (0, "in", "spots (images, or cores of slides)", n_spots),
        *((0, "out", text, n) for text, n in _reasons(run).items()),
        (1, "in", "patients analysed", len(run.patients)),
        (1, "in", "of their spots", len(run.spots)),
    ]
    tested = run.folds.loc[run.folds["part"] == "test", "patient_id"].nunique()
    if tested < len(run.patients):
        rows.append((1, "out", "patients, served for fitting alone", len(run.patients) - tested))
        rows.append((2, "in", "patients tested", tested))
    is_tested = run.patients["patient_id"].isin(
        run.folds.loc[run.folds["part"] == "test", "patient_id"]
    )
    label = run.patients.loc[is_tested, "label_60m"]
    rows += [
        (3, "end", "dead of the cancer within five years", int((label == 1).sum())),
        (3, "end", "known to have survived five years", int((label == 0).sum())),
        (
            3,
            "end",
            "unknown at five years: lost, or dead of something else",
            int(label.isna().sum()),
        ),
    ]
    return pd.DataFrame(rows, columns=["step", "kind", "text", "n"])


def _reasons(run: Run) -> Counter[str]:
    """How many rows were left out for each kind of reason."""
    codes = {}
    if run.quality is not None:
        codes = run.quality.set_index("spot_id")["reasons"].to_dict()
    found: Counter[str] = Counter()
    for row in run.exclusions.to_dict("records"):
        what = "patients" if row["stage"] in PATIENT_STAGES else "spots"
        code = next((c for c in str(codes.get(row["id"], "")).split() if c in UNUSABLE), "")
        reason = row["reason"]
        if row["stage"] == "picture":  # the message begins with the file, which differs each time
            reason = UNUSABLE.get(code) or reason.rpartition(": ")[2]
        found[f"{what}, {reason}"] += 1
    return Counter(dict(found.most_common()))
