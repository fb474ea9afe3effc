"""What is given to a command by hand is checked, too."""

import json
import re

import pytest
from tests.running import run_histosurv

from histosurv.cli import main
from histosurv.cli.options import spot_settings_of
from histosurv.config import SHIPPED, complete, for_readers
from histosurv.errors import InputError
from histosurv.files import read_yaml
from histosurv.spots.preparation import SpotSettings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{'grid': 4}", "double quotes.*; give that part of the config as JSON"),
        ("[4]", "spots: .* is not a section"),
        ('{"gird": 4}', "spots: unknown key 'gird'; did you mean 'grid'"),
        ('{"tile_px": "abc"}', "spots: tile_px: 'abc' is not"),
        ('{"tile_px": -224}', "spots: tile_px: -224 is below"),
        ('{"mpp": "0.5"}', "spots: mpp: '0.5' is not"),
    ],
)
def test_settings_of_spots_that_do_not_fit_are_told_in_one_line(text, told):
    with pytest.raises(InputError, match=f"^--settings: .*{told}"):
        spot_settings_of(text)


@pytest.mark.parametrize(
    ("network", "changed", "told"),
    [
        ("lstm", {"units": []}, "lstm: units: .*is empty"),
        ("attention_mil", {}, "attention_mil: unknown key 'cell'; known keys: width"),
    ],
)
def test_settings_of_networks_that_do_not_fit_are_told_in_one_line(
    network, changed, told, tmp_path
):
    models = complete(read_yaml(SHIPPED / "config.yaml"))["models"]
    settings = {"network": models["lstm"] | changed} | {
        key: models[key] for key in ("training", "tuning")
    }
    folders = ("--cohort", ".", "--features", ".", "--batches", "1", "--out", "out")
    job = ("--repeat", "1", "--fold", "1", "--settings", json.dumps(settings))
    line = told_by("train", network, *folders, *job, folder=tmp_path)
    assert re.match(f"histosurv: --settings: models: {told}", line), line


def test_settings_of_networks_need_not_be_whole(tmp_path):
    options = ("--cohort", ".", "--features", ".", "--batches", "1", "--out", "out")
    options += ("--repeat", "1", "--fold", "1", "--settings", '{"training": {"loss": "cox"}}')
    line = told_by("train", "lstm", *options, folder=tmp_path)
    assert line.startswith("histosurv: patients.csv: the patient table is not there")


def test_settings_fill_what_they_do_not_name():
    settings = spot_settings_of('{"grid": 4, "stain": "macenko"}')
    assert (settings.geometry.grid, settings.stain) == (4, "macenko")
    assert settings.geometry.tile_px == SpotSettings().geometry.tile_px


def test_votes_and_majority_of_one_reader_are_that_reader():
    asked = {"primary": "visual_risk", "against": "vote_count", "resamples": 5}
    assert for_readers(asked, ["r"]) == {"primary": "r", "against": "r", "resamples": 5}
    for readers in ([], ["r", "s"]):
        assert for_readers(asked, readers) == asked
    cohorts = {"development": {"patients": "p.csv"}}
    filled = complete({"cohorts": cohorts, "cohort": {"readers": ["r"]}})
    assert filled["evaluation"]["against"] == "r"


@pytest.mark.parametrize(
    "told", ["CUDA error: out of memory", "CUDA out of memory. Tried to allocate 2.00 GiB"]
)
def test_a_card_that_others_have_filled_is_told_in_one_line(monkeypatch, told):
    def fills():
        raise RuntimeError(told)

    monkeypatch.setattr("histosurv.cli.app", fills)
    with pytest.raises(SystemExit, match=r"^histosurv: the GPU has not enough free memory"):
        main()
    told = "CUDA error: an illegal memory access was encountered"
    with pytest.raises(RuntimeError, match="illegal"):
        main()


TABLE = "patient_id,time_months,event,reader_1\n" + "".join(
    f"P{i},{20 + 5 * i},{i % 2},{'low' if i % 3 else 'high'}\n" for i in range(12)
)


def told_by(*words, folder):
    """What a command that must fail says, in one line."""
    run = run_histosurv(*words, folder=folder)
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    return run.stderr.splitlines()[-1]


def test_nothing_that_is_read_is_overwritten(tmp_path):
    (tmp_path / "patients.csv").write_text(TABLE)
    (tmp_path / "spots.csv").write_text("spot_id,patient_id,image\nS1,P1,a.png\n")
    table, spots = ("--patients", "patients.csv"), ("--spots", "spots.csv")
    words = [
        ("folds", "patients.csv", "--out", "../" + tmp_path.name + "/patients.csv"),
        ("cohort", *table, *spots, "--without-images", "--unmatched", "exclude", "--out", "."),
        ("tiles", *table, *spots, "--batch", "0", "--out", "t.csv", "--quality", "t.csv"),
        ("demo", "."),
    ]
    for command in words:
        line = told_by(*command, folder=tmp_path)
        assert line.startswith("histosurv: ")
        assert "name another f" in line
    (tmp_path / "out").mkdir()
    line = told_by(
        *("weights", "random", "--encoder", "torchvision/mobilenet_v3_small", "--out", "out"),
        folder=tmp_path,
    )
    assert line == "histosurv: out: Is a directory"
    (tmp_path / "out").rmdir()
    assert (tmp_path / "patients.csv").read_text() == TABLE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["patients.csv", "spots.csv"]


def test_folds_batches_and_results_that_are_not_there_are_told(tmp_path):
    (tmp_path / "patients.csv").write_text(TABLE)
    spots = "spot_id,patient_id\n" + "".join(f"S{i},P{i}\n" for i in range(12))
    (tmp_path / "spots.csv").write_text(spots)
    line = told_by("report", tmp_path, folder=tmp_path)
    assert "no results of a run (the folder development is missing)" in line
    tables = ("--patients", "patients.csv", "--spots", "spots.csv", "--batch", "3")
    words = ("features", "import", *tables, "--spots-per-job", "4", "--store", "s", "--index", "i")
    assert "12 spots, 4 a batch, make batches 0 to 2" in told_by(*words, ".", folder=tmp_path)
