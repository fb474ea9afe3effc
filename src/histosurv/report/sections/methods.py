"""The methods text of this run, with its references."""

import pandas as pd

from histosurv.report.content import Content
from histosurv.report.methods import methods_text
from histosurv.report.references import cite
from histosurv.report.run import Run
from histosurv.report.sections.split import part_sizes


def methods(run: Run) -> Content:
    """Paragraphs to paste."""
    counts = run.metrics[run.metrics["score"] == ""].drop_duplicates("estimand")
    told = methods_text(
        run.config,
        run.features,
        pd.Series(counts["estimate"].to_numpy(), counts["estimand"]),
        part_sizes(run),
        run.patients.columns,
    )
    paragraphs, references = cite(told)
    return Content(extra={"paragraphs": paragraphs, "references": references})
