"""A study's frozen models in one folder: what a new patient's risk needs, and nothing of patients.

    bundle.json          models, their scale and threshold, the features' recipe, a summary of the
                         cohort, and the SHA-256 of every other file
    config.yaml          the study's settings
    reference.csv        percentiles of the development cohort's own out-of-fold scores
    models/NAME/FOLD.*   networks as safetensors, classical models as skops

The models are those of the first repeat's folds: the very ones that the study evaluated. A new
patient is scored by all of them, and the mean of their log-odds is the score.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from histosurv.cohort.endpoint import CANCER_DEATH
from histosurv.cohort.folds import read_folds
from histosurv.cohort.tables import read_indexes, read_patients
from histosurv.errors import InputError
from histosurv.features.store import read_recipe
from histosurv.files import file_sha256, read_yaml
from histosurv.models.baselines import Fitted, score_baseline
from histosurv.models.calibration import Line
from histosurv.models.ensemble import Ensemble
from histosurv.models.job import Job, job_of
from histosurv.models.objects import same_bytes
from histosurv.models.pooling import Pooler
from histosurv.models.sequences import load_sequences
from histosurv.publish import clear_partials, partial_name, published, write_table

FORMAT = 1
REPEAT = 1
FEW = 5  # patients of one kind, whose number is not told
# Types of our own that a saved model may hold; those of scikit-learn are trusted by skops itself.
_OURS = ["histosurv.models.baselines.Components", "histosurv.models.cox.CoxRidge"]


def write_bundle(
    config: dict,
    cohort: Path,
    features: Path,
    models: Path,
    scores: Path,
    out: Path,
    n_batches: int,
) -> None:
    """Bring the models of the first repeat together.

    Parameters
    ----------
    config : dict
        The complete configuration.
    cohort, features, models : pathlib.Path
        Folders of the rooms.
    scores : pathlib.Path
        The score table.
    out : pathlib.Path
        The folder; a bundle that is in it is replaced.
    n_batches : int
        Number of batches of spots.

    Raises
    ------
    InputError
        A classical model, which is fitted anew here, does not give the scores of the table; or
        the folder holds something else than a bundle.
    """
    if out.exists() and not (out / "bundle.json").is_file() and any(out.iterdir()):
        raise InputError(f"--out {out}: holds something else than a bundle; name another folder")
    final, out = out, partial_name(out)
    clear_partials(final.parent)
    shutil.rmtree(out, ignore_errors=True)
    folds = read_folds(cohort / "folds.csv")
    folds = folds[folds["repeat"] == REPEAT]
    numbers = sorted(folds["fold"].unique().tolist())
    sequences = load_sequences(cohort, features, n_batches)
    content = {}
    for name in config["models"]["networks"] + config["models"]["baselines"]:
        members = []
        for fold in numbers:
            job = models / name / f"{REPEAT}_{fold}"
            target = out / "models" / name / f"{fold}.safetensors"
            if name in config["models"]["networks"]:
                with published(target) as temporary:
                    shutil.copyfile(job / "networks.safetensors", temporary)
            else:
                target = target.with_suffix(".skops")
                seed = config["resampling"]["seed"]
                work = job_of(sequences, folds, repeat=REPEAT, fold=fold, seed=seed)
                _save(_refitted(name, config, work, job / "scores.csv"), target)
            calibration = json.loads((job / "calibration.json").read_text("utf-8"))
            members.append({"file": str(target.relative_to(out)), **calibration})
        content[name] = members
    write_table(_reference(scores, list(content)), out / "reference.csv")
    with published(out / "config.yaml") as temporary:
        # Where the patients' tables lay is nobody's business.
        kept = {key: value for key, value in config.items() if key != "cohorts"}
        temporary.write_text(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True), "utf-8")
    about = {
        "format": FORMAT,
        "title": config["title"],
        "models": content,
        "features": _features(features, n_batches),
        "cohort": _cohort(read_patients(cohort / "patients.csv")),
        "folds": [
            folds[folds["fold"] == fold]["part"].value_counts().sort_index().to_dict()
            for fold in numbers
        ],
    }
    files = sorted(path for path in out.rglob("*") if path.is_file())
    about["sha256"] = {str(path.relative_to(out)): file_sha256(path) for path in files}
    with published(out / "bundle.json") as temporary:
        temporary.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")
    shutil.rmtree(final, ignore_errors=True)
    out.rename(final)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read and found undamaged.

    Attributes
    ----------
    folder : pathlib.Path
        Where it is.
    about : dict
        ``bundle.json``.
    config : dict
        ``config.yaml``.
    reference : pandas.DataFrame
        ``score, percent, value`` (log-odds).
    """

    folder: Path
    about: dict
    config: dict
    reference: pd.DataFrame

    def members(self, name: str, device: torch.device) -> list[tuple[Ensemble | Fitted, dict]]:
        """The models of one score, one per fold, each with its calibration."""
        return [
            (_load(self.folder / member["file"], device), member)
            for member in self.about["models"][name]
        ]

    def percentile(self, name: str, value: float) -> float:
        """Share of the development cohort with a lower score, in percent."""
        rows = self.reference[self.reference["score"] == name]
        below = rows.groupby("value")["percent"].min()  # of equal scores none is lower
        return float(np.interp(value, below.index, below, right=100.0))


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle and hold every file against its SHA-256.

    Raises
    ------
    InputError
        No bundle, one of a later format, or a file that is missing or not as it was written.
    """
    try:
        about = json.loads((folder / "bundle.json").read_text("utf-8"))
    except (OSError, ValueError):
        raise InputError(
            f"{folder}: no bundle (bundle.json is missing or damaged); make one with "
            "`snakemake bundle`, or correct the path"
        ) from None
    if about.get("format") != FORMAT:
        raise InputError(
            f"{folder}: a bundle of format {about.get('format')}; this histosurv reads {FORMAT}"
        )
    for name, sha256 in about["sha256"].items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != sha256:
            what = "changed since it was written" if path.is_file() else "missing"
            raise InputError(f"{path}: {what}; bring the bundle again")
    return Bundle(
        folder,
        about,
        read_yaml(folder / "config.yaml"),
        pd.read_csv(folder / "reference.csv"),
    )


def line_of(calibration: dict) -> Line:
    """Scale of a fold's model."""
    return Line(calibration["slope"], calibration["intercept"])


def _refitted(name: str, config: dict, work: Job, scores: Path) -> Fitted:
    """A classical model, fitted anew: the same settings and seed give the same model."""
    tuning = config["models"]["tuning"]
    budget = {"n_settings": tuning["settings"], "inner_folds": tuning["inner_folds"]}
    scored, fitted = score_baseline(name, work, config["models"]["pooling"], **budget)
    evaluated = pd.read_csv(scores, dtype={"patient_id": str})
    if not np.allclose(evaluated["value"], scored.rows["value"], rtol=1e-6, atol=1e-9):
        raise InputError(
            f"{scores}: {name} does not give these scores again; were features or tables changed? "
            "Run the workflow again"
        )
    return fitted


def _save(fitted: Fitted, path: Path) -> None:
    """Publish as skops, which holds no code."""
    content = {"pooler": vars(fitted.pooler), "pipeline": fitted.pipeline}
    with published(path) as temporary:
        temporary.write_bytes(same_bytes(content))


def _load(path: Path, device: torch.device) -> Ensemble | Fitted:
    if path.suffix == ".safetensors":
        return Ensemble.load(path, device)
    import skops.io

    content = skops.io.loads(path.read_bytes(), trusted=_OURS)
    return Fitted(Pooler(**content["pooler"]), content["pipeline"], pd.DataFrame())


def _reference(scores: Path, names: list[str]) -> pd.DataFrame:
    """Percentiles of the out-of-fold scores, which tell nobody's own."""
    table = pd.read_csv(scores, dtype={"patient_id": str})
    table = table[table["repeat"] == REPEAT]
    percent = np.arange(101)
    return pd.concat(
        pd.DataFrame(
            {
                "score": name,
                "percent": percent,
                "value": np.percentile(table.loc[table["score"] == name, "value"], percent),
            }
        )
        for name in names
    )


def _features(features: Path, n_batches: int) -> dict:
    """What a new patient's features must be like."""
    index = read_indexes(features, n_batches)
    index = index[index["status"] == "done"]
    tiles = pd.to_numeric(index["n_tiles"])
    recipe = read_recipe(features / index["file"].iloc[0])
    if "imported" in recipe:  # the name of a patient's file
        recipe["imported"] = "computed elsewhere"
    return {
        "n_features": int(index["n_features"].iloc[0]),
        "n_tiles": [int(tiles.min()), int(tiles.max())],
        "recipe": recipe,
    }


def _cohort(patients: pd.DataFrame) -> dict:
    """Summary of those who taught the models; no single patient is in it."""
    label = patients["label_60m"]
    summary = {
        "n_patients": len(patients),
        "n_cancer_deaths": int((patients["event"] == CANCER_DEATH).sum()),
        "n_dead_60m": int((label == 1).sum()),
        "n_alive_60m": int((label == 0).sum()),
        "n_unknown_60m": int(label.isna().sum()),
        "median_time_months": float(patients["time_months"].median()),
    }
    for name in ("sex", "stage", "grade"):
        if name in patients:
            counts = patients[name].astype("string").replace("", pd.NA).value_counts(dropna=False)
            summary[name] = {
                "unknown" if pd.isna(kind) else str(kind): int(n) if n >= FEW else f"under {FEW}"
                for kind, n in counts.items()
            }
    if "age" in patients and patients["age"].notna().any():
        quartiles = patients["age"].quantile([0.25, 0.5, 0.75])
        summary["age_quartiles"] = [float(age) for age in quartiles]
    return summary
