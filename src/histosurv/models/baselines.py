"""The classical models on one vector per patient, tuned inside the fit part."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from histosurv.errors import InputError
from histosurv.models.cox import CoxRidge, outcome
from histosurv.models.inner import INNER_FOLDS, MAX_SETTINGS, fit_best, inner_splits
from histosurv.models.job import Job, Scored, scored
from histosurv.models.names import Baseline
from histosurv.models.pooling import Pooler, Pooling, fit_pooler
from histosurv.models.sequences import Sequences

MAX_COMPONENTS = 32


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


@dataclass(frozen=True)
class Fitted:
    """A classical model of one fold.

    Attributes
    ----------
    pooler : Pooler
        From tiles to one vector.
    pipeline : sklearn.pipeline.Pipeline
        From the vector to a score.
    tuning : pandas.DataFrame
        As from `histosurv.models.inner.tuning_table`.
    """

    pooler: Pooler
    pipeline: Pipeline
    tuning: pd.DataFrame

    def risks(self, sequences: Sequences) -> pd.Series:
        """Risk of every patient on the model's own scale, by ``patient_id`` in order."""
        table = self.pooler.table(sequences)
        return pd.Series(decision(self.pipeline, table), index=table.index)


def score_baseline(
    name: Baseline,
    job: Job,
    pooling: Pooling = "mean",
    *,
    n_settings: int = MAX_SETTINGS,
    inner_folds: int = INNER_FOLDS,
) -> tuple[Scored, Fitted]:
    """Fit a classical model on one fold; scores of its patients.

    Linear algebra runs on one thread: with several, sums are rounded otherwise.
    """
    with threadpool_limits(1):
        pooler = fit_pooler(job.sequences, pooling, job.parts["fit"], seed=job.seed)
        pooled = pooler.table(job.sequences)
        patients = job.sequences.patients.loc[job.parts["fit"]]
        budget = {"n_settings": n_settings, "inner_folds": inner_folds}
        pipeline, tuning = fit_baseline(
            name, pooled.loc[patients.index], patients, seed=job.seed, **budget
        )
        value = pd.Series(decision(pipeline, pooled), index=pooled.index)
    return scored(name, value, job), Fitted(pooler, pipeline, tuning)


def fit_baseline(
    name: Baseline,
    features: pd.DataFrame,
    patients: pd.DataFrame,
    *,
    seed: int,
    n_settings: int = MAX_SETTINGS,
    inner_folds: int = INNER_FOLDS,
) -> tuple[Pipeline, pd.DataFrame]:
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
    n_settings, inner_folds : int
        Settings that are tried, and folds in which they are; a single setting is taken as it is.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        Standardisation, principal components and model, refitted on all rows with the settings
        whose inner AUC (of Cox regression Harrell's C) is highest.
    tuning : pandas.DataFrame
        As from `histosurv.models.inner.tuning_table`.

    Raises
    ------
    InputError
        Fewer than two patients with either outcome, or features that tell nobody apart.
    """
    if name == "cox":
        wanted = outcome(patients["time_months"], patients["event"])
        kinds = wanted["event"].astype(int)
    else:
        known = patients["label_60m"].notna()
        features = features[known]
        wanted = kinds = patients.loc[known, "label_60m"].to_numpy(int)
    if (features == features.iloc[0]).all(axis=None):
        raise InputError(f"{name}: features are the same for every patient of the fit part")
    values = features.to_numpy()
    splits = inner_splits(name, kinds, inner_folds, seed)
    most = max(1, min(MAX_COMPONENTS, values.shape[1], min(len(fit) for fit, _ in splits) - 1))
    model, settings = _model_and_settings(name, most, seed)
    steps = [("scale", StandardScaler()), ("pca", Components(most)), ("model", model)]
    return fit_best(name, Pipeline(steps), settings[:n_settings], values, wanted, splits)


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


def _model_and_settings(name: Baseline, most: int, seed: int) -> tuple[BaseEstimator, list[dict]]:
    """A model and its settings, those first that are tried if the budget is small."""
    strengths = [0.01, 0.1, 0.001, 1.0, 0.0001, 10.0]
    if name == "logistic":
        return LogisticRegression(max_iter=5000), [{"model__C": c} for c in strengths]
    if name == "elastic_net":
        net = LogisticRegression(solver="saga", max_iter=20000, tol=1e-3, random_state=seed)
        pairs = product([0.03, 1.0, 0.001], [0.2, 0.8])
        return net, [{"model__C": c, "model__l1_ratio": ratio} for c, ratio in pairs]
    if name == "naive_bayes":
        components = dict.fromkeys(min(n, most) for n in (8, 16, 4, 24, 2, 32))
        return GaussianNB(), [{"pca__n_components": n} for n in components]
    if name == "cox":
        penalties = [0.1, 1.0, 0.01, 10.0, 0.001, 100.0]
        return CoxRidge(), [{"model__penalty": penalty} for penalty in penalties]
    costs = product([0.3, 10.0, 0.01], ["rbf", "linear"])
    return SVC(), [{"model__kernel": kernel, "model__C": cost} for cost, kernel in costs]
