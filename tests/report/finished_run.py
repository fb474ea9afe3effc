"""A small finished run: tables of every room that the report reads, made without a picture."""

import numpy as np
import pandas as pd
import yaml

from histosurv.cohort.folds import rotate
from histosurv.cohort.tables import read_patients
from histosurv.config import complete
from histosurv.evaluation.metrics import evaluate
from histosurv.evaluation.scores import read_scores
from histosurv.evaluation.spots import Spots
from histosurv.evaluation.study import Settings
from histosurv.models.comparators import comparator_scores
from histosurv.models.scores import gather
from histosurv.publish import write_table
from histosurv.report.run import Run

N = 90
IDS = pd.Series([f"P{i:02d}" for i in range(N)])
RESAMPLES = 60
LEFT_OUT = [("X1", "patient table", "no spot"), ("s9", "spot table", "patient unknown")]


def make(folder, columns=None, *, ids=IDS, resamples=RESAMPLES, **config):
    """A run on imported features; scores follow a risk that the outcome follows.

    `columns` join the patient table, `config` the configuration.
    """
    home, rng = folder / "development", np.random.default_rng(1)
    risk = pd.Series(rng.standard_normal(len(ids)), ids)
    given = {"cohorts": {"development": {"patients": ""}}, "features": {"import": "elsewhere"}}
    config = complete(given | {"resampling": {"repeats": 1}} | config)
    config["evaluation"]["resamples"] = resamples
    write_table(outcomes(risk, rng).assign(**(columns or {})), home / "cohort/patients.csv")
    patients = read_patients(home / "cohort/patients.csv", readers=config["cohort"]["readers"])
    folds = rotate(
        patients, n_repeats=1, n_folds=3, strata=[], seed=1, scheme=config["resampling"]["scheme"]
    )
    models = [*config["models"]["networks"], *config["models"]["baselines"]]
    write_table(scores(patients, folds, models, risk, config, rng), home / "scores.csv")
    spots = pd.DataFrame({"spot_id": "S" + ids, "patient_id": ids, "image": ""})
    spots = spots.assign(block=["T1", "T2"] * (len(ids) // 2))
    result = evaluate(
        patients,
        read_scores(home / "scores.csv", patients),
        Spots(blocks=spots[["patient_id", "block"]]),
        settings=Settings.of(
            config["evaluation"]
            | {"primary": models[0], "readers": config["cohort"]["readers"]}, models
        ),
    )  # fmt: skip
    index = spots[["spot_id"]].assign(status="done", reason="", file="", sha256="")
    tables = {
        "cohort/folds": folds,
        "cohort/spots": spots,
        "cohort/exclusions": pd.DataFrame(LEFT_OUT, columns=["id", "stage", "reason"]),
        "features/batches/0000": index.assign(n_tiles=4, n_features=16),
        "evaluation/metrics": result.metrics,
        "evaluation/warnings": pd.DataFrame({"warning": result.warnings}),
        **{f"evaluation/{name}": curve for name, curve in result.curves.items()},
    }
    for name, table in tables.items():
        write_table(table, home / f"{name}.csv")
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return Run(folder)


def outcomes(risk, rng):
    """Patients who die the sooner the higher their risk."""
    months = rng.exponential(70, len(risk)) * np.exp(-0.7 * risk.to_numpy())
    event = rng.choice([0, 1, 2], len(risk), p=[0.35, 0.5, 0.15])
    months = months.clip(1, 130).round(1)
    return pd.DataFrame({"patient_id": risk.index, "time_months": months, "event": event})


def scores(patients, folds, models, risk, config, rng):
    """Scores of models and of what the patient table brings."""
    tested = folds[folds["part"] == "test"].drop(columns="part")
    tables = []
    for name in models:
        value = tested["patient_id"].map(risk + rng.standard_normal(len(risk)))
        chance = 1 / (1 + np.exp(-value))
        tables.append(tested.assign(score=name, value=value, threshold=0.0, risk_60m=chance))
    asked = config["cohort"]
    tables.append(
        comparator_scores(patients, folds, readers=asked["readers"], grade_high=asked["grade_high"])
    )
    return gather(tables, folds, models)
