"""Where the time went, and how much memory it took."""

import json
from pathlib import Path

import pandas as pd

from histosurv.report.content import Content, Missing, Plot, Table
from histosurv.report.features import throughput_rows
from histosurv.report.figures.time import draw_time
from histosurv.report.run import Run
from histosurv.report.wording import number

NO_TIMES = Missing("The steps were not run by the workflow, which measures them.")


def throughput(run: Run) -> Content:
    """Time and memory of every step, and the speed of the features."""
    steps = measured_steps(measured(run))
    features = throughput_rows(run.folder / "features/throughput", run.n_batches)
    items = {
        "time": NO_TIMES,
        "steps": NO_TIMES,
        "throughput": Table(pd.DataFrame(features))
        if features
        else Missing("Features were imported: computing them took no time here."),
    }
    text = []
    if len(steps):
        total = steps["seconds"].sum()
        text = [
            f"The jobs of these steps took {duration(total)} together ({steps['jobs'].sum()} jobs; "
            f"side by side they take less) and {duration(steps['cpu_seconds'].sum())} of processor "
            f"time; none took more than {steps['memory_gb'].max():.1f} GB of memory."
        ]
        first = steps.iloc[0]
        alt = f"The longest step: {first['step']}, {duration(first['seconds'])}."
        items["time"] = Plot(draw_time(steps), steps, alt)
        items["steps"] = Table(_rows(steps))
    return Content(text, items)


def measured(run: Run) -> list[tuple[str, Path]]:
    """Steps that take time, and Snakemake's measurement of each job that it ran."""
    if run.benchmarks is None:
        return []
    own, models = run.benchmarks / "development", run.benchmarks / "models"
    jobs = [(name, job) for name in [*run.models, *run.clinical] for job in run.jobs]
    found = [
        *(("tiles", own / f"spots/{batch}.jsonl") for batch in run.batches),
        *(("features", own / f"features/{batch}.jsonl") for batch in run.batches),
        *((f"train {name}", models / f"{name}/{job}.jsonl") for name, job in jobs),
        *((f"attribute {name}", models / f"{name}/{job}_attribution.jsonl") for name, job in jobs),
        ("gallery", own / "explanations.jsonl"),
        ("evaluate", own / "evaluation.jsonl"),
    ]
    return [(step, path) for step, path in found if path.is_file()]


def measured_steps(jobs: list[tuple[str, Path]]) -> pd.DataFrame:
    """What Snakemake measured, by step, the longest first.

    Parameters
    ----------
    jobs : list of tuple of str and pathlib.Path
        As from `measured`: step, and the file of a ``benchmark:`` directive (JSON lines) of one
        of its jobs.

    Returns
    -------
    pandas.DataFrame
        ``step, jobs, seconds, longest_seconds, cpu_seconds, memory_gb``.
    """
    rows = []
    for step, path in jobs:
        for line in path.read_text("utf-8").splitlines():
            told = json.loads(line)
            rows.append((step, *(_known(told[name]) for name in ("s", "cpu_time", "max_rss"))))
    table = pd.DataFrame(rows, columns=["step", "seconds", "cpu", "mb"])
    steps = table.groupby("step").agg(
        jobs=("step", "size"),
        seconds=("seconds", "sum"),
        longest_seconds=("seconds", "max"),
        cpu_seconds=("cpu", "sum"),
        memory_gb=("mb", lambda of: of.max() / 1024),
    )
    return steps.reset_index().sort_values(
        ["seconds", "step"], ascending=[False, True], kind="stable"
    )


def duration(seconds: float) -> str:
    """Seconds in a unit that is read easily."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _known(value: object) -> float:
    """A measurement; Snakemake writes ``NA`` for jobs that were over at once."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _rows(steps: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Step": row.step,
            "Jobs": str(row.jobs),
            "Seconds in all": number(row.seconds, 1),
            "Longest, seconds": number(row.longest_seconds, 1),
            "Processor, seconds": number(row.cpu_seconds, 1),
            "Memory of one, GB": number(row.memory_gb, 2),
        }
        for row in steps.itertuples()
    )
