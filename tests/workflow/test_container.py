"""The road of `--sdm apptainer`, with a stand-in that runs the commands outside any image."""

import re
import tomllib

from tests.running import ROOT, output_of, run_snakemake

STAND_IN = """#!/bin/bash
echo "$@" >> calls.txt
if [ "$1" = --version ]; then echo apptainer version 1.4.1; exit; fi
while [ "$1" != bash ]; do shift; done
exec "$@"
"""
RECIPES = ("histosurv.def", "Containerfile")
TILES = "results/development/spots/0000.csv"


def test_steps_run_in_the_image_of_the_recipe(small, monkeypatch):
    for name in ("apptainer", "singularity"):
        (small / name).write_text(STAND_IN)
        (small / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{small}:/usr/bin:/bin")
    run = run_snakemake(small, TILES, "--sdm", "apptainer", "--apptainer-args=--nv")
    assert run.returncode == 0, output_of(run)
    assert (small / TILES).is_file()
    [call] = re.findall(r"^exec .*histosurv tiles", (small / "calls.txt").read_text(), re.MULTILINE)
    assert " --nv " in call
    assert " workflow/envs/histosurv.sif bash -c " in call


def test_both_recipes_install_the_same():
    recipes = [(ROOT / "workflow/envs" / name).read_text() for name in RECIPES]
    one, other = (
        {
            "base": re.findall(r"^From:? (\S+)$", text, re.MULTILINE | re.IGNORECASE),
            "packages": re.findall(r"--no-install-recommends ([\w-]+) ([\w-]+)", text),
            "project": re.findall(r"--constraint (\S+) \\\n +(\S+)", text),
        }
        for text in recipes
    )
    assert one == other
    assert all(one.values())


def test_both_recipes_copy_all_that_the_package_is_built_of():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    parts = {*wheel["force-include"], *(path.split("/")[0] for path in wheel["packages"])}
    parts |= {"pyproject.toml", project["project"]["readme"], "LICENSE", "constraints.txt"}
    assert len(parts) > 8
    containerfile, definition = (
        (ROOT / "workflow/envs" / name).read_text() for name in RECIPES[::-1]
    )
    copied = re.findall(r"^COPY (.+) /opt/histosurv/", containerfile, re.MULTILINE)
    assert set(" ".join(copied).split()) == parts
    files = definition.partition("%files\n")[2].partition("\n\n")[0].splitlines()
    assert {word for line in files for word in line.split()[:-1]} == parts
