"""A simulated cohort with a planted signal: what the pipeline must find, and how strong it is."""

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from histosurv.cohort.demo_slides import lay_out, slide_table, write_slide
from histosurv.cohort.drawing import Stain, draw_spot
from histosurv.progress import track
from histosurv.publish import published, write_table

CORE_DIAMETER_UM = 770.0  # 3500 px at 0.22 um/px

# Slope and base rate make a latent tissue risk with, over many cohorts, a five-year AUC of 0.69
# and a median-split hazard ratio of 2.2, half of the labelled patients dead: the study's order
# of size. The readers' and the grade's accuracy give hazard ratios near 1.65. Tests hold this.
LOG_HAZARD_PER_SD = 0.65
CANCER_DEATHS_PER_MONTH = 0.0092
OTHER_DEATHS_PER_MONTH_AT_67 = 0.0016
READER_CORRELATION = 0.57
GRADE_CORRELATION = 0.60
STAGES = {"A": (0.15, -1.2), "B": (0.35, -0.5), "C": (0.27, 0.3), "D": (0.23, 1.1)}

PATIENTS_PER_BLOCK = 40
BLOCK_PREFIX = "TMA"
SECOND_SPOT_SHARE = 0.2
SPOT_SD = 0.3  # how far a spot strays from its patient's risk
UNREADABLE_SHARE = 0.02


@dataclass(frozen=True)
class SimulatedCohort:
    """Tables of a simulated cohort; ``truth`` holds what no model may see."""

    patients: pd.DataFrame
    spots: pd.DataFrame
    truth: pd.DataFrame


def simulate(n_patients: int, *, seed: int, null: bool = False) -> SimulatedCohort:
    """Draw patients, outcomes, readers and spots.

    Parameters
    ----------
    n_patients : int
        Number of patients.
    seed : int
        Same seed, same cohort.
    null : bool
        Cut the link between tissue and outcome: tissue, readers and grade stay as they are, the
        outcome follows a risk of its own. The null twin of a cohort has the same images.

    Returns
    -------
    SimulatedCohort
        ``truth`` has ``patient_id, tissue_risk`` (standard normal, higher = worse) and, per spot,
        ``spot_id, spot_risk``.

    Notes
    -----
    Death of the cancer and other death are exponential; follow-up ends between 48 and 180 months,
    for six in a hundred earlier. Each thing is drawn from a random stream of its own.
    """

    def stream(purpose: int) -> np.random.Generator:
        return np.random.default_rng([seed, purpose])

    tissue_risk = stream(1).standard_normal(n_patients)
    outcome_risk = stream(2).standard_normal(n_patients) if null else tissue_risk
    patients = _clinic(stream(3), tissue_risk)
    follow_up = _follow_up(stream(4), outcome_risk, patients)
    patients.insert(1, "time_months", follow_up["time_months"])
    patients.insert(2, "event", follow_up["event"])
    spots = _spots(stream(5), patients, tissue_risk)
    truth = spots[["spot_id", "patient_id", "spot_risk"]].copy()
    truth["tissue_risk"] = truth["patient_id"].map(
        dict(zip(patients.patient_id, tissue_risk, strict=True))
    )
    return SimulatedCohort(patients, spots.drop(columns="spot_risk"), truth)


def write_demo(
    folder: Path,
    *,
    n_patients: int,
    spot_px: int,
    seed: int,
    null: bool = False,
    slides: bool = False,
) -> None:
    """Simulate a cohort, draw its spots and write ``patients.csv``, ``spots.csv``, ``truth.csv``.

    Parameters
    ----------
    folder : pathlib.Path
        Where to; images go to ``images/`` in it. Images that are there are drawn anew.
    n_patients, seed, null
        As in `simulate`.
    spot_px : int
        Side of a spot's image; the core is 770 um across whatever the number, so that 3500 px
        have 0.22 um/px.
    slides : bool
        Draw whole slides, one per block, and write ``slides.csv`` and maps in place of spots.
    """
    cohort = simulate(n_patients, seed=seed, null=null)
    risks = cohort.truth["spot_risk"]
    mpp = round(CORE_DIAMETER_UM / spot_px, 6)
    draw = partial(_draw, spot_px=spot_px, seed=seed)
    with ProcessPoolExecutor() as workers:
        drawn = workers.map(draw, cohort.spots.to_dict("records"), risks, range(len(risks)))
        pictures = track(drawn, "drawing", "spot", total=len(risks))
        if slides:
            _write_slides(folder, cohort.spots, pictures, mpp)
        else:
            for image, pixels in zip(cohort.spots["image"], pictures, strict=True):
                with published(folder / image) as temporary:
                    Image.fromarray(pixels).save(temporary, format="JPEG", quality=90)
            write_table(cohort.spots.assign(mpp=mpp), folder / "spots.csv")
    write_table(cohort.truth, folder / "truth.csv")
    write_table(cohort.patients, folder / "patients.csv")


def _write_slides(
    folder: Path, spots: pd.DataFrame, pictures: Iterable[np.ndarray], mpp: float
) -> None:
    """One slide per block; drawn one after the other, so that one is in memory."""
    drawn = dict(zip(spots["spot_id"], pictures, strict=True))
    layouts = {block: lay_out(group) for block, group in spots.groupby("block")}
    for block, cells in layouts.items():
        own = {name: drawn[name] for name in cells["spot_id"] if name}
        write_slide(folder, block, cells, own, mpp)
    write_table(slide_table(layouts, CORE_DIAMETER_UM), folder / "slides.csv")


def _draw(spot: dict, risk: float, index: int, *, spot_px: int, seed: int) -> np.ndarray:
    block = int(spot["block"].removeprefix(BLOCK_PREFIX))
    return draw_spot(
        np.random.default_rng([seed, 7, index]),
        risk,
        Stain.of_block(np.random.default_rng([seed, 6, block])),
        spot_px=spot_px,
        mpp=CORE_DIAMETER_UM / spot_px,
    )


def _clinic(rng: np.random.Generator, tissue_risk: np.ndarray) -> pd.DataFrame:
    """What the chart holds: age, sex, stage, grade and three readers who saw the same tissue."""
    n = len(tissue_risk)
    shares = [share for share, _ in STAGES.values()]
    patients = pd.DataFrame({"patient_id": [f"P{i + 1:04d}" for i in range(n)]})
    patients["age"] = np.clip(rng.normal(67, 11, n), 30, 95).round().astype(int)
    patients["sex"] = rng.choice(["female", "male"], n, p=[0.47, 0.53])
    patients["stage"] = rng.choice(list(STAGES), n, p=shares)
    seen = _noisy(rng.standard_normal(n), tissue_risk, GRADE_CORRELATION)
    patients["grade"] = 1 + (seen > -1.0).astype(int) + (seen > 0.6).astype(int)
    common_error = rng.standard_normal(n)  # readers err together: they see the same spot
    for reader in (1, 2, 3):
        error = np.sqrt(0.4) * common_error + np.sqrt(0.6) * rng.standard_normal(n)
        high = _noisy(error, tissue_risk, READER_CORRELATION) > 0
        call = np.where(high, "high", "low")
        patients[f"reader_{reader}"] = np.where(rng.random(n) < UNREADABLE_SHARE, "", call)
    return patients


def _noisy(error: np.ndarray, truth: np.ndarray, correlation: float) -> np.ndarray:
    return correlation * truth + np.sqrt(1 - correlation**2) * error


def _follow_up(
    rng: np.random.Generator, outcome_risk: np.ndarray, patients: pd.DataFrame
) -> pd.DataFrame:
    n = len(outcome_risk)
    stage_effect = patients["stage"].map({name: effect for name, (_, effect) in STAGES.items()})
    cancer_rate = CANCER_DEATHS_PER_MONTH * np.exp(
        LOG_HAZARD_PER_SD * outcome_risk + stage_effect.to_numpy()
    )
    other_rate = OTHER_DEATHS_PER_MONTH_AT_67 * np.exp(0.06 * (patients["age"].to_numpy() - 67))
    to_cancer_death = rng.exponential(1 / cancer_rate)
    to_other_death = rng.exponential(1 / other_rate)
    end = rng.uniform(48, 180, n)
    lost = rng.random(n) < 0.06
    end = np.where(lost, rng.uniform(1, 60, n), end)
    time = np.minimum.reduce([to_cancer_death, to_other_death, end])
    event = np.select([time == to_cancer_death, time == to_other_death], [1, 2], default=0)
    return pd.DataFrame({"time_months": time.round(2), "event": event})


def _spots(
    rng: np.random.Generator, patients: pd.DataFrame, tissue_risk: np.ndarray
) -> pd.DataFrame:
    n = len(patients)
    n_blocks = max(2, round(n / PATIENTS_PER_BLOCK))
    block = rng.permutation(np.arange(n) % n_blocks)
    has_second = rng.random(n) < SECOND_SPOT_SHARE
    stray = rng.standard_normal((n, 2)) * SPOT_SD
    rows = []
    for i, patient in enumerate(patients["patient_id"]):
        for k in range(2 if has_second[i] else 1):
            spot_id = f"{patient}_{k + 1}"
            rows.append(
                {
                    "spot_id": spot_id,
                    "patient_id": patient,
                    "image": f"images/{spot_id}.jpg",
                    "block": f"{BLOCK_PREFIX}{block[i] + 1}",
                    "spot_risk": tissue_risk[i] + stray[i, k],
                }
            )
    return pd.DataFrame(rows)
