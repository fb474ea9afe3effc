"""How large the study report is, and how long it takes to build, by number of spots.

    PYTHONPATH=. python benchmarks/report_size.py 420 5000

The tables are made up (one spot a patient, 256 tiles a spot, noise as contributions, which packs
worst); the pictures are drawn spots of 256 px, as `histosurv tiles` leaves them.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.report import whole_run

from histosurv.report.build import build_report


def main(sizes: list[int]) -> None:
    """Print a line of the table per number of spots."""
    print("| spots | page, MB | seconds |\n|---|---|---|")
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            run = whole_run.large_run(Path(folder), n)
            page, start = run.results / "report/study.html", time.perf_counter()
            build_report(run, page)
            took = time.perf_counter() - start
            print(f"| {n} | {page.stat().st_size / 1e6:.1f} | {took:.0f} |", flush=True)


if __name__ == "__main__":
    main([int(n) for n in sys.argv[1:]] or [420, 5000])
