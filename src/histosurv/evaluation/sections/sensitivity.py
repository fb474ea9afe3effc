"""Would another reading of the same data say the same."""

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import ALIVE, CANCER_DEATH, HORIZON_MONTHS
from histosurv.evaluation.concordance import concordance
from histosurv.evaluation.curves import Curves
from histosurv.evaluation.design import Covariate
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.figures import harrell
from histosurv.evaluation.hazard import Cox, high_against_low
from histosurv.evaluation.imputation import fill, pool
from histosurv.evaluation.resampling import percentiles
from histosurv.evaluation.sample import Score
from histosurv.evaluation.sections.hazard import standardised
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.survival import logrank, restricted_mean_difference
from histosurv.evaluation.time_dependent import auc_estimate

MISSING_SHARE = 0.05  # of patients without a covariate, from which gaps are filled as well
N_IMPUTATIONS = 20


def other_endpoints(study: Study, score: Score) -> list[dict]:
    """Overall survival, and the AUC at 60 months with other deaths as controls."""
    of, key = study.of(score), {"score": score.name}
    any_death = of.event != ALIVE
    rows = _overall(study, score, any_death)
    # Who died of something else by the horizon did not die of the cancer: alive beyond, as it were.
    beyond = np.where((of.event > CANCER_DEATH) & (of.time <= HORIZON_MONTHS), np.inf, of.time)
    readings = {
        "auc_ipcw_60m_overall": (of.time, any_death, "death of any cause"),
        "auc_ipcw_60m_other_as_control": (beyond, of.died, "other deaths are controls"),
    }
    for name, (time, died, what) in readings.items():
        estimate = auc_estimate(score.value, time, died, HORIZON_MONTHS)
        events = int((died & (time <= HORIZON_MONTHS)).sum())
        rows.append(row(name, estimate, len(of), events, f"{what}; weights for censoring", **key))
    return rows


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
    missing = [1 - covariate.known.mean() for covariate in covariates]
    if max(missing, default=0.0) <= MISSING_SHARE or min(missing, default=1.0) >= 1:
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
