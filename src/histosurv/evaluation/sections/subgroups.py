"""The study's score among patients of each stage, grade, sex, age, block."""

import numpy as np
import pandas as pd

from histosurv.cohort.endpoint import HORIZON_MONTHS
from histosurv.evaluation.design import Covariate
from histosurv.evaluation.estimate import Estimate
from histosurv.evaluation.hazard import Cox, likelihood_ratio
from histosurv.evaluation.sample import Score
from histosurv.evaluation.sections.hazard import standardised
from histosurv.evaluation.study import Study, row
from histosurv.evaluation.time_dependent import auc_estimate


def subgroups(study: Study) -> list[dict]:
    """AUC and hazard ratio of the primary score in every level, and a test of interaction each.

    A column of numbers is parted at its median.
    """
    primary, rows = study.primary, []
    if primary is None:
        return []
    for name in study.settings.subgroups:
        if name in study.sample.patients:
            covariate = _in_levels(Covariate.of(study.sample.patients[name]), primary.rows)
            rows += _levels(study, primary, covariate)
    return rows


def without_each_block(study: Study, members: dict[str, np.ndarray]) -> list[dict]:
    """AUC of the primary score with the patients of one block left out, and how far it moves.

    Parameters
    ----------
    members : dict of str to numpy.ndarray
        (n,) whether each patient of the sample has a spot in a block, by block.
    """
    primary, rows, found = study.primary, [], {}
    if primary is None or "block" not in study.settings.subgroups or len(members) < 2:
        return []
    key = {"score": primary.name}
    for block, inside in members.items():
        own = primary.among(primary.rows[~inside[primary.rows]])
        of = study.of(own)
        auc = auc_estimate(own.value, of.time, of.died, HORIZON_MONTHS)
        found[block] = auc.value
        size, where = study.counts(own.rows)["horizon"], f"without block: {block}"
        how = "without who has a spot in the block; weights for censoring, normal interval"
        rows.append(row("auc_ipcw_60m", auc, *size, how, subgroup=where, **key))
    known = {block: value for block, value in found.items() if np.isfinite(value)}
    spread = Estimate.missing("no block can be left out")
    if known:
        low, high = min(known, key=known.get), max(known, key=known.get)
        note = f"least without {low}, most without {high}"
        spread = Estimate(known[high] - known[low], note=note)
    size, how = study.counts(primary.rows)["horizon"], "largest less smallest, one block left out"
    rows.append(row("auc_ipcw_60m_block_spread", spread, *size, how, **key))
    return rows


def _in_levels(covariate: Covariate, rows: np.ndarray) -> Covariate:
    if not covariate.is_number:
        return covariate
    middle = float(covariate.cells[rows].median())
    parts = {True: f"at least {middle:g}", False: f"below {middle:g}"}
    levels = covariate.cells.ge(middle).map(parts).where(covariate.cells.notna())
    return Covariate(covariate.name, levels, is_number=False)


def _levels(study: Study, primary: Score, covariate: Covariate) -> list[dict]:
    rows, key, scaled = [], {"score": primary.name}, standardised(primary)
    for level in covariate.levels(primary.rows):
        member = (covariate.cells[primary.rows] == level).fillna(value=False).to_numpy(bool)
        own = primary.among(primary.rows[member])
        of, sizes = study.of(own), study.counts(own.rows)
        slope = Cox.fit(pd.DataFrame({"score": scaled[member]}), of.time, of.died)
        auc = auc_estimate(own.value, of.time, of.died, HORIZON_MONTHS)
        per_sd = "per SD of the score between all patients; Cox, Efron ties, Wald"
        found = [
            ("auc_ipcw_60m", auc, sizes["horizon"], "weights for censoring, normal interval"),
            ("hr_per_sd", slope.ratio("score"), sizes["ever"], per_sd),
        ]
        where = f"{covariate.name}: {level}"
        rows += [row(name, e, *size, how, subgroup=where, **key) for name, e, size, how in found]
    return [*rows, _interaction(study, primary, covariate)]


def _interaction(study: Study, primary: Score, covariate: Covariate) -> dict:
    """Likelihood-ratio test of one slope of the score per level against one for all."""
    known = covariate.known[primary.rows]
    own = primary.among(primary.rows[known])
    of = study.of(own)
    terms = covariate.with_deaths(own.rows, of.died).terms(own.rows)
    score = pd.DataFrame({"score": standardised(primary)[known]})
    plain = pd.concat([score, terms], axis=1)
    crossed = terms.mul(score["score"], axis=0).add_prefix("score x ")
    if terms.empty:
        estimate = Estimate.missing("one level only")
    else:
        estimate = likelihood_ratio(
            Cox.fit(plain, of.time, of.died),
            Cox.fit(pd.concat([plain, crossed], axis=1), of.time, of.died),
        )
    size, how = (
        study.counts(own.rows)["ever"],
        "Cox with and without score x level; likelihood ratio",
    )
    return row("interaction", estimate, *size, how, score=primary.name, subgroup=covariate.name)
