"""The study's score against every other: one declared test, Holm for the rest."""

import numpy as np

from histosurv.evaluation.comparison import corrected_t, delong_difference, holm
from histosurv.evaluation.discrimination import delong_variance
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.resampling import percentiles
from histosurv.evaluation.sample import Score
from histosurv.evaluation.study import MAJORITY, Study, row

POOLING_GAP = 0.02  # between a pooled figure and that within folds, from which pooling is in doubt
OF_POOLING = "over all patients and"  # by which the sentences on it are known

_DIFFERENCES = {
    "auc_ipcw_60m": "AUC with weights",
    "auc_ipcw_60m_within_folds": "AUC with weights, pairs within folds",
    "auc_60m": "AUC of patients with a known outcome",
    "c_uno": "Uno's C until 60 months",
    "c_harrell": "Harrell's C",
    "brier_60m": "Brier score",
    "log_hr_high_low": "log hazard ratio, high against low",
}
_SIZES = {"auc_60m": "label", "c_harrell": "ever", "log_hr_high_low": "ever"}
_TESTED = "auc_ipcw_60m"


def comparisons(study: Study) -> list[dict]:
    """Figures of the primary score less those of each other, of the patients who have both.

    The test of ``auc_ipcw_60m`` against the score that the config declares stands for itself; the
    same tests against all others are adjusted by Holm (``auc_ipcw_60m_difference_holm``).
    """
    primary = study.primary
    if primary is None:
        return []
    rows = []
    for name, other in study.scores.items():
        if name == primary.name:
            continue
        both = np.intersect1d(primary.rows, other.rows)
        if len(both):
            first, second = primary.among(both), other.among(both)
            rows += _pair(study, first.in_folds_of(second), second.in_folds_of(first))
    tests = [
        line for line in rows
        if line["estimand"] == f"{_TESTED}_difference" and line["against"] != study.settings.against
    ]  # fmt: skip
    for line, p in zip(tests, holm(np.array([line["p"] for line in tests])), strict=True):
        method = f"{line['method']}; p adjusted by Holm, {len(tests)} tests"
        rows.append(line | {"estimand": f"{_TESTED}_difference_holm", "p": p, "method": method})
    return rows


def _pair(study: Study, first: Score, second: Score) -> list[dict]:
    points, drawn = (
        [look(score) for score in (first, second)] for look in (study.point, study.drawn)
    )
    sizes = study.counts(first.rows)
    key = {"score": first.name, "against": second.name}
    declared = second.name == study.settings.against
    rows = []
    for name, what in _DIFFERENCES.items():
        if name not in points[0] or name not in points[1]:
            continue
        value = points[0][name] - points[1][name]
        estimate = percentiles(value, drawn[0][name] - drawn[1][name], null=0.0)
        size = sizes[_SIZES.get(name, "horizon")]
        how = f"{what}, first less second; percentile bootstrap of patients"
        if declared and name == _TESTED:
            how += "; the declared test"
        rows.append(row(f"{name}_difference", estimate, *size, how, **key))
    label = study.sample.label[first.rows]
    known = np.isfinite(label)
    delong = delong_difference(first.value[known], second.value[known], label[known])
    how = "AUC of patients with a known outcome, first less second; DeLong"
    rows.append(row("auc_60m_difference_delong", delong, *sizes["label"], how, **key))
    if len(np.unique(first.fold)) > 1:
        estimate = _over_folds(first, second, label)
        how = "difference of the folds' AUC; t corrected for overlapping parts"
        rows.append(row("auc_60m_difference_folds", estimate, *sizes["label"], how, **key))
    return rows


def _over_folds(first: Score, second: Score, label: np.ndarray) -> Estimate:
    if not np.array_equal(first.fold, second.fold):
        return Estimate.missing("the two scores were tested in other folds")
    differences, tested = [], []
    for ours, theirs, folds in zip(first.of_repeat, second.of_repeat, first.folds(), strict=True):
        for own in folds:
            known = own[np.isfinite(label[own])]
            if len(np.unique(label[known])) == 2:
                areas = [delong_variance(of[known], label[known])[0] for of in (ours, theirs)]
                differences.append(areas[0] - areas[1])
                tested.append(len(own))
    if not differences:
        return Estimate.missing("no fold has both outcomes among its tested patients")
    n_tested = float(np.mean(tested))
    return corrected_t(np.array(differences), len(label) - n_tested, n_tested)


def not_there(study: Study) -> list[str]:
    """Sentences on what is asked for and was not brought."""
    asked = study.settings
    found = []
    if asked.primary and asked.primary not in study.scores:
        found.append(
            f"there is no score {asked.primary}, which the study is about: nothing is compared "
            "with it (evaluation: primary)"
        )
    if asked.against and asked.against not in study.scores:
        found.append(
            f"there is no score {asked.against}: no comparison stands as declared before, and all "
            "are adjusted for their number (evaluation: against)"
        )
    lacking = [name for name in asked.covariates if name not in study.sample.patients]
    if lacking:
        found.append(
            f"the patient table has no column {', '.join(lacking)}: the regressions go without "
            "(evaluation: covariates)"
        )
    for name, score in study.scores.items():
        n_without = int(np.isnan(score.risk).sum())
        if 0 < n_without < len(score.risk):
            found.append(
                f"{name}: {n_without} of {len(score.risk)} patients have no risk_60m in every "
                "repeat; its calibration and Brier score are left out"
            )
    return found


def gaps(study: Study) -> list[str]:
    """Sentences on scores whose pooled figures differ from those within folds by more than 0.02.

    A reader's calls are on one scale, whatever the fold.
    """
    found = []
    for name, score in study.scores.items():
        if name in (*study.settings.readers, MAJORITY):
            continue
        point = study.point(score)
        for figure in ("auc_60m", "auc_ipcw_60m", "c_uno", "c_harrell"):
            pooled, within = point[figure], point[f"{figure}_within_folds"]
            if abs(pooled - within) > POOLING_GAP:
                found.append(
                    f"{name}: {figure} is {pooled:.3f} {OF_POOLING} {within:.3f} within "
                    "folds: the levels of the folds' models differ or, of few patients, chance is "
                    "at work; the figure within folds does not hang on levels"
                )
    return found
