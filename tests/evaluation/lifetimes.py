"""Drawn follow-up whose hazard follows a risk."""

import numpy as np
import pandas as pd


def patients_with(
    rng: np.random.Generator, risk: np.ndarray, months: float, lost: tuple[float, float]
) -> pd.DataFrame:
    """Patients who die at a mean of some months, more at a high risk, or are lost at some time."""
    n = len(risk)
    time = rng.exponential(months * np.exp(-risk)).round(2)
    end = rng.uniform(*lost, n).round(2)
    return pd.DataFrame(
        {
            "patient_id": [f"{i:03d}" for i in range(n)],
            "time_months": np.minimum(time, end),
            "event": (time < end).astype(int),
        }
    )
