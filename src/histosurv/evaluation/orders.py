"""Whether a score rests on the order in which a network read the tiles."""

import numpy as np
import pandas as pd

from histosurv.evaluation.discrimination import auc_within_folds
from histosurv.evaluation.estimate import Estimate


def spread_over_orders(orders: pd.DataFrame, resamples: int, seed: int) -> Estimate:
    """Standard deviation of a patient's score over orders, as a share of that between patients.

    Parameters
    ----------
    orders : pandas.DataFrame
        ``patient_id, fold, order, value`` of one score; order 0 is the study's own.
    resamples, seed : int
        Of the bootstrap over patients.

    Returns
    -------
    Estimate
        Root of the mean variance over the random orders, divided by the standard deviation of the
        patients' scores in the study's own order within folds: 0 = the order does not matter, 1 =
        it matters as much as the patient. The interval is that of a bootstrap over patients.
    """
    own = orders[orders["order"] == 0].set_index("patient_id")
    own_value = own["value"] - own.groupby("fold")["value"].transform("mean")
    within = orders[orders["order"] > 0].groupby("patient_id")["value"].var(ddof=1)
    within = within.reindex(own.index).to_numpy()
    values = own_value.to_numpy()
    if len(values) < 2 or values.std() == 0:
        return Estimate.missing("the score is the same for everybody")
    draw = np.random.default_rng(seed).integers(0, len(values), (resamples, len(values)))
    spread = values[draw].std(axis=1, ddof=1)
    ratios = np.sqrt(within[draw].mean(axis=1))[spread > 0] / spread[spread > 0]
    share = float(np.sqrt(within.mean()) / values.std(ddof=1))
    return Estimate(share, *np.percentile(ratios, [2.5, 97.5]).tolist())


def auc_change_by_order(orders: pd.DataFrame) -> Estimate:
    """Mean change of the five-year AUC from the study's order of tiles to random ones.

    Parameters
    ----------
    orders : pandas.DataFrame
        ``patient_id, repeat, fold, order, value, label_60m`` of one score.

    Returns
    -------
    Estimate
        The AUC is that of pairs within folds; the interval runs from the lowest to the highest
        change of a single order.
    """
    areas = {order: auc_within_folds(of) for order, of in orders.groupby("order")}
    if np.isnan(areas[0].value):
        return areas[0]
    changes = [area.value - areas[0].value for order, area in areas.items() if order]
    return Estimate(float(np.mean(changes)), min(changes), max(changes))
