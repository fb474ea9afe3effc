"""Would another reading of the same data say the same."""

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import ALIVE, HORIZON_MONTHS
from histosurv.evaluation.concordance import concordance
from histosurv.evaluation.curves import Curves
from histosurv.evaluation.design import Covariate
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.figures import harrell
from histosurv.evaluation.hazard import Cox, high_against_low
from histosurv.evaluation.imputation import fill, pool
from histosurv.evaluation.resampling import Resamples, percentiles
from histosurv.evaluation.sample import Score
from histosurv.evaluation.sections.hazard import standardised
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.survival import logrank, restricted_mean_difference
from histosurv.evaluation.time_dependent import auc_estimate, auc_terms

MISSING_SHARE = 0.05  # of patients without a covariate, from which gaps are filled as well
N_IMPUTATIONS = 20


def other_endpoints(study: Study, score: Score) -> list[dict]:
    """Overall survival, and the AUC at 60 months with other deaths as controls."""
    of, key = study.of(score), {"score": score.name}
    any_death = of.event != ALIVE
    rows = _overall(study, score, any_death)
    overall = auc_estimate(score.value, of.time, any_death, HORIZON_MONTHS)
    events = int((any_death & (of.time <= HORIZON_MONTHS)).sum())
    how = "death of any cause; weights for censoring, normal interval"
    rows.append(row("auc_ipcw_60m_overall", overall, len(of), events, how, **key))
    how = "other deaths by 60 months are controls; weights for censoring, percentile bootstrap"
    estimate, size = _other_as_control(study, score), study.counts(score.rows)["horizon"]
    return [*rows, row("auc_ipcw_60m_other_as_control", estimate, *size, how, **key)]


def _other_as_control(study: Study, score: Score) -> Estimate:
    """AUC of death of the cancer by 60 months against everybody else, other deaths among them.

    Only who is lost counts as censored: deaths weigh 1/G(T-), those alive beyond 1/G(60) (the
    second definition of Blanche, Dartigues and Jacqmin-Gadda 2013).
    """
    sample = study.sample
    any_death = sample.event != ALIVE
    is_cancer = sample.died[score.rows]

    def areas(part: Resamples) -> np.ndarray:
        of = part.of(score.rows)
        concordant, pairs = auc_terms(
            score.value, of.cases * is_cancer, of.beyond + of.cases * ~is_cancer
        )
        return np.divide(concordant, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)

    once = np.ones((1, len(sample)))
    value = areas(Resamples(once, sample.time, any_death, HORIZON_MONTHS))[0]
    if np.isnan(value):
        return Estimate.missing("nobody died of the cancer within 60 months, or everybody did")
    drawn = [areas(part) for part in study.resamples(any_death)]
    return percentiles(float(value), np.concatenate(drawn), null=0.5)


def _overall(study: Study, score: Score, died: np.ndarray) -> list[dict]:
    """What is said of death of the cancer, said of death of any cause."""
    time = study.of(score).time
    resamples = study.resamples(study.sample.event != ALIVE)
    drawn = np.concatenate([harrell(score.value, part.of(score.rows)) for part in resamples])
    c = percentiles(concordance(score.value, time, died), drawn, null=0.5)
    per_sd = Cox.fit(pd.DataFrame({"score": standardised(score)}), time, died).ratio("score")
    cox = "Cox, Efron ties, Wald"
    mean = restricted_mean_difference(time, died, score.is_high, HORIZON_MONTHS)
    found = [
        ("c_harrell_overall", c, "Harrell's C; percentile bootstrap of patients"),
        ("hr_high_low_overall", high_against_low(score.is_high, time, died)[1], cox),
        ("hr_per_sd_overall", per_sd, f"per SD of the score between patients; {cox}"),
        ("logrank_overall", logrank(time, died, score.is_high), "log-rank"),
        ("rmst_difference_60m_overall", mean, "mean survival until 60 months, high less low"),
    ]
    size = (len(time), int(died.sum()))
    rows = []
    for name, estimate, how in found:
        told = estimate._replace(note=estimate.note.replace("died of the cancer", "died"))
        rows.append(row(name, told, *size, f"death of any cause; {how}", score=score.name))
    return rows


def with_gaps_filled(study: Study) -> list[dict]:
    """Adjusted hazard ratio of the primary score with gaps of covariates filled, if many miss."""
    primary = study.primary
    if primary is None:
        return []
    of = study.of(primary)
    covariates = [
        Covariate.of(of.patients[name]) for name in study.settings.covariates if name in of.patients
    ]
    covariates = [covariate for covariate in covariates if covariate.known.any()]
    missing = [1 - covariate.known.mean() for covariate in covariates]
    if max(missing, default=0.0) <= MISSING_SHARE:
        return []
    rows = np.arange(len(of))
    joined = [covariate.with_deaths(rows, of.died) for covariate in covariates]
    table = pd.DataFrame({covariate.name: covariate.cells for covariate in joined})
    score = pd.DataFrame({"score": standardised(primary)})
    curve = Curves(of.time, of.died)
    hazard = np.cumsum(curve.hazard[0])[np.searchsorted(curve.times, of.time)]
    helpers = score.assign(died=of.died.astype(float), hazard=hazard)
    found = []
    for filled in fill(table, helpers, times=N_IMPUTATIONS, seed=study.settings.seed):
        parts = [Covariate(c.name, filled[c.name], c.is_number).terms(rows) for c in joined]
        model = Cox.fit(pd.concat([score, *parts], axis=1), of.time, of.died)
        if model.reason:
            estimate = Estimate.missing(model.reason)
            break
        found.append((model.beta[0], model.errors[0] ** 2, len(model.names)))
    else:
        values = np.array(found)
        log = pool(values[:, 0], values[:, 1], len(of), int(values[0, 2]))
        estimate = Estimate(*np.exp(log[:3]).tolist(), log.p)
    share = ", ".join(f"{c.name} {m:.0%}" for c, m in zip(covariates, missing, strict=True) if m)
    how = f"{N_IMPUTATIONS} imputations, Rubin's rules; missing: {share}; Cox, Efron ties"
    against = " + ".join(covariate.name for covariate in covariates)
    size = study.counts(primary.rows)["ever"]
    key = {"score": primary.name, "against": against}
    return [row("hr_per_sd_adjusted_imputed", estimate, *size, how, **key)]
