"""A figure with its interval, or the reason why there is none."""

from typing import NamedTuple

import numpy as np
from scipy.stats import chi2, norm
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.95
REACH = float(norm.ppf(0.5 + LEVEL / 2))  # standard errors to each side of a normal interval


class Estimate(NamedTuple):
    """A number with its 95 % interval; NaN and a reason in ``note`` where there is none."""

    value: float
    lower: float = np.nan
    upper: float = np.nan
    p: float = np.nan
    note: str = ""

    @classmethod
    def missing(cls, reason: str) -> "Estimate":
        """No figure, and why."""
        return cls(np.nan, note=reason)

    @classmethod
    def normal(cls, value: float, error: float, null: float = 0.0) -> "Estimate":
        """Figure with a normal interval and a two-sided p against ``null``.

        A standard error of zero gives neither, except for a figure that is ``null``: p = 1.
        """
        if not error > 0:
            return cls(value, p=1.0 if value == null else np.nan, note="no interval: no spread")
        reach = REACH * error
        return cls(value, value - reach, value + reach, 2 * norm.sf(abs(value - null) / error))

    @classmethod
    def exponential(cls, log_value: float, error: float) -> "Estimate":
        """Ratio from its logarithm: interval and p (against 1) on the logarithmic scale."""
        log = cls.normal(log_value, error)
        return cls(*np.exp(log[:3]).tolist(), log.p, log.note)

    @classmethod
    def share(cls, hits: int, of: int, nobody: str = "") -> "Estimate":
        """Share with Wilson's interval; ``nobody`` says why there is none of nothing."""
        if not of:
            return cls.missing(nobody)
        return cls(hits / of, *proportion_confint(hits, of, method="wilson"))

    def within(self, lowest: float, highest: float) -> "Estimate":
        """The same with an interval that ends where the figure's range does."""
        return self._replace(lower=max(self.lower, lowest), upper=min(self.upper, highest))


def chi_squared(statistic: float, degrees: int) -> Estimate:
    """Test statistic as the value, its p, and its degrees of freedom in words."""
    plural = "" if degrees == 1 else "s"
    p = float(chi2.sf(statistic, degrees))
    return Estimate(statistic, p=p, note=f"{degrees} degree{plural} of freedom")
