"""Where the time of a feature job goes."""

import resource
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import torch

from histosurv.device import device_name
from histosurv.features.encoders import Encoder

COLUMNS = [
    "spots",
    "taken_over",
    "tiles",
    "distinct_tiles",
    "seconds",
    "tiles_per_s",
    "decode_s",
    "compute_s",
    "wait_s",
    "write_s",
    "device",
    "precision",
    "threads",
    "peak_memory_gb",
    "peak_gpu_memory_gb",
]


class Clock:
    """Seconds and counts of one job, summed over its threads."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._sums: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Add the seconds that a block takes."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(what, time.perf_counter() - start)

    def add(self, what: str, amount: float) -> None:
        """Add to a sum."""
        with self._lock:
            self._sums[what] += amount

    def row(self, encoder: Encoder, threads: int, workers: int) -> pd.DataFrame:
        """One row of `COLUMNS`.

        ``decode_s``, ``compute_s`` and ``write_s`` are summed over the threads that did it, side
        by side; ``wait_s`` is what those that compute spent without work.
        """
        sums, seconds = self._sums, time.perf_counter() - self._start
        on_gpu = encoder.device.type == "cuda"
        row = {
            "spots": int(sums["spots"]),
            "taken_over": int(sums["taken_over"]),
            "tiles": int(sums["tiles"]),
            "distinct_tiles": int(sums["distinct_tiles"]),
            "seconds": seconds,
            "tiles_per_s": sums["tiles"] / seconds,
            "decode_s": sums["decode"],
            "compute_s": sums["compute"],
            "wait_s": max(0.0, workers * seconds - sums["compute"]),
            "write_s": sums["write"],
            "device": device_name(encoder.device),
            "precision": encoder.precision,
            "threads": threads,
            "peak_memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
            "peak_gpu_memory_gb": torch.cuda.max_memory_allocated() / 1e9 if on_gpu else 0.0,
        }
        return pd.DataFrame([row], columns=COLUMNS).round(3)
