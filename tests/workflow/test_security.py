"""What a user can name is never run; what a run leaves is open and told to nobody else."""

import csv
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pandas as pd
import pytest
from markupsafe import escape
from tests.running import QUICK, ROOT, output_of, run_snakemake
from tests.workflow.odd_names import ODD, as_file, canaries, read

from histosurv.cohort.demo import write_demo
from histosurv.features.weights import prepare_weights

COLUMNS = {
    "age": "--age $(touch PWNED) $x$",
    "sex": "\"sex'; touch PWNED",
    "stage": "{stage}\n`touch PWNED`",
    "reader_1": "<reader> %s &",
    "reader_2": "{wildcards.fold} \\",
    "reader_3": "reader, 患者",
}
FOLDER = "st'u\"dy $(touch PWNED) `touch PWNED`;touch PWNED\n&|<x>*{batch}%s\\é"
SECRETS = {"HF_TOKEN": "hf_Canary", "AWS_SECRET_ACCESS_KEY": "awsCanary", "USER": "loginCanary"}
ENCODER = "torchvision/mobilenet_v3_small"


def lay_out(study, home):
    """A study in which everything has an odd name; its config."""
    write_demo(study, n_patients=len(ODD), spot_px=224, seed=5)
    tables = {"patients": as_file(f"-p{''.join(ODD[:8])}.csv"), "spots": f"{home}/{FOLDER}.csv"}
    ids = {f"P{number:04d}": odd for number, odd in enumerate(ODD, 1)}
    patients = pd.read_csv(study / "patients.csv", dtype=str, keep_default_na=False)
    patients["patient_id"] = patients["patient_id"].map(ids)
    for name in ("sex", "stage"):
        kinds = dict(zip(sorted(set(patients[name])), ODD[:4], strict=False))
        patients[name] = patients[name].map(kinds)
    patients = patients.rename(columns=COLUMNS)
    patients.to_csv(study / tables["patients"], index=False, quoting=csv.QUOTE_ALL)
    spots = pd.read_csv(study / "spots.csv", dtype=str)
    second = spots["spot_id"].str.endswith("_2").map({True: "'\n2", False: ""})
    spots["patient_id"] = spots["patient_id"].map(ids)
    images = spots["image"]
    spots["spot_id"] = spots["patient_id"] + second
    spots["image"] = [f"{FOLDER}/{as_file(spot)}.jpg" for spot in spots["spot_id"]]
    spots["block"] = spots["block"].map({"TMA1": ODD[17], "TMA2": ODD[18]})
    (home / FOLDER).mkdir()
    for old, new in zip(images, spots["image"], strict=True):
        (study / old).rename(home / new)
    (home / spots["image"][second != ""].iloc[0]).write_bytes(b"damaged")
    spots.to_csv(tables["spots"], index=False, quoting=csv.QUOTE_ALL)
    weights = "-weights'$(touch PWNED)\n{batch}<x>.safetensors"
    prepare_weights(ENCODER, "random", study / weights, seed=1)
    age, sex, stage, *readers = COLUMNS.values()
    return {
        "title": " ".join(ODD),
        "cohorts": {"development": tables},
        "cohort": {"readers": readers, "strata": [stage]},
        "features": {"encoder": ENCODER, "precision": "fp32", "weights": weights},
        "resampling": {"scheme": "single"},
        "models": QUICK["models"] | {"baselines": [], "clinical": [age, sex, stage]},
        "evaluation": {"resamples": 100, "covariates": [age, sex], "subgroups": [sex, "block"]},
    }


def listening():
    """Sockets that processes of the run listen on, or have bound for UDP; told by its secrets."""
    inodes = set()
    for path in map(Path, ("/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6")):
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        inodes |= {f"socket:[{row[9]}]" for row in map(str.split, rows) if row[3] in ("0A", "07")}
    found = set()
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):
            if b"hf_Canary" in (process / "environ").read_bytes():
                found |= {str(file.readlink()) for file in (process / "fd").iterdir()} & inodes
    return found


@contextmanager
def watched():
    """Sockets seen in the meantime, asked for ten times a second."""
    seen, is_over = set(), threading.Event()

    def watch():
        while not is_over.wait(0.1):
            seen.update(listening())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        is_over.set()
        watcher.join()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A whole run of it under a umask that keeps nobody out."""
    base = tmp_path_factory.mktemp("odd")
    study, home, temporary = base / FOLDER, base / "home 'Canary' $(x)", base / "tmpCanary"
    for folder in (study, home, temporary):
        folder.mkdir()
    config = lay_out(study, home)
    config_file = home / "my 'config' $(touch PWNED);{x}=.yaml"
    shutil.copy(ROOT / "config.yaml", config_file)
    with pytest.MonkeyPatch.context() as patch, watched() as sockets:
        for name, value in (SECRETS | {"LOGNAME": SECRETS["USER"]}).items():
            patch.setenv(name, value)
        patch.setenv("HOME", str(home))
        patch.setenv("TMPDIR", str(temporary))
        mask = os.umask(0)
        try:
            run = run_snakemake(study, config=config, config_file=config_file)
        finally:
            os.umask(mask)
    return SimpleNamespace(base=base, study=study, run=run, sockets=sockets)


def test_odd_names_go_through_unchanged_and_none_is_run(finished):
    assert finished.run.returncode == 0, output_of(finished.run)
    results = finished.study / "results/development"
    patients, scores = read(results / "cohort/patients.csv"), read(results / "scores.csv")
    assert set(patients["patient_id"]) == set(read(results / "cohort/folds.csv")["patient_id"])
    assert set(patients["patient_id"]) == set(ODD)
    assert set(COLUMNS.values()) < set(patients.columns)
    assert set(scores["patient_id"]) < set(ODD)
    assert {"lstm", *list(COLUMNS.values())[3:]} < set(scores["score"])
    assert read(results / "cohort/exclusions.csv")["id"].str.endswith("'\n2").all()
    page = (finished.study / "results/report/study.html").read_text(encoding="utf-8")
    for odd in (" ".join(ODD), *COLUMNS.values(), *set(scores["patient_id"])):
        assert str(escape(odd)) in page, odd
    assert "<b id=PWNED" not in page
    for figure in (finished.study / "results/report/figures").glob("*.svg"):
        ElementTree.parse(figure)  # noqa: S314 - our own
    assert not canaries(finished.base)
    places = (ROOT, Path(), Path(tempfile.gettempdir()))
    assert not [place for place in places if (place / "PWNED").exists()]


def test_nothing_is_open_to_everybody(finished):
    made = [finished.study / name for name in ("results", "logs", ".snakemake")]
    made += [path for folder in made for path in folder.rglob("*") if not path.is_symlink()]
    assert len(made) > 100
    assert not [path for path in made if path.stat().st_mode & stat.S_IWOTH]


def test_the_report_names_no_folder_no_login_and_no_secret(finished):
    report = finished.study / "results/report"
    files = [path for path in report.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".html", ".json", ".svg", ".pdf", ".csv", ".tex"}
    for path in files:
        content = path.read_bytes()
        assert b"Canary" not in content, path
        assert os.fsencode(finished.base) not in content, path
    config = (finished.study / "results/config.yaml").read_text(encoding="utf-8")
    assert not [secret for secret in SECRETS.values() if secret in config]
    assert str(finished.study) not in config


def test_nothing_listens_on_a_socket(finished, monkeypatch):
    assert not finished.sockets
    monkeypatch.setenv("HF_TOKEN", SECRETS["HF_TOKEN"])
    code = (
        "import socket, time; tcp = socket.create_server(('127.0.0.1', 0)); "
        "udp = socket.socket(type=socket.SOCK_DGRAM); udp.bind(('127.0.0.1', 0)); time.sleep(9)"
    )
    with watched() as seen, subprocess.Popen([sys.executable, "-c", code]) as child:
        end = time.monotonic() + 8
        while len(seen) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        child.kill()
    assert len(seen) == 2
