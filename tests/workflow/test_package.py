"""What is installed runs a study, without the repository it was built from."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.running import ROOT, output_of

from histosurv.errors import InputError
from histosurv.folder import lay_out, studies
from histosurv.report.origin import source_digest

BUILD = [sys.executable, "-m", "hatchling", "build", "--directory"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder with the wheel and the source distribution, and the wheel unpacked in `installed`."""
    folder = tmp_path_factory.mktemp("built")
    run = subprocess.run([*BUILD, folder], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, output_of(run)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")  # noqa: S202 - our own
    return folder


def run_in(folder, installed, *arguments):
    """A Python module, with the unpacked wheel before everything else that is installed."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PYTHONPATH": str(installed), "PATH": programs}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_folder_laid_out_by_the_installed_package_runs(built, few, tmp_path):
    installed, folder = built / "installed", tmp_path / "x"
    laid = run_in(tmp_path, installed, "histosurv", "init", "x", "--study", "bychkov2018")
    assert laid.returncode == 0, output_of(laid)
    shutil.copytree(few / "demo", folder / "demo")
    shutil.copy(installed / "histosurv/config.yaml", folder)
    formatted = run_in(folder, installed, "snakefmt", "--check", "Snakefile")
    assert formatted.returncode == 0, output_of(formatted)
    plan = run_in(folder, installed, "snakemake", "-n", "--quiet", "rules", "--cores", "2")
    assert plan.returncode == 0, output_of(plan)
    assert {"tiles", "features", "train", "evaluate", "report"} <= set(output_of(plan).split())
    # The same source tells the same digest, wherever it is installed.
    digest = "from histosurv.report.origin import source_digest; print(source_digest())"
    theirs = subprocess.run(
        [sys.executable, "-c", digest], env=os.environ | {"PYTHONPATH": str(installed)},
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert theirs.stdout.strip() == source_digest()
    # A step, too, is that of the wheel.
    step = run_in(folder, installed, "snakemake", "--cores", "1", "results/config.yaml")
    assert step.returncode == 0, output_of(step)
    assert (folder / "results/config.yaml").is_file()
    for profile in ("local", "slurm"):
        assert (folder / f"workflow/profiles/{profile}/profile.v9+.yaml").is_file()
    again = run_in(tmp_path, installed, "histosurv", "init", "x", "--study", "bychkov2018")
    assert again.returncode != 0
    assert "is there already; name another folder" in again.stderr


@pytest.mark.soak
def test_the_demo_of_the_installed_package_reaches_its_report(built, tmp_path):
    laid = run_in(tmp_path, built / "installed", "histosurv", "init", "x")
    assert laid.returncode == 0, output_of(laid)
    run = run_in(tmp_path / "x", built / "installed", "snakemake", "--cores", "2")
    assert run.returncode == 0, output_of(run)
    assert "Demo study" in (tmp_path / "x/results/report/study.html").read_text("utf-8")


def test_wheel_and_source_hold_what_a_run_needs(built):
    needed = {"Snakefile", "config.yaml", "workflow/rules/common.smk", "profiles/default"}
    needed |= {"workflow/schemas/config.schema.yaml", "configs/hancock.yaml", "py.typed"}
    package = built / "installed/histosurv"
    assert {name for name in needed if not (package / name).exists()} == set()
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    there = needed - {"py.typed", "profiles/default"} | {"src/histosurv/py.typed", "README.md"}
    assert there <= names
    assert "LICENSE" in names


@pytest.mark.parametrize("study", [name for name in studies() if name != "demo"])
def test_a_published_study_is_laid_out_without_data(study, tmp_path):
    lay_out(tmp_path / study, study)
    config = (tmp_path / study / "config.yaml").read_text()
    assert config == (ROOT / f"configs/{study}.yaml").read_text()
    assert not (tmp_path / study / "demo").exists()


def test_the_help_names_every_study():
    command = [sys.executable, "-m", "histosurv", "init", "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [name for name in studies() if name not in run.stdout] == []


def test_an_unknown_study_is_told(tmp_path):
    with pytest.raises(InputError, match="--study colon: there is none; take one of demo, bych"):
        lay_out(tmp_path / "x", "colon")
    assert not (tmp_path / "x").exists()


def test_a_clone_that_was_made_a_study_gives_no_demo(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text("cohorts: {development: {patients: own.csv}}\n")
    monkeypatch.setattr("histosurv.folder.SHIPPED", tmp_path)
    with pytest.raises(InputError, match=r"config\.yaml: does not name the demo's tables any more"):
        lay_out(tmp_path / "x")
    assert not (tmp_path / "x").exists()
