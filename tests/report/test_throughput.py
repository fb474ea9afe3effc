"""What the steps took, from what Snakemake measured."""

import json
from types import SimpleNamespace

from histosurv.report.sections.throughput import duration, measured, measured_steps


def test_jobs_of_a_step_are_summed_and_stale_ones_are_not_read(tmp_path):
    own = tmp_path / "development"
    for name, seconds in (("spots/0000", 4.0), ("spots/0001", 6.0), ("spots/0002", 99.0)):
        path = own / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        told = {"s": seconds, "cpu_time": 2 * seconds, "max_rss": 512.0}
        path.write_text(json.dumps(told) + "\n")
    (own / "evaluation.jsonl").write_text('{"s": 0.1, "cpu_time": "NA", "max_rss": "NA"}\n')
    run = SimpleNamespace(
        benchmarks=tmp_path, batches=["0000", "0001"], models=["lstm"], clinical=[], jobs=["1_1"]
    )
    tiles, evaluation = measured_steps(measured(run)).to_dict("records")
    assert (tiles["step"], tiles["jobs"], tiles["seconds"], tiles["longest_seconds"]) == (
        "tiles", 2, 10.0, 6.0,
    )  # fmt: skip
    assert (tiles["cpu_seconds"], tiles["memory_gb"]) == (20.0, 0.5)
    assert (evaluation["step"], evaluation["cpu_seconds"]) == ("evaluate", 0.0)
    assert [duration(of) for of in (7, 90, 7200)] == ["7 seconds", "1.5 minutes", "2.0 hours"]
