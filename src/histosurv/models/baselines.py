"""The classical models on one vector per patient, tuned inside the fit part."""

from typing import Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from histosurv.errors import InputError
from histosurv.models.cox import CoxRidge, outcome
from histosurv.models.job import Job, score_rows
from histosurv.models.pooling import Pooling, pool
from histosurv.progress import say

Baseline = Literal["logistic", "elastic_net", "naive_bayes", "svm", "cox"]

MAX_COMPONENTS = 32
INNER_FOLDS = 5


class Components(TransformerMixin, BaseEstimator):
    """Principal components, without those that are nothing but rounding.

    Parameters
    ----------
    n_components : int
        At most so many.
    """

    def __init__(self, n_components: int = MAX_COMPONENTS) -> None:
        self.n_components = n_components

    def fit(self, features: np.ndarray, outcomes: object = None) -> "Components":
        """Fit to (n_patients, n_features); outcomes are not looked at."""
        found = PCA(self.n_components, svd_solver="full").fit(features)
        spread = found.explained_variance_
        self.mean_ = found.mean_
        self.components_ = found.components_[spread > 1e-10 * spread[0]]
        return self

    def transform(self, features: np.ndarray) -> np.ndarray:
        """(n_patients, n_components) at most."""
        return (features - self.mean_) @ self.components_.T


def score_baseline(name: Baseline, job: Job, pooling: Pooling = "mean") -> pd.DataFrame:
    """Fit a classical model on one fold; score rows of its test patients.

    Linear algebra runs on one thread: with several, sums are rounded otherwise.
    """
    with threadpool_limits(1):
        pooled = pool(job.sequences, pooling, job.parts["fit"], seed=job.seed)
        patients = job.sequences.patients.loc[job.parts["fit"]]
        model = fit_baseline(name, pooled.loc[patients.index], patients, seed=job.seed)
        return score_rows(name, pd.Series(decision(model, pooled), index=pooled.index), job)[0]


def fit_baseline(
    name: Baseline, features: pd.DataFrame, patients: pd.DataFrame, *, seed: int
) -> Pipeline:
    """Fit one classical model, its settings chosen by inner cross-validation.

    Parameters
    ----------
    name : {'logistic', 'elastic_net', 'naive_bayes', 'svm', 'cox'}
        Ridge or elastic-net logistic regression, Gaussian naive Bayes, support vector machine
        (linear or radial kernel), or ridge Cox regression. All but the last learn from patients
        with a known five-year label; that one from everybody's time.
    features : pandas.DataFrame
        (n_patients, n_features) of the fit part.
    patients : pandas.DataFrame
        ``time_months, event, label_60m`` of the same patients.
    seed : int
        Seed of the inner folds.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Standardisation, principal components and model, refitted on all rows with that of up to
        six settings whose inner AUC (of Cox regression Harrell's C) is highest.

    Raises
    ------
    InputError
        Fewer than two patients with either outcome, or features that tell nobody apart.
    """
    if name == "cox":
        wanted = outcome(patients["time_months"], patients["event"])
        kinds, scoring = wanted["event"].astype(int), None
    else:
        known = patients["label_60m"].notna()
        features = features[known]
        wanted = kinds = patients.loc[known, "label_60m"].to_numpy(int)
        scoring = "roc_auc"
    if (features == features.iloc[0]).all(axis=None):
        raise InputError(f"{name}: features are the same for every patient of the fit part")
    n_smaller = int(np.bincount(kinds, minlength=2).min())
    if n_smaller < 2:
        raise InputError(
            f"{name}: the fit part has {n_smaller} patients with one of the two outcomes; at least "
            "2 are needed; bring more patients or lower resampling: folds"
        )
    values = features.to_numpy()
    inner = StratifiedKFold(min(INNER_FOLDS, n_smaller), shuffle=True, random_state=seed)
    splits = list(inner.split(values, kinds))
    most = max(1, min(MAX_COMPONENTS, values.shape[1], min(len(fit) for fit, _ in splits) - 1))
    model, grid = _model_and_grid(name, most, seed)
    pipeline = Pipeline(
        [
            ("scale", StandardScaler()),
            ("pca", Components(most)),
            ("model", model),
        ]
    )
    search = GridSearchCV(pipeline, grid, scoring=scoring, cv=splits, error_score="raise")
    search.fit(values, wanted)
    measure = "C" if name == "cox" else "AUC"
    say(f"{name}: inner {measure} {search.best_score_:.3f} with {search.best_params_}")
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


def _model_and_grid(name: Baseline, most: int, seed: int) -> tuple[BaseEstimator, dict]:
    """A model and up to six settings to choose from."""
    strengths = np.logspace(-4, 1, 6).tolist()
    if name == "logistic":
        return LogisticRegression(max_iter=5000), {"model__C": strengths}
    if name == "elastic_net":
        net = LogisticRegression(solver="saga", max_iter=20000, tol=1e-3, random_state=seed)
        return net, {"model__C": [0.001, 0.03, 1.0], "model__l1_ratio": [0.2, 0.8]}
    if name == "naive_bayes":
        components = sorted({min(n, most) for n in (2, 4, 8, 16, 24, 32)})
        return GaussianNB(), {"pca__n_components": components}
    if name == "cox":
        return CoxRidge(), {"model__penalty": np.logspace(-3, 2, 6).tolist()}
    return SVC(), {"model__kernel": ["linear", "rbf"], "model__C": np.logspace(-2, 1, 3).tolist()}
