"""Figures of a score that are drawn again in every resample, so that scores can be compared."""

from collections.abc import Callable

import numpy as np

from histosurv.evaluation.concordance import Pairs
from histosurv.evaluation.curves import Curves
from histosurv.evaluation.resampling import Resamples
from histosurv.evaluation.sample import Sample, Score
from histosurv.evaluation.time_dependent import auc_terms

Terms = tuple[np.ndarray, np.ndarray]  # (b,) concordant and whole weight of the pairs

NEWTON_STEPS = 25
LARGEST_LOG_RATIO = 12.0  # beyond it a group has no death before the other's last


def figures(score: Score, sample: Sample, drawn: Resamples) -> dict[str, np.ndarray]:
    """All figures of a score in some resamples.

    Parameters
    ----------
    score : Score
        The score.
    sample : Sample
        The patients that the score was joined to.
    drawn : Resamples
        Resamples of these patients.

    Returns
    -------
    dict of str to numpy.ndarray
        Estimand to (b,); NaN where a resample has no such figure. One without ending compares all
        patients by their mean score; ``_within_folds`` compares patients of one fold, whose scores
        are of one model, summed over folds and averaged over repeats; ``_mean_of_folds`` averages
        the folds' own figures.
    """
    of = drawn.of(score.rows)
    label = sample.label[score.rows]
    cases_and_controls = {
        "auc_60m": (of.counts * (label == 1), of.counts * (label == 0)),
        "auc_ipcw_60m": (of.cases, of.controls),
    }
    at_deaths = {"c_uno": of.squared, "c_harrell": of.counts * of.died}

    def areas(value: np.ndarray, own: np.ndarray) -> list[Terms]:
        return [
            auc_terms(value, cases[:, own], controls[:, own])
            for cases, controls in cases_and_controls.values()
        ]

    def concordances(value: np.ndarray, own: np.ndarray) -> list[Terms]:
        pairs = Pairs(value, of.time[own], of.died[own])
        lower, partners = pairs.counts(of.counts[:, own])
        weights = [weight[:, own][:, pairs.deaths] for weight in at_deaths.values()]
        return [((w * lower).sum(axis=1), (w * partners).sum(axis=1)) for w in weights]

    found = _three(list(cases_and_controls), score, areas)
    found |= _three(list(at_deaths), score, concordances)
    if score.has_risk:
        found |= _errors(score.risk, of)
    found["log_hr_high_low"] = log_hazard_ratio(score.is_high, of)
    return found


def harrell(value: np.ndarray, of: Resamples) -> np.ndarray:
    """Harrell's C of all patients in every resample, (b,)."""
    pairs = Pairs(value, of.time, of.died)
    lower, partners = pairs.counts(of.counts)
    weight = of.counts[:, pairs.deaths]
    return _ratio((weight * lower).sum(axis=1), (weight * partners).sum(axis=1))


def _three(
    names: list[str], score: Score, terms: Callable[[np.ndarray, np.ndarray], list[Terms]]
) -> dict[str, np.ndarray]:
    """Figures made of pairs: of all patients, within folds, and as the mean of the folds."""
    everybody = np.arange(len(score.value))
    found = {
        name: _ratio(*of_all)
        for name, of_all in zip(names, terms(score.value, everybody), strict=True)
    }
    within: dict[str, list] = {name: [] for name in names}
    means: dict[str, list] = {name: [] for name in names}
    for values, folds in zip(score.of_repeat, score.folds(), strict=True):
        of_folds = zip(*(terms(values[own], own) for own in folds), strict=True)
        for name, parts in zip(names, of_folds, strict=True):
            within[name].append(_ratio(sum(top for top, _ in parts), sum(of for _, of in parts)))
            means[name].append(_mean(np.array([_ratio(*part) for part in parts])))
    for name in names:
        found[f"{name}_within_folds"] = np.mean(within[name], axis=0)
        found[f"{name}_mean_of_folds"] = np.mean(means[name], axis=0)
    return found


def _mean(of_folds: np.ndarray) -> np.ndarray:
    known = np.isfinite(of_folds)
    return _ratio(np.where(known, of_folds, 0).sum(axis=0), known.sum(axis=0))


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    bottom = np.asarray(bottom, float)
    return np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=bottom > 0)


def _errors(risk: np.ndarray, of: Resamples) -> dict[str, np.ndarray]:
    """Brier score, and IPA against the Kaplan-Meier curve of everybody."""
    n = of.counts.sum(axis=1)
    brier = (of.cases * (1 - risk) ** 2 + of.beyond * risk**2).sum(axis=1) / n
    average = 1 - Curves(of.time, of.died, of.counts).at(of.horizon)
    null = (of.cases * (1 - average) ** 2 + of.beyond * average**2).sum(axis=1) / n
    return {"brier_60m": brier, "ipa_60m": 1 - _ratio(brier, null)}


def log_hazard_ratio(is_high: np.ndarray, of: Resamples) -> np.ndarray:
    """Coefficient of high against low in a Cox regression with Efron's ties, in every resample.

    NaN where a group is empty or has no death that tells it from the other.
    """
    everybody = Curves(of.time, of.died, of.counts)
    high = Curves(of.time, of.died, of.counts * is_high)
    seen = everybody.events.any(axis=0)
    d, n = everybody.events[:, seen], everybody.at_risk[:, seen]
    d_high, n_high = high.events[:, seen], high.at_risk[:, seen]
    beta = np.zeros(len(d))
    steps = np.arange(int(d.max(initial=0)))
    for _ in range(NEWTON_STEPS):
        slope, information = d_high.sum(axis=1), np.zeros(len(d))
        ratio = np.exp(beta)[:, None]
        for step in steps:
            share = np.where(step < d, step / np.maximum(d, 1), 0.0)
            of_high = (n_high - share * d_high) * ratio
            of_low = (n - n_high) - share * (d - d_high)
            whole = of_high + of_low
            p = np.where((step < d) & (whole > 0), of_high / np.where(whole > 0, whole, 1), 0.0)
            slope, information = slope - p.sum(axis=1), information + (p * (1 - p)).sum(axis=1)
        change = np.clip(_ratio(slope, information), -1.0, 1.0)
        beta = np.clip(beta + np.nan_to_num(change), -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO)
        if np.nanmax(np.abs(change), initial=0.0) < 1e-9:
            break
    lost = (information <= 1e-9) | (np.abs(beta) >= LARGEST_LOG_RATIO)
    return np.where(lost, np.nan, beta)
