"""Names that a user gives pass as single words, or are refused in one line before anything runs."""

import csv
import os
import re
import shlex

import pandas as pd
import pytest
from tests.running import ROOT, dry_run, output_of, run_snakemake
from tests.workflow.odd_names import ODD, as_file, canaries, read

from histosurv.cohort.slides import read_slides
from histosurv.config import complete, config_schema
from histosurv.errors import InputError

OUR_OWN = {f"params.{name}" for name in ("batches", "own_batches", "images", "cut")}  # our making
ODD_FILE = "-f 'x';$(touch PWNED)\n`touch PWNED`{batch}<results> \\é%s"


def slide_of(folder):
    """A slide and its map with odd names; config, target, and the command that is to come."""
    slide, cores = "results/development/spots/cores/A (1) é", [(1, 1), (1, 2), (2, 1), (2, 2)]
    rows = [{"row": row, "column": column, "patient_id": "empty"} for row, column in cores]
    pd.DataFrame(rows).to_csv(folder / f"{ODD_FILE}.csv", index=False)
    (folder / f"{ODD_FILE}.svs").touch()
    named = {"slide_id": "A (1) é", "image": f"{ODD_FILE}.svs", "map": f"{ODD_FILE}.csv"}
    shape = {"rows": 2, "columns": 2, "core_diameter_um": 600.0}
    pd.DataFrame([named | shape]).to_csv(folder / "slides.csv", index=False)
    options = [f"--{name.replace('_', '-')}={shape[name]}" for name in shape]
    tables = {"patients": "demo/patients.csv", "spots": "demo/spots.csv", "slides": "slides.csv"}
    words = ["dearray", *options, f"--map={ODD_FILE}.csv", "--out", f"{slide}.csv"]
    return {"cohorts": {"development": tables}}, f"{slide}.csv", [*words, "--", f"{ODD_FILE}.svs"]


def imports_of(folder):
    """The same for features from elsewhere."""
    (folder / ODD_FILE).mkdir()
    for spot in read(folder / "demo/spots.csv")["spot_id"]:
        (folder / ODD_FILE / f"{spot}.npz").touch()
    index = "results/development/features/batches/0000.csv"
    tables = ["--patients=demo/patients.csv", "--spots=demo/spots.csv", "--unmatched", "error"]
    batch = ["--batch", "0000", "--spots-per-job", "64"]
    words = ["features", "import", *tables, *batch, "--store", "results/development/features"]
    return {"features": {"import": ODD_FILE}}, index, [*words, "--index", index, "--", ODD_FILE]


@pytest.mark.parametrize("lay_out", [slide_of, imports_of])
def test_odd_names_of_slides_and_imports_stay_single_words(small, lay_out):
    config, target, words = lay_out(small)
    run = dry_run(small, "-p", target, config=config)
    assert run.returncode == 0, output_of(run)
    command = output_of(run).split("Shell command: histosurv ")[1].partition(" 2> ")[0]
    assert shlex.split(command) == words


def test_only_numbers_and_words_of_the_schema_stand_unquoted_in_commands():
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    commands = "".join(re.findall(r'^ +shell:\n((?: +".*\n?)+)', rules, re.MULTILINE))
    assert commands.count("histosurv ") == rules.count("shell:") > 15
    bare = set(re.findall(r"\{(?!wildcards\.|threads\})([\w.]+)\}", commands))
    asked = dict(re.findall(r'(\w+)=lookup\("([\w/]+)", within=config\)', rules))
    assert len(bare) > 15
    for name in bare - OUR_OWN:
        rule = config_schema()
        for key in asked[name.removeprefix("params.")].split("/"):
            rule = rule["properties"][key]
        assert "enum" in rule or rule["type"] in ("integer", "number"), name


NO_NAMES = ["../x", "a/b", "$(x)", "a\nb", "a'", ".x", "-x", "{x}", "a%j", "a\u202eb", "é" * 101]


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_cannot_name_a_file_is_no_name_of_a_slide(tmp_path, name):
    row = {"slide_id": name, "image": "x", "map": "x", "rows": 1, "columns": 1}
    pd.DataFrame([row | {"core_diameter_um": 600}]).to_csv(tmp_path / "slides.csv", index=False)
    with pytest.raises(InputError, match=r"row 2, column slide_id: .* cannot name a file; use"):
        read_slides(tmp_path / "slides.csv")


@pytest.mark.parametrize("encoder", ["vgg16\n", "torchvision/$(x) y", "hub/a/b\n"])
def test_an_encoder_is_one_word(encoder):
    with pytest.raises(InputError, match=r"encoder: .* does not fit"):
        complete({"cohorts": {"development": {"patients": "x"}}, "features": {"encoder": encoder}})


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("spot_id", "a\rb", r"demo\n'/spots.csv, row 2: 'a\rb' holds a carriage return"),
        ("image", "x" * 300, f"{'x' * 300} is not there"),
    ],
)
def test_what_no_table_can_hold_is_told_in_one_line(small, column, value, told):
    odd = small / "demo\n'"
    (small / "demo").rename(odd)
    spots = read(odd / "spots.csv")
    spots.loc[0, column] = value
    spots.to_csv(odd / "spots.csv", index=False, quoting=csv.QUOTE_ALL)
    tables = {"patients": "demo\n'/patients.csv", "spots": "demo\n'/spots.csv"}
    run = dry_run(small, config={"cohorts": {"development": tables}})
    assert run.returncode != 0
    [line] = [line for line in output_of(run).splitlines() if line.startswith("histosurv: ")]
    assert told in line
    assert "Traceback" not in output_of(run)


def test_on_a_cluster_no_name_reaches_the_shells_on_the_way(small, monkeypatch):
    pytest.importorskip("snakemake_executor_plugin_slurm")
    programs = small / "bin"
    programs.mkdir()
    for name in ("sbatch", "sacctmgr", "sshare", "sinfo", "scontrol", "squeue", "sacct"):
        says = 'echo "$@" >> told; exit 1' if name == "sbatch" else "echo x"
        (programs / name).write_text(f"#!/bin/sh\n{says}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    spots = read(small / "demo/spots.csv")
    odd = [f"images/{number}{as_file(name)}" for number, name in enumerate(ODD[: len(spots)])]
    for old, new in zip(spots["image"], odd, strict=False):
        (small / "demo" / old).rename(small / "demo" / new)
    spots.assign(image=odd).to_csv(small / "demo/spots.csv", index=False)
    at_once = ("--slurm-init-seconds-before-status-checks", "1")
    cluster = ("--executor", "slurm", "--jobs", "1", *at_once)
    account = ("--default-resources", "slurm_account=x", "slurm_partition=x")
    run = run_snakemake(small, "results/development/spots/0000.csv", *cluster, *account)
    assert "--wrap=" in (small / "told").read_text(), output_of(run)
    run = run_snakemake(small, *cluster, "--config", "title=$(touch PWNED)")
    assert "histosurv: 'title=$(touch PWNED)': shells on the way to a cluster" in output_of(run)
    assert not canaries(small)
