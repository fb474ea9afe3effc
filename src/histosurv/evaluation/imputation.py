"""Missing covariates filled in several times over, and what is made of the several answers."""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from histosurv.evaluation.estimate import LEVEL, Estimate

N_ROUNDS, N_DONORS = 5, 5


def pool(values: np.ndarray, variances: np.ndarray, n: int, n_parameters: int) -> Estimate:
    """Mean of the estimates of several imputations, with the error that they add (Rubin 1987).

    Parameters
    ----------
    values, variances : numpy.ndarray
        (m,) estimates and their squared standard errors, m > 1.
    n, n_parameters : int
        Patients and coefficients of the model; degrees of freedom are those of Barnard and Rubin
        (1999).
    """
    m, mean, within = len(values), float(values.mean()), float(variances.mean())
    between = float(values.var(ddof=1))
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total
    complete = n - n_parameters
    observed = (complete + 1) / (complete + 3) * complete * (1 - share)
    degrees = 1 / (share**2 / (m - 1) + 1 / observed)
    error = total**0.5
    reach = student.ppf(0.5 + LEVEL / 2, degrees) * error
    p = float(2 * student.sf(abs(mean) / error, degrees))
    return Estimate(mean, mean - reach, mean + reach, p)


def fill(
    table: pd.DataFrame, helpers: pd.DataFrame, *, times: int, seed: int
) -> list[pd.DataFrame]:
    """Fill the gaps of covariates with values of patients who are like those with gaps.

    Parameters
    ----------
    table : pandas.DataFrame
        Numbers or levels as text, missing where not known; same rows as ``helpers``.
    helpers : pandas.DataFrame
        Numbers without gaps: the score, the event, the cumulative hazard at the end of follow-up.
    times, seed : int
        Tables to make.

    Notes
    -----
    Chained equations with predictive mean matching (van Buuren 2018, section 3.4): each column in
    turn is foretold from all others by ridge regression on a bootstrap sample, and a gap takes the
    value of one of the five patients whose forecast is nearest. The event and the hazard take part,
    as White and Royston (2009) ask for Cox regressions.
    """
    rng = np.random.default_rng(seed)
    return [_filled(table, helpers, rng) for _ in range(times)]


def _filled(table: pd.DataFrame, helpers: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    gaps = {name: column.isna().to_numpy() for name, column in table.items() if column.isna().any()}
    filled = table.copy()
    for name, gap in gaps.items():
        known = table[name].to_numpy()[~gap]
        filled.loc[gap, name] = rng.choice(known, gap.sum())
    for _ in range(N_ROUNDS):
        for name, gap in gaps.items():
            others = helpers.join(_numbers(filled.drop(columns=name))).to_numpy(float)
            scale = others.std(axis=0)
            x = np.column_stack(
                [
                    np.ones(len(others)),
                    (others - others.mean(axis=0)) / np.where(scale > 0, scale, 1),
                ]
            )
            aim = _numbers(filled[[name]]).to_numpy(float)
            rows = rng.choice(np.flatnonzero(~gap), (~gap).sum())
            ridge = 1e-3 * len(rows) * np.eye(x.shape[1])
            weights = np.linalg.solve(x[rows].T @ x[rows] + ridge, x[rows].T @ aim[rows])
            forecast = x @ weights
            donors = np.flatnonzero(~gap)
            apart = np.linalg.norm(forecast[gap][:, None] - forecast[donors][None], axis=2)
            nearest = np.argsort(apart, axis=1, kind="stable")[:, :N_DONORS]
            chosen = nearest[
                np.arange(len(nearest)), rng.integers(0, nearest.shape[1], len(nearest))
            ]
            filled.loc[gap, name] = table[name].to_numpy()[donors[chosen]]
    return filled


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Levels as columns of 0 and 1."""
    levels = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    if table.empty:
        return table
    return pd.get_dummies(table, columns=levels, drop_first=True, dtype=float).astype(float)
