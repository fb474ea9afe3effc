"""What made these figures: versions, settings, inputs, and what is known of the study's own."""

import csv
import hashlib
import importlib.metadata
import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pandas as pd

import histosurv
from histosurv.config import config_schema
from histosurv.files import file_sha256
from histosurv.publish import published
from histosurv.report.origin import command, commit, hardware, source_digest, without_folder

PACKAGES = [
    "torch", "torchvision", "openslide-python", "scikit-image", "lifelines", "scikit-learn",
    "statsmodels", "scipy", "numpy", "pandas", "h5py", "snakemake",
]  # fmt: skip
GONE = "not there any more"
TABLES = ["cohort/folds.csv", "scores.csv", "evaluation/metrics.csv"]


class Finished(Protocol):
    """What is asked of a `histosurv.report.run.Run`.

    It is not imported: `histosurv config` lists the settings, and must neither load every room nor
    run again whenever one of them changes.
    """

    results: Path
    folder: Path
    batches: list[str]
    config: dict
    index: pd.DataFrame
    features: dict


def versions() -> dict[str, str]:
    """Versions of the program, of Python and of the libraries that the figures rest on."""
    found = {"histosurv": histosurv.__version__, "Python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in PACKAGES}


def settings(config: dict) -> list[dict[str, str]]:
    """Every setting of the run: ``key, value, meaning, study, is_default``.

    ``study`` says what is known of the original study's value; empty where the setting has no
    counterpart there.
    """
    return list(_walk(config, config_schema(), ""))


def provenance(run: Finished) -> dict:
    """Everything that decided the figures of a run.

    Parameters
    ----------
    run : Run
        The finished run; its tables are looked for where its config names them, from the working
        folder.

    Returns
    -------
    dict
        To be kept as JSON. No folder, no login and no patient is named in it. ``built`` tells who
        put it together and when; the rest is the same for the same results on one machine:
        ``histosurv``, ``code`` (``commit, changed, digest``), ``versions``, ``inputs`` (rows of
        ``table, path, sha256, n_rows, note``), ``features`` (``n_spots, n_files, sha256``),
        ``recipes`` (``n_spots`` and ``recipe``, most spots first), ``seeds``, ``results`` (SHA-256
        by table), ``hardware``, ``command``.
    """
    found = versions()
    return {
        "histosurv": found["histosurv"],
        "code": commit() | {"digest": source_digest()},
        "versions": found,
        "inputs": _inputs(run.config),
        "features": _features(run.index),
        "recipes": without_folder(run.features["recipes"]),
        "seeds": dict(_seeds(run.config, "")),
        "results": {name: _sha256(run.folder / name) for name in TABLES},
        "hardware": hardware() | {"features_computed_on": _devices(run)},
        "command": command(),
        "built": {
            "host": platform.node(),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    }


def write_provenance(record: dict, folder: Path) -> Path:
    """Publish a record of `provenance` as ``provenance.json`` of a folder."""
    path = folder / "provenance.json"
    text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    with published(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")
    return path


def _walk(value: dict, schema: dict, prefix: str):
    for key, rule in schema["properties"].items():
        if "properties" in rule:
            yield from _walk(value[key], rule, f"{prefix}{key}: ")
        else:
            yield {
                "key": f"{prefix}{key}",
                "value": as_text(value[key]),
                "meaning": rule["description"],
                "study": rule.get("study", ""),
                "is_default": value[key] == rule.get("default"),
            }
    for key in [key for key in value if key not in schema["properties"]]:  # external cohorts
        yield from _walk(value[key], schema["additionalProperties"], f"{prefix}{key}: ")


def as_text(value: object) -> str:
    """A value of the config as a reader sees it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value != "" else "none"


def _inputs(config: dict) -> list[dict]:
    """Tables that the config names, each with its digest."""
    rows = []
    for cohort, tables in config["cohorts"].items():
        for kind in ("patients", "spots", "slides"):
            if written := tables[kind]:
                path = Path(written)
                is_there = path.is_file()
                rows.append(
                    {
                        "table": f"{cohort}: {kind}",
                        "path": without_folder(written),
                        "sha256": _sha256(path),
                        "n_rows": _n_rows(path) if is_there else None,
                        "note": "" if is_there else GONE,
                    }
                )
    return rows


def _sha256(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() else None


def _n_rows(path: Path) -> int | None:
    """Rows below the header, blank lines not counted; None of what is no table any more."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            return sum(any(cell.strip() for cell in row) for row in csv.reader(file)) - 1
        except csv.Error:
            return None


def _features(index: pd.DataFrame) -> dict:
    """One digest for the features of all spots, whatever batches they were computed in."""
    listed = index.sort_values("spot_id", kind="stable")
    lines = "".join(
        f"{spot}, {sha256}\n"
        for spot, sha256 in zip(listed["spot_id"], listed["sha256"], strict=True)
    )
    return {
        "n_spots": len(listed),
        "n_files": int((listed["status"] == "done").sum()),
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }


def _seeds(section: dict, prefix: str):
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _seeds(value, f"{prefix}{key}: ")
        elif key.endswith("seed"):
            yield f"{prefix}{key}", value


def _devices(run: Finished) -> list[str]:
    """What the features were computed on, as the hardware calls itself."""
    paths = [run.folder / f"features/throughput/{batch}.csv" for batch in run.batches]
    return sorted(
        {
            device
            for path in paths
            if path.is_file()
            for device in pd.read_csv(path, dtype={"device": str})["device"]
        }
    )
