"""About this run: settings, inputs, versions, and what else somebody needs to repeat it."""

from pathlib import Path

import pandas as pd
import yaml

from histosurv.report.content import Content, Table
from histosurv.report.origin import UNKNOWN, without_folder
from histosurv.report.provenance import provenance, settings
from histosurv.report.run import Run


def about(run: Run) -> Content:
    """Everything that decided the figures.

    Parameters
    ----------
    run : Run
        The finished run.

    Returns
    -------
    Content
        Tables ``settings``, ``inputs``, ``recipe`` and ``versions``. In ``extra``: ``config`` (all
        of it, as YAML; of absolute paths the last part), ``seeds``, ``command``, ``commit``,
        ``code``, ``hardware`` (texts), ``built`` (``host, time``: nothing else differs between two
        reports of the same results) and ``record`` (what
        `histosurv.report.provenance.write_provenance` keeps).
    """
    record = provenance(run)
    config = without_folder(run.config)
    return Content(
        items={
            "settings": Table(_settings(config), is_sortable=True),
            "inputs": Table(_inputs(record), note=_told(record)),
            "recipe": Table(_recipe(run)),
            "versions": Table(_versions(record)),
        },
        extra={
            "config": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
            "seeds": {key: str(value) for key, value in record["seeds"].items()},
            "command": record["command"],
            "commit": _commit(record["code"]),
            "code": record["code"]["digest"],
            "hardware": _hardware(record["hardware"]),
            "built": record["built"],
            "record": record,
        },
    )


def _settings(config: dict) -> pd.DataFrame:
    rows = [(row["key"], row["value"], row["meaning"], row["study"]) for row in settings(config)]
    return pd.DataFrame(rows, columns=["Setting", "Value", "Meaning", "In Bychkov et al. 2018"])


def _inputs(record: dict) -> pd.DataFrame:
    rows = [
        (
            row["table"],
            row["path"],
            "" if row["n_rows"] is None else str(row["n_rows"]),
            row["sha256"] or row["note"],
        )
        for row in record["inputs"]
    ]
    features = record["features"]
    files = f"{features['n_files']} of {features['n_spots']} spots"
    rows.append(("development: features", files, "", features["sha256"]))
    return pd.DataFrame(rows, columns=["Input", "File", "Rows", "SHA-256"])


def _told(record: dict) -> str:
    told = (
        "The digest of the features is that of the lines `spot_id, SHA-256 of its file`, sorted by "
        "spot; those of folds, scores and metrics are in provenance.json."
    )
    gone = [Path(row["path"]).name for row in record["inputs"] if row["sha256"] is None]
    return f"{told} {', '.join(gone)}: not to be found when the report was made." if gone else told


def _recipe(run: Run) -> pd.DataFrame:
    rows = [(key.replace("_", " "), value) for key, value in run.features["recipe"].items()]
    return pd.DataFrame(rows, columns=["Step", "As it was done"])


def _versions(record: dict) -> pd.DataFrame:
    code = record["code"]
    rows = [*record["versions"].items()]
    rows[1:1] = [
        ("histosurv, commit", _commit(code)),
        ("histosurv, digest of the source", code["digest"]),
    ]
    return pd.DataFrame(rows, columns=["Program", "Version"])


def _commit(code: dict) -> str:
    if code["commit"] == UNKNOWN:
        return f"{UNKNOWN}: an installed package, or no git"
    states = {True: "files were changed after it", False: "unchanged"}
    return f"{code['commit']}, {states.get(code['changed'], 'not known whether unchanged')}"


def _hardware(found: dict) -> dict[str, str]:
    cores, memory = found["cores"], found["memory_gb"]
    return {
        "Processor": found["cpu"],
        "Cores": str(cores),
        "Memory": UNKNOWN if memory == UNKNOWN else f"{memory} GB",
        "Features computed on": "; ".join(found["features_computed_on"]) or "not computed here",
    }
