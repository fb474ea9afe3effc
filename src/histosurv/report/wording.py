"""Names and numbers as a reader expects them."""

import math

import pandas as pd

MODELS = ["lstm", "attention_mil", "logistic", "elastic_net", "naive_bayes", "svm", "cox"]

NAMES = {
    "lstm": "Recurrent network on tile features",
    "attention_mil": "Gated attention on tile features",
    "logistic": "Logistic regression",
    "elastic_net": "Elastic-net logistic regression",
    "naive_bayes": "Naive Bayes",
    "svm": "Support vector machine",
    "cox": "Ridge Cox regression",
    "clinical": "Clinical Cox regression",
    "clinical_lstm": "Clinical Cox regression and recurrent network",
    "clinical_attention_mil": "Clinical Cox regression and gated attention",
    "visual_risk": "Visual risk score (majority of readers)",
    "vote_count": "Number of readers who said high",
    "grade": "Histological grade",
    "stage": "Stage",
}


def name_of(score: str) -> str:
    """Name of a score; one that is not ours keeps its own."""
    return NAMES.get(score, score)


def in_order(scores: list[str]) -> list[str]:
    """Models first, then the pathologists' majority, grade, and whatever else there is."""
    known = list(NAMES)
    return sorted(scores, key=lambda score: (known.index(score) if score in known else 99, score))


def number(value: float, digits: int = 2) -> str:
    """A number, or a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{round(value, digits) + 0.0:.{digits}f}"  # never -0.00


def interval(row: pd.Series, digits: int = 2) -> str:
    """``estimate (lower to upper)``, or the reason why there is none."""
    if not math.isfinite(row["estimate"]):
        return f"not estimable: {row['note']}"
    text = number(row["estimate"], digits)
    if math.isfinite(row["lower"]):
        return f"{text} ({number(row['lower'], digits)} to {number(row['upper'], digits)})"
    return f"{text} ({row['note']})" if row["note"] else text


def told(row: pd.Series | None, digits: int = 2) -> str:
    """The same of a figure that a study may be without."""
    return "not evaluated" if row is None else interval(row, digits)


def size(row: pd.Series | None) -> str:
    """Patients and deaths that a figure rests on, ``n / events``."""
    if row is None or pd.isna(row["n"]):
        return "–"
    return f"{row['n']:.0f} / {row['events']:.0f}"


def by_five_years(row: pd.Series) -> str:
    """The same of a figure at five years, in words."""
    return f"{row['n']:.0f} patients, {row['events']:.0f} deaths within five years"


def p_of(row: pd.Series | None) -> str:
    """P of a figure, without its letter: ``0.031``, ``< 0.001``, or nothing."""
    return "" if row is None else p_value(row["p"]).removeprefix("p ").removeprefix("= ")


def has(row: pd.Series | None) -> bool:
    """Whether a figure could be estimated."""
    return row is not None and math.isfinite(row["estimate"])


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def p_value(p: float) -> str:
    """``p = 0.03``, ``p < 0.001``, or nothing."""
    if p is None or not math.isfinite(p):
        return ""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
