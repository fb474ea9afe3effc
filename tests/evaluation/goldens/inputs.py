"""Write the tables on which R and we compute the same figures: ``inputs/*.csv``.

    python tests/evaluation/goldens/inputs.py

Public data as lifelines ships them (MIT), and two drawn cohorts. Every table gets the same columns:
``time``, ``event`` (0 censored, 1 death of the disease, 2 other death), two scores (higher =
worse), a risk at the horizon, a group of two (``high``) and one of several levels (``stage``),
covariates ``x1`` to ``x3``, and a fold. The scores are formulas written down here, not fits.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from lifelines import datasets
from scipy.special import expit

HERE = Path(__file__).parent
HORIZONS = {  # in the unit of the table's times
    "gbsg2": 1826.25, "rossi": 40, "lung": 365.25, "larynx": 5, "leukemia": 20, "kidney": 1826.25,
    "drawn": 60, "drawn_ties": 60,
}  # fmt: skip


def _standard(x: pd.Series) -> pd.Series:
    return (x - x.mean()) / x.std()


def _gbsg2() -> pd.DataFrame:
    raw = datasets.load_gbsg2()
    grade = raw["tgrade"].map({"I": 1, "II": 2, "III": 3})
    nodes, progesterone = raw["pnodes"].clip(upper=20), raw["progrec"].clip(upper=500)
    return pd.DataFrame(
        {
            "time": raw["time"],
            "event": raw["cens"],
            "score_a": 0.06 * nodes + 0.3 * grade - 0.002 * progesterone,
            "score_b": raw["tsize"],
            "high": (raw["horTh"] == "no").astype(int),
            "stage": grade,
            "x1": raw["age"],
            "x2": raw["tsize"],
            "x3": np.log(raw["estrec"] + 1),
        }
    )


def _rossi() -> pd.DataFrame:
    raw = datasets.load_rossi()
    return pd.DataFrame(
        {
            "time": raw["week"],
            "event": raw["arrest"],
            "score_a": 0.1 * raw["prio"] - 0.05 * raw["age"],
            "score_b": raw["prio"],
            "high": 1 - raw["fin"],
            "stage": 1 + (raw["prio"] > 1) + (raw["prio"] > 4),
            "x1": raw["age"],
            "x2": raw["wexp"],
            "x3": raw["mar"],
        }
    )


def _lung() -> pd.DataFrame:
    raw = datasets.load_lung().dropna(subset=["ph.ecog", "ph.karno"]).reset_index(drop=True)
    return pd.DataFrame(
        {
            "time": raw["time"],
            "event": raw["status"],
            "score_a": raw["ph.ecog"] + 0.03 * raw["age"],
            "score_b": raw["ph.ecog"],
            "high": (raw["sex"] == 1).astype(int),
            "stage": raw["ph.ecog"].clip(upper=2) + 1,
            "x1": raw["age"],
            "x2": raw["ph.karno"],
            "x3": raw["sex"],
        }
    )


def _larynx() -> pd.DataFrame:
    raw = datasets.load_larynx()
    stage = 1 + raw["Stage_II"] + 2 * raw["Stage_III"] + 3 * raw["Stage_IV"]
    return pd.DataFrame(
        {
            "time": raw["time"],
            "event": raw["death"],
            "score_a": stage + 0.02 * raw["age"],
            "score_b": stage,
            "high": (stage > 2).astype(int),
            "stage": stage,
            "x1": raw["age"],
            "x2": raw["age"] ** 2 / 100,
            "x3": (raw["age"] > 65).astype(int),
        }
    )


def _leukemia() -> pd.DataFrame:
    raw = datasets.load_leukemia()
    return pd.DataFrame(
        {
            "time": raw["t"],
            "event": raw["status"],
            "score_a": raw["logWBC"],
            "score_b": raw["logWBC"].round(),
            "high": raw["Rx"],
            "stage": 1 + (raw["logWBC"] > 2.5) + (raw["logWBC"] > 3.2),
            "x1": raw["Rx"],
            "x2": raw["sex"],
            "x3": raw["logWBC"] ** 2,
        }
    )


def _kidney() -> pd.DataFrame:
    raw = datasets.load_kidney_transplant()
    return pd.DataFrame(
        {
            "time": raw["time"],
            "event": raw["death"],
            "score_a": raw["age"] + 5 * raw["black_male"],
            "score_b": raw["age"] // 10,
            "high": (raw["age"] >= 45).astype(int),
            "stage": 1 + (raw["age"] > 35) + (raw["age"] > 50),
            "x1": raw["age"],
            "x2": raw["black_male"] + raw["white_male"],
            "x3": raw["black_male"] + raw["black_female"],
        }
    )


def _drawn(n: int, seed: int, decimals: int) -> pd.DataFrame:
    """A cohort with competing deaths, readers with gaps, a fold-shifted and a saturated score."""
    rng = np.random.default_rng(seed)
    truth, stage = rng.standard_normal(n), rng.integers(1, 5, n)
    cancer = rng.exponential(110 / np.exp(0.6 * truth + 0.3 * (stage - 2)))
    other = rng.exponential(260, n)
    lost = rng.uniform(20, 150, n)
    time = np.minimum.reduce([cancer, other, lost])
    event = np.where(time == lost, 0, np.where(time == cancer, 1, 2))
    fold = rng.permutation(np.arange(n) % 3) + 1
    score = truth + rng.standard_normal(n)
    table = pd.DataFrame(
        {
            "time": np.maximum(time.round(decimals), 10.0**-decimals),
            "event": event,
            "score_a": score.round(4),
            "score_b": (0.5 * truth + rng.standard_normal(n)).round(1),
            "high": (score > 0).astype(int),
            "stage": stage,
            "x1": rng.normal(65, 10, n).round(),
            "x2": rng.integers(0, 2, n),
            "x3": rng.standard_normal(n).round(3),
            "fold": fold,
            "score_shifted": (score + 2.0 * fold).round(4),
            "score_saturated": expit(30 * score),
        }
    )
    for reader in (1, 2, 3):
        call = (truth + 1.5 * rng.standard_normal(n) > 0.3 * (reader - 2)).astype(float)
        table[f"reader_{reader}"] = np.where(rng.random(n) < 0.04 * reader, np.nan, call)
    return table


def tables() -> dict[str, pd.DataFrame]:
    """All tables by name."""
    found = {
        "gbsg2": _gbsg2(),
        "rossi": _rossi(),
        "lung": _lung(),
        "larynx": _larynx(),
        "leukemia": _leukemia(),
        "kidney": _kidney(),
        "drawn": _drawn(420, 1, decimals=2),
        "drawn_ties": _drawn(300, 2, decimals=0),
    }
    for name, table in found.items():
        if "fold" not in table:
            table["fold"] = np.arange(len(table)) % 3 + 1
        table["risk"] = expit(-0.4 + 0.8 * _standard(table["score_a"])).round(6)
        table["score_a"] = table["score_a"].round(6)
        table["horizon"] = HORIZONS[name]
        for column in ("x2", "x3"):
            table[column] = table[column].astype(float).round(6)
    return found


if __name__ == "__main__":
    (HERE / "inputs").mkdir(exist_ok=True)
    for name, table in tables().items():
        table.to_csv(HERE / "inputs" / f"{name}.csv", index=False)
