"""The pathologists: how far they agree, and the study's score beside them, like for like."""

from itertools import combinations

import numpy as np

from histosurv.evaluation.agreement import kappa
from histosurv.evaluation.comparison import mcnemar
from histosurv.evaluation.discrimination import shares
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.sample import Score
from histosurv.evaluation.study import MAJORITY, Study, row


def agreement(study: Study) -> list[dict]:
    """Kappa of all readers and of each two, how often all say the same, and how often each high."""
    names = [name for name in study.settings.readers if name in study.scores]
    if not names:
        return []
    how = {"n_resamples": study.settings.resamples, "seed": study.settings.seed}
    calls = np.full((len(study.sample), len(names)), np.nan)
    for i, name in enumerate(names):
        score = study.scores[name]
        calls[score.rows, i] = score.value
    rows = []
    for i, name in enumerate(names):
        seen = study.scores[name].rows
        high = int(calls[seen, i].sum())
        estimate = Estimate.share(high, len(seen), "has read nobody")
        rows.append(row("share_high", estimate, *study.counts(seen)["ever"], "Wilson", score=name))
    for i, j in combinations(range(len(names)), 2):
        estimate, _ = kappa(calls[:, [i, j]], **how)
        both = np.flatnonzero(np.isfinite(calls[:, [i, j]]).all(axis=1))
        size, method = study.counts(both)["ever"], "Cohen's kappa; percentile bootstrap of patients"
        rows.append(row("kappa", estimate, *size, method, score=names[i], against=names[j]))
    if len(names) > 2:
        everyone = np.flatnonzero(np.isfinite(calls).all(axis=1))
        size, against = study.counts(everyone)["ever"], " + ".join(names)
        estimate, _ = kappa(calls, **how)
        method = "Fleiss' kappa; percentile bootstrap of patients"
        rows.append(row("kappa", estimate, *size, method, against=against))
        same = (calls[everyone] == calls[everyone][:, :1]).all(axis=1)
        nobody = "no patient was read by all of them"
        estimate = Estimate.share(int(same.sum()), len(everyone), nobody)
        rows.append(row("share_unanimous", estimate, *size, "Wilson", against=against))
    return rows


def like_for_like(study: Study) -> list[dict]:
    """The primary score cut at each reader's specificity: is its sensitivity another.

    The cut for the patients of a fold is taken from the patients of all other folds, so that
    nobody takes part in choosing his own. With one fold alone it is taken from everybody, and said.
    """
    primary, rows = study.primary, []
    if primary is None:
        return []
    for name in [*study.settings.readers, MAJORITY]:
        if name in study.scores and name != primary.name:
            both = np.intersect1d(primary.rows, study.scores[name].rows)
            known = both[np.isfinite(study.sample.label[both])]
            rows += _matched(study, primary.among(known), study.scores[name].among(known))
    return rows


def _matched(study: Study, score: Score, reader: Score) -> list[dict]:
    dead = study.sample.label[score.rows] == 1
    if dead.all() or not dead.any():
        return []
    repeats = zip(score.of_repeat, score.fold, strict=True)
    high = [_cut(value, fold, reader.is_high, dead) for value, fold in repeats]
    called = np.mean(high, axis=0) >= 0.5  # in most repeats
    key = {"score": score.name, "against": reader.name}
    whence = "other folds" if len(np.unique(score.fold)) > 1 else "the same patients"
    how = f"cut at the reader's specificity, taken from {whence}"
    rows = []
    for name, (estimate, n, events) in shares(called, dead).items():
        if name in ("sensitivity_60m", "specificity_60m"):
            rows.append(row(f"{name}_matched", estimate, n, events, f"{how}; Wilson", **key))
    n = int(dead.sum())
    difference = mcnemar(called[dead], reader.is_high[dead])
    method = f"{how}, first less second; exact McNemar"
    return [*rows, row("sensitivity_60m_matched_difference", difference, n, n, method, **key)]


def _cut(
    value: np.ndarray, fold: np.ndarray, read_high: np.ndarray, dead: np.ndarray
) -> np.ndarray:
    """Who is high when as many of the living are called low as the reader calls low."""
    high = np.zeros(len(value), bool)
    for own in np.unique(fold):
        inside = fold == own
        outside = ~inside if (~inside & ~dead).any() else inside
        alive = outside & ~dead
        if not alive.any():
            continue
        n_low = int((~read_high[alive]).sum())
        cut = np.sort(value[alive])[n_low - 1] if n_low else -np.inf
        high[inside] = value[inside] > cut
    return high
