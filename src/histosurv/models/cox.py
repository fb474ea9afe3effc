"""Ridge Cox regression as scikit-learn wants a model."""

import warnings

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from lifelines.utils import concordance_index
from sklearn.base import BaseEstimator

from histosurv.errors import InputError

OUTCOME = np.dtype([("time", float), ("event", bool)])


def outcome(time_months: pd.Series, event: pd.Series) -> np.ndarray:
    """Time and death of the cancer in one array, (n,) of `OUTCOME`."""
    both = np.empty(len(time_months), OUTCOME)
    both["time"], both["event"] = time_months, event == 1
    return both


def harrell(outcomes: np.ndarray, risk: np.ndarray) -> float:
    """Harrell's C of (n,) risks and (n,) of `OUTCOME`; 0.5 if no two patients can be compared."""
    try:
        return float(concordance_index(outcomes["time"], -risk, outcomes["event"]))
    except ZeroDivisionError:
        return 0.5


class CoxRidge(BaseEstimator):
    """Cox's partial likelihood per patient, less ``penalty`` / 2 per squared coefficient.

    Ties are Efron's. A constant variable has the coefficient 0. Weak variables are shrunk more than
    strong ones, as by the ridge of a logistic regression.

    Parameters
    ----------
    penalty : float
        Of all coefficients alike.
    """

    def __init__(self, penalty: float = 0.1) -> None:
        self.penalty = penalty

    def fit(self, features: np.ndarray, outcomes: np.ndarray) -> "CoxRidge":
        """Fit to (n, n_features) and (n,) of `OUTCOME`.

        Raises
        ------
        InputError
            The likelihood has no maximum that is found.
        """
        features = np.asarray(features)
        varies = features.var(axis=0) > 1e-12
        self.coefficients_ = np.zeros(features.shape[1])
        if not varies.any():  # nothing to tell patients apart by
            return self
        features = features[:, varies]
        table = pd.DataFrame(features).assign(time=outcomes["time"], event=outcomes["event"])
        table.columns = table.columns.map(str)
        # Time zero is in nobody's risk set.
        table["time"] = table["time"].clip(lower=1e-6)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                # lifelines penalises coefficients per standard deviation.
                penalties = self.penalty / features.var(axis=0, ddof=1)
                fitter = CoxPHFitter(penalizer=penalties).fit(table, "time", "event")
        except (ConvergenceError, np.linalg.LinAlgError) as error:
            raise InputError(
                f"Cox regression on {features.shape[1]} variables of {len(features)} patients does "
                f"not converge ({str(error).splitlines()[0]}); leave out constant or repeated ones"
            ) from None
        self.coefficients_[varies] = fitter.params_.to_numpy()
        return self

    def decision_function(self, features: np.ndarray) -> np.ndarray:
        """Log hazard ratio, (n,)."""
        return np.asarray(features) @ self.coefficients_

    def score(self, features: np.ndarray, outcomes: np.ndarray) -> float:
        """Harrell's C."""
        return harrell(outcomes, self.decision_function(features))
