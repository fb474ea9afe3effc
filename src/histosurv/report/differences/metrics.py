"""Figures of the evaluation of two runs."""

import math

import numpy as np
import pandas as pd

from histosurv.report.differences.part import Listing, Part, plural
from histosurv.report.differences.runs import Opened
from histosurv.report.wording import in_order, interval, name_of, number, p_value

MAIN = {
    "auc_ipcw_60m": "five-year AUC, weighted for censoring",
    "auc_60m": "five-year AUC, known outcomes",
    "c_uno": "Uno's C",
    "c_harrell": "Harrell's C",
    "hr_high_low": "hazard ratio, high against low risk",
    "hr_per_sd": "hazard ratio per standard deviation",
    "brier_60m": "five-year Brier score",
    "ipa_60m": "index of prediction accuracy",
    "observed_to_expected_60m": "observed to expected deaths",
    "calibration_slope_60m": "calibration slope",
}
NO_TEST = (
    "An interval is that of its own run. Whether the intervals of two runs overlap is no test of "
    "their difference: most runs share their patients."
)
ROUNDING = 1e-6  # relative; sums in another order differ by less

_KEYS = ["score", "against", "subgroup", "estimand"]
_NUMBERS = ["estimate", "lower", "upper", "p", "n", "events"]
_HEADS = ["Score", "Figure", "A (95 % CI); n/events", "B (95 % CI); n/events"]


def metrics(a: Opened, b: Opened) -> Part:
    """Rows of the metrics tables that differ, those that the study is about first."""
    left, right = (_by_key(of.run.metrics) for of in (a, b))
    both = [key for key in left.index if key in right.index]
    old, new = left.loc[both, _NUMBERS], right.loc[both, _NUMBERS]
    differs = ~np.isclose(
        old.to_numpy(float), new.to_numpy(float), rtol=ROUNDING, atol=1e-9, equal_nan=True
    )
    moved = _ordered([key for key, row in zip(both, differs, strict=True) if row[0]])
    primaries = dict.fromkeys([a.primary, b.primary])
    main = [key for key in _main_keys(primaries) if key in set(moved)]
    rest = [key for key in moved if key not in set(main)]
    other = [key for key, row in zip(both, differs, strict=True) if row[1:].any() and not row[0]]
    only_a, only_b = (
        _ordered([key for key in one.index if key not in other_one.index])
        for one, other_one in ((left, right), (right, left))
    )
    listings = [
        *(
            Listing(f"Main figures that differ: {name_of(score)}",
                    [name_of(score), *_HEADS[2:], "B less A"],
                    [_row(left, right, key)[1:] for key in main if key[0] == score], len(MAIN))
            for score in primaries
        ),
        Listing("Other figures that differ", [*_HEADS, "B less A"],
                [_row(left, right, key) for key in rest], n_told=0, is_folded=True),
        Listing("Figures with the same estimate, and another interval, p, n or number of events",
                _HEADS, [_row(left, right, key, with_p=True)[:-1] for key in other],
                n_told=0, is_folded=True),
        *(
            Listing(f"Figures only in {side}", [*_HEADS[:2], side],
                    [[*_names(key), _cell(of.loc[key])] for key in keys], n_told=0, is_folded=True)
            for side, of, keys in (("A", left, only_a), ("B", right, only_b))
        ),
    ]  # fmt: skip
    counts = [
        (len(moved), f"of {plural(len(both), 'figure')} in both with another estimate"),
        (len(other), "with another interval, p, n or events only"),
        (len(only_a), "only in A"),
        (len(only_b), "only in B"),
    ]
    told = [f"{n} {what}" for n, what in counts if n]
    verdict = "; ".join(told) or f"the same, {plural(len(both), 'figure')}"
    return Part("Figures", verdict, bool(told), listings)


def _by_key(metrics: pd.DataFrame) -> pd.DataFrame:
    """Rows by what they are of; columns that an older version did not write are empty."""
    table = metrics.reindex(columns=[*_KEYS, *_NUMBERS, "method", "note"])
    text = [*_KEYS, "method", "note"]
    table[text] = table[text].fillna("")
    table = table.drop_duplicates(_KEYS)
    return table.set_index(pd.MultiIndex.from_frame(table[_KEYS]))


def _main_keys(scores: dict[str, None]) -> list[tuple]:
    return [(score, "", "", estimand) for score in scores if score for estimand in MAIN]


def _ordered(keys: list[tuple]) -> list[tuple]:
    """The main figures of every score, then all others as they stand in the table."""
    scores = in_order(list({key[0] for key in keys}))
    first = [key for key in _main_keys(dict.fromkeys(scores)) if key in set(keys)]
    return [*first, *(key for key in keys if key not in set(first))]


def _row(left: pd.DataFrame, right: pd.DataFrame, key: tuple, *, with_p: bool = False) -> list[str]:
    old, new = left.loc[key], right.loc[key]
    cells = [_cell(row, with_p=with_p) for row in (old, new)]
    return [*_names(key), *cells, _difference(new["estimate"] - old["estimate"], _digits(old))]


def _names(key: tuple) -> list[str]:
    score, against, subgroup, estimand = key
    told = [f"{MAIN[estimand]} ({estimand})" if estimand in MAIN else estimand]
    told += [f"against {name_of(against)}"] if against else []
    told += [f"in {subgroup}"] if subgroup else []
    return [name_of(score) if score else "cohort", ", ".join(told)]


def _digits(row: pd.Series) -> int:
    return 0 if row["method"] == "count" else 3


def _cell(row: pd.Series, *, with_p: bool = False) -> str:
    p = f"; {p_value(row['p'])}" if with_p and p_value(row["p"]) else ""
    return f"{interval(row, _digits(row))}{p}; {number(row['n'], 0)}/{number(row['events'], 0)}"


def _difference(difference: float, digits: int) -> str:
    if not math.isfinite(difference):
        return "–"
    if round(abs(difference), digits) == 0:
        return f"less than {10.0**-digits:g}"
    return f"{difference:+.{digits}f}"
