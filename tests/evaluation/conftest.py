"""Freireich's leukaemia trial (Blood 1963): weeks in remission, 6-mercaptopurine or placebo."""

import numpy as np
import pandas as pd
import pytest

DRUG = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
DRUG_EVENT = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


@pytest.fixture
def trial():
    return pd.DataFrame(
        {
            "time_months": np.array(DRUG + PLACEBO, float),
            "event": DRUG_EVENT + [1] * 21,
            "is_high": [False] * 21 + [True] * 21,
        }
    )
