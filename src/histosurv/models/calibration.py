"""From a model's own scale to log-odds, by patients that it was not fitted to."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

LEAST_SLOPE = 0.01  # log-odds per standard deviation


class Line(NamedTuple):
    """Log-odds of death of the cancer within five years = slope * value + intercept."""

    slope: float
    intercept: float

    def log_odds(self, value: pd.Series) -> pd.Series:
        """Calibrated values."""
        return self.slope * value + self.intercept


def platt(value: np.ndarray, label: np.ndarray) -> Line:
    """Platt's sigmoid, which puts the folds' models on one scale.

    Parameters
    ----------
    value : numpy.ndarray
        (n,) of validation patients with a known outcome, higher = higher risk.
    label : numpy.ndarray
        (n,) 1 dead of the cancer within five years, 0 not.

    Returns
    -------
    Line
        Its slope is never negative: where a score says nothing, chance would turn half of the
        rankings round. It is held at a hundredth of log-odds per standard deviation then, and
        everybody is near the prevalence.

    Notes
    -----
    Outcomes are softened to (n1 + 1) / (n1 + 2) and 1 / (n0 + 2), as in Platt (1999), so that a
    score that separates few patients perfectly has a finite slope.
    """
    n_dead = int(label.sum())
    n_alive = len(label) - n_dead
    soft = np.where(label == 1, (n_dead + 1) / (n_dead + 2), 1 / (n_alive + 2))
    centre, sd = value.mean(), value.std()
    if not sd > 1e-12 * max(1.0, abs(centre)):
        return Line(0.0, float(logit(soft.mean())))
    scaled = np.tile((value - centre) / sd, 2)[:, None]
    outcome = np.repeat([1, 0], len(value))
    fitted = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(
        scaled, outcome, sample_weight=np.concatenate([soft, 1 - soft])
    )
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope < LEAST_SLOPE:
        slope, intercept = LEAST_SLOPE, float(logit(soft.mean()))
    return Line(slope / sd, intercept - slope * centre / sd)
