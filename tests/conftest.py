"""What all tests share: where the real data lie, small tables, small cohorts."""

import os
from pathlib import Path

import pandas as pd
import pytest

REAL_DATA = Path(
    os.environ.get("HISTOSURV_REAL_DATA", Path(__file__).parents[2] / "shared" / "data")
)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data, or a skipped test."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real data at {REAL_DATA} (HISTOSURV_REAL_DATA names the folder)")
    return REAL_DATA


@pytest.fixture
def patients() -> pd.DataFrame:
    """Six patients with every kind of outcome."""
    return pd.DataFrame(
        {
            "patient_id": ["A", "B", "C", "D", "E", "F"],
            "time_months": [12.0, 30.0, 70.0, 90.0, 20.0, 55.0],
            "event": [1, 1, 0, 1, 2, 0],
        }
    )
