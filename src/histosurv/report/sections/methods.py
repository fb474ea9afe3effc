"""The methods text of this run, with its references."""

import pandas as pd

from histosurv.report.content import Content
from histosurv.report.methods import methods_text
from histosurv.report.references import cite
from histosurv.report.run import Run
from histosurv.report.sections.split import part_sizes


def as_done(run: Run) -> dict:
    """The configuration less what it asks for and the tables do not allow."""
    asked = run.config["evaluation"]
    adjusted = run.metrics[
        (run.metrics["score"] == run.primary) & (run.metrics["estimand"] == "hr_per_sd_adjusted")
    ]
    against = [text for text in adjusted["against"] if text]
    declared = run.row(run.primary, "auc_ipcw_60m_difference", asked["against"])
    done = {
        "covariates": against[0].split(" + ") if against else [],
        "against": "" if declared is None else asked["against"],
    }
    return run.config | {
        "evaluation": asked | done,
        "cohort": run.config["cohort"] | {"readers": run.readers},
    }


def methods(run: Run) -> Content:
    """Paragraphs to paste."""
    counts = run.metrics[run.metrics["score"] == ""].drop_duplicates("estimand")
    told = methods_text(
        as_done(run),
        run.features,
        pd.Series(counts["estimate"].to_numpy(), counts["estimand"]),
        part_sizes(run),
        run.patients.columns,
    )
    paragraphs, references = cite(told)
    return Content(extra={"paragraphs": paragraphs, "references": references})
