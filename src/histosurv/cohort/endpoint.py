"""The five-year label of a patient, and nothing that could be taken for it."""

import numpy as np
import pandas as pd

HORIZON_MONTHS = 60.0

DAY_MONTHS = 12 / 365.25
MANY = 0.05  # share of the patients from which a heap at the horizon is no chance

ALIVE, CANCER_DEATH, OTHER_DEATH = 0, 1, 2
FEW_DEATHS = 100  # of the cancer, below which a reader is warned that intervals are wide


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


def heaped_at_horizon(time_months: pd.Series, event: pd.Series) -> pd.Series:
    """Living patients whose follow-up a table seems to have cut at five years.

    Five calendar years are 1826 or 1827 days, so a rounded cut may lie at 60 months or a day below.
    Taken at their word these patients would be unknown at 60 months, or no controls.

    Returns
    -------
    pandas.Series of bool
        Those at 60 months or within a day below, if nobody was followed beyond, or if they are
        more than one in twenty; else nobody.
    """
    at_cut = time_months.between(HORIZON_MONTHS - DAY_MONTHS, HORIZON_MONTHS)
    near = (event == ALIVE) & at_cut
    is_cut = not (time_months > HORIZON_MONTHS).any() or near.mean() > MANY
    return near & is_cut
