import json
import subprocess

import numpy as np
import pandas as pd
import pytest

from histosurv.config import complete
from histosurv.features.store import write_features
from histosurv.publish import write_table
from histosurv.report import origin
from histosurv.report.origin import COMMAND, without_folders
from histosurv.report.provenance import GONE, TABLES, provenance, write_provenance
from histosurv.report.run import Run
from histosurv.report.sections.about import about


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with tables under absolute paths, typed with absolute paths."""
    patients = tmp_path / "secret ward/patients.csv"
    patients.parent.mkdir()
    patients.write_text(
        'patient_id,time_months,event\n\n"A\nB",1,0\nC,2,1\n\n', encoding="utf-8-sig"
    )
    config = complete(
        {"cohorts": {"development": {"patients": str(patients), "spots": "gone/spots.csv"}}}
    )
    results = tmp_path / "results"
    results.mkdir()
    (results / "config.yaml").write_text(json.dumps(config))
    folder = results / "development"
    for name in TABLES:
        write_table(pd.DataFrame({"x": [1]}), folder / name)
    files = ["a.h5", "b.h5", "c.h5"]
    for name, precision in zip(files, ("fp32", "bf16", "bf16"), strict=True):
        path, recipe = folder / "features" / name, {"encoder": "vgg16", "precision": precision}
        write_features(path, np.ones((1, 2)), np.ones((1, 2)), recipe=recipe, image_sha256="")
    index = pd.DataFrame({"spot_id": list("abcd"), "status": ["done"] * 3 + ["unusable"]})
    index["reason"], index["file"], index["n_tiles"], index["n_features"] = "", [*files, ""], 1, 2
    write_table(index.assign(sha256=["1", "2", "3", ""]), folder / "features/batches/0000.csv")
    device = pd.DataFrame({"device": ["NVIDIA X"], "precision": "bf16", "seconds": 1.0})
    device[["spots", "taken_over", "tiles", "distinct_tiles", "decode_s", "compute_s"]] = 1
    device[["wait_s", "write_s", "peak_memory_gb"]] = 1
    write_table(device, folder / "features/throughput/0000.csv")
    command = f"snakemake --directory '{tmp_path}/secret ward' --conf={tmp_path}/c.yaml --token abc"
    monkeypatch.setenv(COMMAND, command)
    return Run(results)


def test_nothing_names_a_folder_or_a_secret(run, tmp_path):
    record = provenance(run)
    text = json.dumps(record, allow_nan=False)
    assert str(tmp_path) not in text
    assert str(tmp_path) not in str(about(run))
    assert record["command"] == "snakemake --directory 'secret ward' --conf=c.yaml --token '***'"
    assert record["inputs"][0]["path"] == "patients.csv"


def test_inputs_are_counted_and_a_table_that_is_gone_is_told(run):
    patients, spots = provenance(run)["inputs"]
    assert (patients["table"], patients["n_rows"]) == ("development: patients", 2)
    assert len(patients["sha256"]) == 64
    assert spots == {
        "table": "development: spots", "path": "gone/spots.csv", "sha256": None, "n_rows": None,
        "note": GONE,
    }  # fmt: skip
    assert "spots.csv: not to be found" in about(run).items["inputs"].note


def test_only_who_and_when_differ_between_two_records(run):
    one, other = provenance(run), provenance(run)
    assert set(one.pop("built")) == set(other.pop("built")) == {"host", "time"}
    assert one == other


def test_features_have_one_digest_whatever_their_batches(run):
    before = provenance(run)
    assert (before["features"]["n_spots"], before["features"]["n_files"]) == (4, 3)
    path = run.folder / "features/batches/0000.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    write_table(table[1:], path)
    write_table(table[:1], path.with_name("0001.csv"))
    assert provenance(Run(run.results, 2))["features"] == before["features"]
    write_table(table[:1].assign(sha256="9"), path.with_name("0001.csv"))
    assert provenance(Run(run.results, 2))["features"] != before["features"]


def test_recipes_seeds_and_hardware_are_told(run):
    record = provenance(run)
    assert [(of["n_spots"], of["recipe"]["precision"]) for of in record["recipes"]] == [
        (2, "bf16"),
        (1, "fp32"),
    ]
    assert record["seeds"]["resampling: seed"] == 2018
    assert record["hardware"]["features_computed_on"] == ["NVIDIA X"]
    assert record["hardware"]["cores"] > 0


def test_the_file_is_sorted_and_holds_the_record(run):
    record = provenance(run)
    text = write_provenance(record, run.results).read_text(encoding="utf-8")
    assert json.loads(text) == record
    assert text.index('"built"') < text.index('"code"') < text.index('"versions"')


def test_about_is_text(run):
    content = about(run)
    assert list(content.items) == ["settings", "inputs", "recipe", "versions"]
    for table in content.items.values():
        assert all(isinstance(cell, str) for cell in table.rows.to_numpy().ravel())
    assert "patients: patients.csv" in content.extra["config"]
    assert content.extra["record"]["inputs"] == provenance(run)["inputs"]


def test_a_package_in_a_foreign_repository_has_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(origin, "_PACKAGE", tmp_path / "site-packages/histosurv")
    origin._PACKAGE.mkdir(parents=True)
    (origin._PACKAGE / "__init__.py").touch()
    unknown = {"commit": "unknown", "changed": "unknown"}
    assert origin.commit() == unknown  # no repository
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    assert origin.commit() == unknown  # somebody else's
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "y"], check=True)
    assert origin.commit()["changed"] is False
    (origin._PACKAGE / "__init__.py").write_text("1")
    assert origin.commit()["changed"] is True
    monkeypatch.setenv("PATH", "")
    assert origin.commit() == unknown  # no git


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["/usr/bin/histosurv", "report", "a/b"], "histosurv report a/b"),
        (['x={"p":"/data/p.csv","q":"/q/r"}'], """'x={"p":"p.csv","q":"r"}'"""),
        (["--bind=/data:/mnt/x"], "--bind=data:x"),
        (["--secret-key=abc", "--api-key", "abc"], "'--secret-key=***' --api-key '***'"),
        (["https://user:pw@host/a", "file:///home/x"], "'https://***@host/a' x"),
        (["--keep-going", "4"], "--keep-going 4"),
    ],
)
def test_commands_are_told_without_folders(words, told):
    assert without_folders(words) == told


def test_a_command_with_an_open_quote_is_still_told(run, monkeypatch):
    monkeypatch.setenv(COMMAND, "snakemake '/home/x")
    assert provenance(run)["command"].startswith("snakemake ")
    assert "home" not in provenance(run)["command"]
