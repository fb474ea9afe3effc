"""What the clinic knows, as a fitted model: alone, and with a network's score beside it."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from histosurv.cohort.columns import is_unknown
from histosurv.cohort.tables import OUTCOME
from histosurv.errors import InputError
from histosurv.models.calibration import Line
from histosurv.models.cox import CoxRidge, outcome
from histosurv.models.inner import INNER_FOLDS, MAX_SETTINGS, fit_best, inner_splits
from histosurv.models.job import Job, Scored, refuse_other_fold, scored
from histosurv.progress import say

NAME = "clinical"
PENALTIES = [0.01, 0.1, 0.001, 1.0, 0.0001, 10.0]


def score_clinical(
    job: Job,
    covariates: list[str],
    network: Path | None = None,
    *,
    n_settings: int = MAX_SETTINGS,
    inner_folds: int = INNER_FOLDS,
) -> tuple[Scored, pd.DataFrame]:
    """Cox regression on clinical covariates, perhaps joined with a network's score.

    Parameters
    ----------
    job : Job
        The fold; its features are not looked at.
    covariates : list of str
        Columns of the patient table, as in `covariate_table`.
    network : pathlib.Path, optional
        Folder of a network's job, with ``scores.csv`` and ``validation.csv``.
    n_settings, inner_folds : int
        Penalties that are tried, and inner folds.

    Returns
    -------
    scores : Scored
        Named ``clinical``, or ``clinical_lstm`` and the like.
    tuning : pandas.DataFrame
        As from `histosurv.models.inner.tuning_table`.

    Notes
    -----
    The covariates' coefficients are learnt in the fit part. The network knows the fit part by
    heart, so the two scores are joined in the validation part, by logistic regression (ridge, C =
    1) on both in log-odds, whose log-odds are taken as they are. The validation part also chose
    the network's epoch and scaled both, so that with few patients in it the joined risks are
    somewhat too far apart; the ranking of test patients is not touched by that.
    """
    if network is not None:
        refuse_other_fold(network, job)
    patients = job.sequences.patients
    table = covariate_table(patients, covariates, job.parts["fit"])
    of_fit = patients.loc[job.parts["fit"]]
    wanted = outcome(of_fit["time_months"], of_fit["event"])
    splits = inner_splits(NAME, wanted["event"].astype(int), inner_folds, job.seed)
    settings = [{"model__penalty": penalty} for penalty in PENALTIES[:n_settings]]
    with threadpool_limits(1), warnings.catch_warnings():
        # A category that the fit part lacks counts as none of its categories.
        warnings.filterwarnings("ignore", message="Found unknown categories")
        fitted, tuning = fit_best(
            NAME, _pipeline(table), settings, table.loc[of_fit.index], wanted, splits
        )
        value = pd.Series(fitted.decision_function(table), index=table.index)
    alone = scored(NAME, value, job)
    if network is None:
        return alone, tuning
    name, joined = _joined(alone, network, patients["label_60m"])
    return scored(name, joined, job, Line(1.0, 0.0)), tuning


def covariate_table(patients: pd.DataFrame, covariates: list[str], fit: list[str]) -> pd.DataFrame:
    """Covariates as numbers or categories.

    Parameters
    ----------
    patients : pandas.DataFrame
        Indexed by ``patient_id``.
    covariates : list of str
        Columns. One whose cells are all numbers enters as a number, any other as categories. Empty
        cells and words such as ``unknown`` and ``NX`` are missing.
    fit : list of str
        A covariate that is empty or the same for all of these is left out, and the log says so.

    Returns
    -------
    pandas.DataFrame
        Numbers as float with NaN where empty, categories as text with ``""`` where empty.

    Raises
    ------
    InputError
        A covariate is not there or is the outcome; none is left; or a column of numbers has a few
        cells that are none.
    """
    table = {}
    for name in covariates:
        if name not in patients or name in ("patient_id", *OUTCOME):
            what = "is what is to be foretold, or a name" if name in patients else "is no column"
            raise InputError(f"{NAME}: covariate {name} {what}; take it out")
        cells = patients[name].astype("string").str.strip().mask(is_unknown(patients[name]), "")
        numbers = pd.to_numeric(cells, errors="coerce").astype(float)
        numbers = numbers.where(np.isfinite(numbers))
        odd = cells[(cells != "") & numbers.isna()]
        is_number = odd.empty
        if len(odd) and len(odd) < 0.1 * (cells != "").sum():
            raise InputError(
                f"{NAME}: covariate {name}, patient {odd.index[0]!r}: {odd.iloc[0]!r} is no "
                "number, as nearly all others are; correct or empty the cell, or make all words"
            )
        known = cells[fit][cells[fit] != ""]
        # Of categories, having one at all may tell, too.
        kinds = known.nunique() + (not is_number and len(known) < len(fit))
        if not len(known) or kinds < 2:
            what = "the same for" if len(known) else "empty for"
            say(f"{NAME}: covariate {name} is {what} all patients of the fit part; left out")
            continue
        table[name] = numbers if is_number else cells.astype(object)
    if not table:
        raise InputError(
            f"{NAME}: none of the covariates ({', '.join(covariates)}) differs between the "
            "patients of the fit part; fill them, or take them out of models: clinical"
        )
    return pd.DataFrame(table, index=patients.index)


def _pipeline(table: pd.DataFrame) -> Pipeline:
    """Median for a missing number, a category of their own for missing ones."""
    is_number = table.dtypes.map(pd.api.types.is_float_dtype).to_numpy()
    encode = ColumnTransformer(
        [
            (
                "numbers",
                make_pipeline(
                    SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
                ),
                list(table.columns[is_number]),
            ),
            (
                "categories",
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                list(table.columns[~is_number]),
            ),
        ]
    )
    return Pipeline([("encode", encode), ("model", CoxRidge())])


def _joined(clinical: Scored, network: Path, label: pd.Series) -> tuple[str, pd.Series]:
    """Name and log-odds of both scores together, of validation and test patients."""
    theirs = pd.concat(
        pd.read_csv(network / name, dtype={"patient_id": str}, keep_default_na=False)
        for name in ("validation.csv", "scores.csv")
    )
    own = pd.concat([clinical.validation, clinical.rows]).set_index("patient_id")["value"]
    both = np.column_stack([own, theirs.set_index("patient_id")["value"].loc[own.index]])
    known = label.loc[clinical.validation["patient_id"]].dropna()
    teaches = own.index.get_indexer(known.index)
    model = LogisticRegression().fit(both[teaches], known.to_numpy(int))
    weights = ", ".join(f"{weight:.2f}" for weight in model.coef_[0])
    name = f"{NAME}_{theirs['score'].iloc[0]}"
    say(f"{name}: weights of {NAME} and network {weights}")
    return name, pd.Series(model.decision_function(both), index=own.index)
