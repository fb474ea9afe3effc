"""The study itself: its config, its tables, its pictures."""

import re
from pathlib import Path

import pytest
from tests.doctor.examining import examined, told

from histosurv.doctor import study
from histosurv.doctor.findings import Case


def test_configs_are_laid_over_one_another_as_snakemake_does(simulated):
    case, output = examined(
        simulated, models={"training": {"momentum": 0.5}}, controls=["permuted"]
    )
    assert "ok    config.yaml, then " in output
    training = case.settings["models"]["training"]
    assert (training["momentum"], training["batch_patients"]) == (0.5, 32)
    assert case.settings["controls"] == ["permuted"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "STOP  no.yaml: is no YAML"),
        ("- 1", "STOP  no.yaml: is no config: it has no keys"),
        ("modles: {}", "unknown key 'modles'\n      did you mean 'models'?"),
        ("cohorts: {development: {patients: no.csv}}", "no.csv: the patient table is not there"),
        ("resampling: {folds: 25}", "24 patients cannot fill 25 folds\n      lower resampling"),
    ],
)
def test_a_config_that_would_stop_a_run(simulated, text, expected):
    Path("no.yaml").write_text(text, "utf-8")
    case = Case([Path("no.yaml")])
    output = told(study.config, case) + told(study.tables, case)
    assert "STOP" in output
    assert expected in output


def test_ones_own_patients_with_the_settings_of_the_demo(simulated):
    (simulated / "demo/truth.csv").unlink()
    _, output = examined(simulated)
    assert "note  settings of the demo are left (weights: random, repeats: 1, settings: 1" in output
    assert "features: weights: imagenet" in output
    assert re.search(r"note  tables: deaths of the cancer: only \d+; intervals", output)
    assert re.search(r"in the development cohort about \d+: \d+ min of VGG-16 on two", output)


def test_a_misspelt_covariate_is_told_and_one_that_is_not_there_by_default_is_not(simulated):
    table = simulated / "demo/patients.csv"
    header, _, rows = table.read_text().partition("\n")
    header = header.replace("grade", "differentiation").replace("age", "years", 1)
    table.write_text(f"{header.replace('sex', 'Sex')}\n{rows}")
    _, output = examined(
        simulated,
        evaluation={"covariates": ["stge", "grade", "age", "image"], "subgroups": ["sex"]},
        models={"clinical": ["stage"]},
    )
    for key, name, mend in (
        ("covariates", "stge", "did you mean 'stage'?"),
        ("covariates", "image", "correct the name, or take it out"),
        ("subgroups", "sex", "did you mean 'Sex'?"),
    ):
        what = f"evaluation: {key}: the patient table has no column {name}; it is left out"
        assert f"{what}\n      {mend}" in output
    assert "no column grade" not in output
    assert "no column age" not in output


def test_pictures_that_do_not_open_or_suit(simulated):
    images = sorted((simulated / "demo/images").iterdir())
    images[0].write_bytes(b"no picture")
    _, output = examined(simulated)
    assert "note  spot 'P0001_1' cannot be used" in output
    assert "images: 2 of" in output
    table = simulated / "demo/spots.csv"
    lines = table.read_text("utf-8").splitlines()
    assert lines[0].endswith(",mpp")
    lines[-1] = f"{lines[-1].rpartition(',')[0]},0.25"
    table.write_text("\n".join(lines), "utf-8")
    assert "scales differ, from 0.25 to 3.4375 um/px" in examined(simulated)[1]
