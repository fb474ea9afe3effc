"""The five-year label of a patient, and nothing that could be taken for it."""

import numpy as np
import pandas as pd

HORIZON_MONTHS = 60.0

ALIVE, CANCER_DEATH, OTHER_DEATH = 0, 1, 2


def label_60m(time_months: pd.Series, event: pd.Series) -> pd.Series:
    """Death of the cancer within five years, as far as it is known.

    Parameters
    ----------
    time_months : pandas.Series of float
        Months from surgery to death or last contact.
    event : pandas.Series of int
        0 alive at last contact, 1 death of the cancer, 2 other death.

    Returns
    -------
    pandas.Series of Int64
        1 dead of the cancer by 60 months; 0 known not to be: followed beyond 60 months, or alive
        at exactly 60; missing when unknown: lost, or dead of something else, before. Unknown is
        not survival and is never counted as it.
    """
    died = (event == CANCER_DEATH) & (time_months <= HORIZON_MONTHS)
    survived = (time_months > HORIZON_MONTHS) | ((event == ALIVE) & (time_months == HORIZON_MONTHS))
    label = np.select([died, survived], [1, 0], default=-1)
    return pd.Series(label, index=time_months.index, dtype="Int64").replace(-1, pd.NA)
