"""How much sooner the high die, with and without what the clinic knows."""

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.evaluation.design import Covariate, complete_rows
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.hazard import Cox, high_against_low, likelihood_ratio
from histosurv.evaluation.sample import Sample, Score
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.survival import logrank, restricted_mean_difference

_COX = "Cox, Efron ties, Wald; cancer death, other deaths censored"
_FEW_VALUES = 6


def hazards(study: Study, score: Score) -> list[dict]:
    """Hazard ratios, log-rank tests and mean survival of one score."""
    of = study.of(score)
    seen = (of.time, of.died)
    model, ratio = high_against_low(score.is_high, *seen)
    per_sd = Cox.fit(pd.DataFrame({"score": standardised(score)}), *seen)
    found = [
        ("hr_high_low", ratio, _COX),
        ("hr_per_sd", per_sd.ratio("score"), f"per SD of the score between patients; {_COX}"),
        ("ph_high_low", model.proportional("high"), "score test along 1 - S(t); chi-squared"),
        ("ph_score", per_sd.proportional("score"), "score test along 1 - S(t); chi-squared"),
        ("logrank", logrank(*seen, score.is_high), "log-rank; cancer death, other deaths censored"),
        ("logrank_trend", _trend(score, of), _trend_method(score)),
        (
            "rmst_difference_60m",
            restricted_mean_difference(of.time, of.died, score.is_high, HORIZON_MONTHS),
            "mean survival until 60 months, high less low; Greenwood",
        ),
    ]
    if np.isnan(ratio.value) and score.is_high.any() and not score.is_high.all():
        found.append(
            ("hr_high_low_firth", model.penalised("high"), "Cox with Firth's penalty; profile")
        )
    if len(np.unique(score.fold)) > 1:
        found += _within_folds(score, of)
    sizes = study.counts(score.rows)
    return [
        row(name, estimate, *sizes["horizon" if "60m" in name else "ever"], how, score=score.name)
        for name, estimate, how in found
    ]


def standardised(score: Score) -> np.ndarray:
    """The score in units of its standard deviation between the patients."""
    sd = score.value.std(ddof=1) if len(score.value) > 1 else 0.0
    return (score.value - score.value.mean()) / (sd if sd > 0 else 1.0)


def _trend(score: Score, of: Sample) -> Estimate:
    return logrank(of.time, of.died, _ordered(score.value), trend=True)


def _trend_method(score: Score) -> str:
    groups = "values" if len(np.unique(score.value)) <= _FEW_VALUES else "quarters"
    return f"log-rank for trend over the {groups} of the score; Tarone"


def _ordered(value: np.ndarray) -> np.ndarray:
    if len(np.unique(value)) <= _FEW_VALUES:
        return value
    return np.searchsorted(np.quantile(value, [0.25, 0.5, 0.75]), value, side="left").astype(float)


def _within_folds(score: Score, of: Sample) -> list[tuple[str, Estimate, str]]:
    """Figures that compare patients of one fold only; over repeats, the mean of the logarithms.

    Repeats share their patients, so the mean of their standard errors stands for that of the mean
    and errs on the wide side.
    """
    logs: dict[str, list] = {"hr_high_low_within_folds": [], "hr_per_sd_within_folds": []}
    tests = []
    for values, high, fold in zip(score.of_repeat, score.high_of_repeat, score.fold, strict=True):
        tests.append(logrank(of.time, of.died, high, fold))
        centred = values - pd.Series(values).groupby(fold).transform("mean").to_numpy()
        scaled = centred / (centred.std() or 1.0)
        models = {
            "hr_high_low_within_folds": (high_against_low(high, of.time, of.died, fold)[0]),
            "hr_per_sd_within_folds": Cox.fit(
                pd.DataFrame({"score": scaled}), of.time, of.died, fold
            ),
        }
        for name, model in models.items():
            logs[name].append((model.beta[0], model.errors[0], model.reason))
    found = []
    for name, parts in logs.items():
        reasons = [reason for _, _, reason in parts if reason]
        if reasons:
            estimate = Estimate.missing(reasons[0])
        else:
            beta, error = np.mean([part[:2] for part in parts], axis=0)
            estimate = Estimate.exponential(float(beta), float(error))
        found.append((name, estimate, f"strata: folds, mean over repeats; {_COX}"))
    first = "log-rank, strata: folds" + ("; first repeat" if len(tests) > 1 else "")
    return [*found, ("logrank_within_folds", tests[0], first)]


def clinical_models(study: Study, score: Score) -> tuple[list[dict], pd.DataFrame]:
    """Is the score of use beside the clinic: regressions of both, of patients who have everything.

    Returns
    -------
    rows : list of dict
        Adjusted hazard ratio and likelihood-ratio test, against the covariates.
    forest : pandas.DataFrame
        ``model`` (``univariable`` or ``multivariable``), ``term, hr, lower, upper, p, n, events,
        note``, of the same patients in both.
    """
    covariates = [
        Covariate.of(study.sample.patients[name])
        for name in study.settings.covariates
        if name in study.sample.patients
    ]
    rows = complete_rows(covariates, score.rows)
    own = study.sample.only(rows)
    seen, size = (own.time, own.died), study.counts(rows)["ever"]
    joined = [covariate.with_deaths(rows, own.died) for covariate in covariates]
    of_each = [(c.name, c.terms(rows)) for c in joined]
    told = [terms for _, terms in of_each if _differs(terms)]
    left_out = [name for name, terms in of_each if not _differs(terms)]
    ours = pd.DataFrame({"score": standardised(score.among(rows)) if len(rows) else []})
    forest = []
    for terms in [ours, *told]:
        model = Cox.fit(terms, *seen)
        forest += [("univariable", term, *_ratio(model, term), *size) for term in terms]
    names = " + ".join(name for name, _ in of_each if name not in left_out)
    result = []
    if covariates and not told:
        all_of = ", ".join(left_out)
        reason = f"nobody has all of {all_of}"
        if len(rows):
            reason = f"{all_of}: the same for all patients who have all of them"
        missing = Estimate.missing(reason)
        result = [row("hr_per_sd_adjusted", missing, *size, _COX, score=score.name)]
    if told:
        clinic = pd.concat(told, axis=1)
        small, large = Cox.fit(clinic, *seen), Cox.fit(pd.concat([ours, clinic], axis=1), *seen)
        forest += [("multivariable", term, *_ratio(large, term), *size) for term in large.names]
        without = f"; left out, for the same for all: {', '.join(left_out)}" if left_out else ""
        how = f"patients with every covariate{without}; {_COX}"
        keys = {"score": score.name, "against": names}
        result = [
            row("hr_per_sd_adjusted", large.ratio("score"), *size, how, **keys),
            row(
                "lrt_added", likelihood_ratio(small, large), *size,
                "likelihood-ratio test of the score added to the covariates", **keys,
            ),
        ]  # fmt: skip
    columns = ["model", "term", "hr", "lower", "upper", "p", "note", "n", "events"]
    return result, pd.DataFrame(forest, columns=columns)


def _differs(terms: pd.DataFrame) -> bool:
    return bool(len(terms) and np.ptp(terms.to_numpy(float), axis=0).any())


def _ratio(model: Cox, term: str) -> tuple[float, float, float, float, str]:
    return tuple(model.ratio(term))
