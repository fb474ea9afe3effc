"""The classical models of the study on the patients' mean features, tuned inside the fit part."""

from typing import Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from histosurv.errors import InputError
from histosurv.models.job import Job, score_rows
from histosurv.models.pooling import pool_mean
from histosurv.progress import say

Baseline = Literal["logistic", "naive_bayes", "svm"]

MAX_COMPONENTS = 32
INNER_FOLDS = 5


def score_baseline(name: Baseline, job: Job) -> pd.DataFrame:
    """Fit a classical model on one fold; score rows of its test patients.

    Linear algebra runs on one thread: with several, sums are rounded otherwise.
    """
    with threadpool_limits(1):
        return _score_baseline(name, job)


def _score_baseline(name: Baseline, job: Job) -> pd.DataFrame:
    pooled = pool_mean(job.sequences)
    label = job.sequences.patients["label_60m"].loc[job.parts["fit"]].dropna()
    model = fit_baseline(name, pooled.loc[label.index], label, seed=job.seed)
    return score_rows(name, pd.Series(decision(model, pooled), index=pooled.index), job)[0]


def fit_baseline(
    name: Baseline, features: pd.DataFrame, label: pd.Series, *, seed: int
) -> Pipeline:
    """Fit one classical model, its settings chosen by inner cross-validation.

    Parameters
    ----------
    name : {'logistic', 'naive_bayes', 'svm'}
        Ridge logistic regression, Gaussian naive Bayes, or support vector machine (linear or
        radial kernel).
    features : pandas.DataFrame
        (n_patients, n_features), patients of the fit part with a known label.
    label : pandas.Series
        1 dead of the cancer within 60 months, 0 not.
    seed : int
        Seed of the inner folds.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Standardisation, principal components and model, refitted on all rows with the settings of
        the highest inner AUC.

    Raises
    ------
    InputError
        Fewer than two patients with either outcome.
    """
    n_smaller = int(label.value_counts().reindex([0, 1], fill_value=0).min())
    if n_smaller < 2:
        raise InputError(
            f"{name}: the fit part has {n_smaller} patients with one of the two outcomes; at least "
            "2 are needed; bring more patients or lower resampling: folds"
        )
    inner = StratifiedKFold(min(INNER_FOLDS, n_smaller), shuffle=True, random_state=seed)
    n_inner = len(label) - -(-len(label) // inner.n_splits)
    most = max(1, min(MAX_COMPONENTS, features.shape[1], n_inner - 1))
    model, grid = _model_and_grid(name, most)
    pipeline = Pipeline(
        [
            ("scale", StandardScaler()),
            ("pca", PCA(most, svd_solver="full")),
            ("model", model),
        ]
    )
    search = GridSearchCV(pipeline, grid, scoring="roc_auc", cv=inner, error_score="raise")
    search.fit(features.to_numpy(), label.to_numpy(int))
    say(f"{name}: inner AUC {search.best_score_:.3f} with {search.best_params_}")
    return search.best_estimator_


def decision(model: Pipeline, features: pd.DataFrame) -> np.ndarray:
    """What a model says on its own scale, (n_patients,), higher = higher risk.

    Naive Bayes is scored by the difference of its joint log-likelihoods: its posterior saturates
    at 0 and 1 and would tie half of the patients.
    """
    values = features.to_numpy()
    if isinstance(model["model"], GaussianNB):
        joint = model["model"].predict_joint_log_proba(model[:-1].transform(values))
        return joint[:, 1] - joint[:, 0]
    return model.decision_function(values)


def _model_and_grid(name: Baseline, most: int) -> tuple[BaseEstimator, dict]:
    strengths = np.logspace(-4, 1, 6).tolist()
    if name == "logistic":
        return LogisticRegression(max_iter=5000), {"model__C": strengths}
    if name == "naive_bayes":
        components = sorted({min(n, most) for n in (2, 4, 8, 16, 24, 32)})
        return GaussianNB(), {"pca__n_components": components}
    return SVC(), {"model__kernel": ["linear", "rbf"], "model__C": np.logspace(-2, 1, 3).tolist()}
