"""Inner resampling: the settings of every model are chosen within the fit part, with one budget."""

import json

import numpy as np
import pandas as pd
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline

from histosurv.errors import InputError
from histosurv.progress import say

INNER_FOLDS, MAX_SETTINGS = 5, 6

Split = tuple[np.ndarray, np.ndarray]


def inner_splits(name: str, kinds: np.ndarray, n_folds: int, seed: int) -> list[Split]:
    """Positions that fit and positions that are held out, once per inner fold.

    Parameters
    ----------
    name : str
        The model, for messages.
    kinds : numpy.ndarray
        (n,) 0 or 1; both are in every inner fold.
    n_folds : int
        At most so many: as many as there are patients of the rarer kind.
    seed : int
        Of the folds.

    Raises
    ------
    InputError
        Fewer than two patients of either kind.
    """
    n_smaller = int(np.bincount(kinds, minlength=2).min())
    if n_smaller < 2:
        raise InputError(
            f"{name}: the fit part has {n_smaller} patients with one of the two outcomes; at least "
            "2 are needed; bring more patients or raise resampling: folds"
        )
    folds = StratifiedKFold(min(n_folds, n_smaller), shuffle=True, random_state=seed)
    return list(folds.split(kinds, kinds))


def tuning_table(labels: list[str], values: np.ndarray) -> pd.DataFrame:
    """How the settings of a model did in the inner folds, and which was chosen.

    Parameters
    ----------
    labels : list of str
        The settings; on a tie the first is chosen.
    values : numpy.ndarray
        (n_settings, n_inner_folds) AUC or C; no columns where there was nothing to choose.

    Returns
    -------
    pandas.DataFrame
        ``setting, inner_fold, value, chosen`` (1 for the best mean): one row per setting and fold,
        and one without fold and value for a setting that had no rival.
    """
    n_folds = values.shape[1]
    chosen = int(values.mean(axis=1).argmax()) if n_folds else 0
    table = pd.DataFrame(
        {
            "setting": np.repeat(labels, max(n_folds, 1)),
            "inner_fold": np.tile(np.arange(1, n_folds + 1), len(labels)) if n_folds else pd.NA,
            "value": values.ravel() if n_folds else np.nan,
        }
    )
    return table.assign(chosen=(table["setting"] == labels[chosen]).astype(int))


def fit_best(
    name: str,
    pipeline: Pipeline,
    settings: list[dict],
    values: pd.DataFrame | np.ndarray,
    wanted: np.ndarray,
    splits: list[Split],
) -> tuple[Pipeline, pd.DataFrame]:
    """Fit a model of scikit-learn with the best of some settings.

    Parameters
    ----------
    name : str
        The model, for the log.
    pipeline : sklearn.pipeline.Pipeline
        Standardisation and the like, and last the model.
    settings : list of dict
        Parameters of the pipeline; a single setting is taken as it is.
    values, wanted
        (n, width) and (n,): what is known of each patient, and what is to be learnt: a label or,
        of Cox regression, time and event.
    splits : list of tuple
        As from `inner_splits`.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        Refitted on all rows with the settings whose inner AUC (of Cox regression Harrell's C) is
        highest.
    table : pandas.DataFrame
        As from `tuning_table`.
    """
    labels = [json.dumps(setting) for setting in settings]
    if len(settings) == 1:
        pipeline = pipeline.set_params(**settings[0])
        return pipeline.fit(values, wanted), tuning_table(labels, np.empty((1, 0)))
    by_time = wanted.dtype.names is not None
    grid = [{key: [value] for key, value in setting.items()} for setting in settings]
    search = GridSearchCV(
        pipeline, grid, scoring=None if by_time else "roc_auc", cv=splits, error_score="raise"
    ).fit(values, wanted)
    measure = "C" if by_time else "AUC"
    say(f"{name}: inner {measure} {search.best_score_:.3f} with {labels[search.best_index_]}")
    results = [search.cv_results_[f"split{fold}_test_score"] for fold in range(len(splits))]
    return search.best_estimator_, tuning_table(labels, np.stack(results, axis=1))
