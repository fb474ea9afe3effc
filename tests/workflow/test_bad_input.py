"""A user's mistake ends in one clear line, before anything is computed."""

import pytest
import yaml
from snakemake.utils import update_config
from tests.running import ROOT, dry_run, output_of, run_quickly

from histosurv.config import complete, refuse_missing_files
from histosurv.errors import InputError
from histosurv.plan import Plan


def read(changes):
    """What the Snakefile does with a config and the tables, in the same order."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    update_config(config, changes)
    config = complete(config)
    refuse_missing_files(config)
    Plan(config).controls("development")


@pytest.fixture
def refused(small, monkeypatch):
    """The message that it ends with in a folder with a few patients."""
    monkeypatch.chdir(small)

    def told(changes=None):
        with pytest.raises(InputError) as caught:
            read(changes or {})
        return str(caught.value)

    return told


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def first_row(path):
    return path.read_text(encoding="utf-8").splitlines()[1]


def set_cell(path, column, value, row=1):
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    lines[row][lines[0].index(column)] = value
    path.write_text("\n".join(map(",".join, lines)) + "\n", encoding="utf-8")


def append(path, line):
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")


def all_dead(path):
    for row in range(1, 13):
        set_cell(path, "event", "1", row)


DEMO = {"patients": "demo/patients.csv", "spots": "demo/spots.csv"}
BLOCKS = {"resampling": {"scheme": "blocks"}}
MISTAKES = {
    "missing table": (
        lambda demo: (demo / "patients.csv").unlink(),
        "demo/patients.csv: the patient table is not there",
    ),
    "missing column": (
        lambda demo: edit(demo / "patients.csv", "time_months", "months"),
        "demo/patients.csv, row 1: column time_months is missing",
    ),
    "duplicate patient": (
        lambda demo: append(demo / "patients.csv", first_row(demo / "patients.csv")),
        "demo/patients.csv, row 14, column patient_id: 'P0001' stands in row 2 already",
    ),
    "spot of an unknown patient": (
        lambda demo: set_cell(demo / "spots.csv", "patient_id", "P9999"),
        "demo/spots.csv, row 2, column patient_id: spot 'P0001_1' belongs to 'P9999', who is not",
    ),
    "patient without spots": (
        lambda demo: append(demo / "patients.csv", "P7777,12,1,50,male,A,1,low,low,low"),
        "demo/patients.csv, row 14: patient 'P7777' has no spot",
    ),
    "negative time": (
        lambda demo: set_cell(demo / "patients.csv", "time_months", "-3"),
        "demo/patients.csv, row 2, column time_months: '-3' is below 0",
    ),
    "time in words": (
        lambda demo: set_cell(demo / "patients.csv", "time_months", "two years"),
        "demo/patients.csv, row 2, column time_months: 'two years' is not a number",
    ),
    "unknown event code": (
        lambda demo: set_cell(demo / "patients.csv", "event", "7"),
        "demo/patients.csv, row 2, column event: '7' is not 0 or 1 or 2",
    ),
    "all events equal": (
        lambda demo: all_dead(demo / "patients.csv"),
        "demo/patients.csv, column event: every patient has event 1",
    ),
    "unknown call of a reader": (
        lambda demo: set_cell(demo / "patients.csv", "reader_2", "medium"),
        "demo/patients.csv, row 2, column reader_2: 'medium' is not low, high or empty",
    ),
    "missing image": (
        lambda demo: (demo / "images" / "P0001_1.jpg").unlink(),
        "demo/spots.csv, row 2, column image: demo/images/P0001_1.jpg is not there",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_tables_is_told_with_its_place_and_mend(small, refused, mistake):
    make, message = MISTAKES[mistake]
    make(small / "demo")
    told = refused()
    assert told.startswith(message)
    assert "; " in told.removeprefix(message)  # what to do
    assert "\n" not in told


@pytest.mark.parametrize(
    ("make", "message", "config"),
    [
        (*MISTAKES["negative time"], {}),
        (lambda demo: None, "config: top level: unknown key 'modles'", {"modles": {}}),
        (lambda demo: None, "controls: block: needs", {"controls": ["block"]} | BLOCKS),
    ],
    ids=["table", "config", "contradiction"],
)
def test_a_mistake_stops_the_run_before_it_starts(small, make, message, config):
    make(small / "demo")
    run = run_quickly(small, "-n", config=config)
    assert run.returncode != 0
    [line] = [line for line in output_of(run).splitlines() if message in line]
    assert line.startswith("histosurv: ")
    assert "Traceback" not in output_of(run)
    assert not (small / "results").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"modles": {}}, "config: top level: unknown key 'modles'; did you mean 'models'?"),
        (
            {"models": {"training": {"learning_rat": 1}}},
            "config: models: training: unknown key 'learning_rat'; did you mean 'learning_rate'?",
        ),
        (
            {"resampling": {"folds": 1}},
            "config: resampling: folds: 1 is below 2 (parts of the rotation",
        ),
        (
            {"models": {"baselines": ["forest"]}},
            "config: models: baselines: item 1: 'forest' is not one of",
        ),
        (
            {"features": {"weights": "no.pth"}},
            "config: features: weights: 'no.pth' is no file, nor one of imagenet, random",
        ),
        (
            {"features": {"encoder": "uni", "weights": "imagenet"}},
            "config: features: weights: 'imagenet' is no file or folder, nor one of hub, which uni",
        ),
        ({"features": {"weights": "demo"}}, "'demo' is no file, nor one of imagenet, random"),
        ({"features": {"encoder": "vgg"}}, "config: features: encoder: 'vgg' does not fit"),
        ({"features": {"import": "no"}}, "config: features: import: no is no folder"),
        ({"cohorts": {"Ulm": {}}}, "config: cohorts: 'Ulm' does not fit"),
        ({"cohorts": {"ulm\n": {}}}, "config: cohorts: 'ulm\\n' does not fit"),
        ({"cohorts": {2018: {}}}, "config: cohorts: 2018 is not text"),
        ({"cohorts": {"models": {}}}, "config: cohorts: 'models' does not fit"),
        ({"cohorts": {"ulm": {}}}, "config: cohorts: ulm: key 'patients' is missing; add it"),
        (
            {"cohorts": {"ulm": DEMO | {"features": "x"}}},
            "config: cohorts: ulm: features: features are computed from the images here; take it",
        ),
        ({"cohorts": {"ulm": DEMO}}, "is the same picture as one of 'cohort development'"),
        ({"cohort": {"strata": ["stagee"]}}, "demo/patients.csv, row 1: column stagee is missing"),
    ],
)
def test_a_mistake_in_the_config_is_named(refused, config, message):
    assert message in refused(config)


def test_a_heading_with_nothing_under_it_takes_the_defaults(small):
    run = dry_run(small, config={"models": None})
    assert run.returncode == 0, output_of(run)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"resampling": {"scheme": "single", "repeats": 2}}, "repeats: a single split is drawn"),
        ({"models": {"clinical": ["event"]}}, "models: clinical: event is what is to be foretold"),
        (
            {"evaluation": {"subgroups": ["patient_id"]}},
            "evaluation: subgroups: patient_id is what",
        ),
        ({"cohort": {"strata": ["time_months"]}}, "cohort: strata: time_months is what is to be"),
        ({"evaluation": {"primary": "nope"}}, "evaluation: primary: 'nope' is none of the study's"),
        ({"evaluation": {"against": "lstm"}}, "against: 'lstm' is the score that the study is ab"),
        ({"models": {"clinical": ["nodes"]}}, "column nodes is missing (named under models: cli"),
        ({"controls": ["background"], "spots": {"background": "drop"}}, "controls: background:"),
        ({"controls": ["block"]} | BLOCKS, "controls: block: needs"),
    ],
)
def test_settings_that_contradict_are_told(refused, config, told):
    assert told in refused(config)


def test_a_column_with_braces_is_only_a_name(small):
    path = small / "demo/patients.csv"
    edit(path, "age", '"odd {name}"')
    run = dry_run(small, config={"models": {"clinical": ["odd {name}"]}})
    assert run.returncode == 0, output_of(run)


def test_a_title_may_hold_braces_and_quotes(small):
    title = "{a} \"study\" of 'spots' & $HOME"
    run = run_quickly(small, "results/config.yaml", config={"title": title})
    assert run.returncode == 0, output_of(run)
    assert yaml.safe_load((small / "results/config.yaml").read_text())["title"] == title


def test_the_line_is_told_where_a_config_is_no_yaml(small):
    (small / "config.yaml").write_text("title: x\ncohort:\n  readers: [reader_1\nmodels: {}\n")
    run = dry_run(small)
    assert run.returncode != 0
    [line] = [line for line in output_of(run).splitlines() if line.startswith("histosurv: ")]
    assert "config.yaml: is no YAML (" in line
    assert "line 4" in line
