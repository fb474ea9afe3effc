"""Settings and tables are told as the program has them, on every page."""

import importlib.util
import json
import re
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
import yaml
from tests.docs.pages import DOCS, PAGES, blocks, name_of, spans
from tests.running import QUICK, ROOT, simulate_imported, write_spot
from typer.testing import CliRunner

from histosurv.cli import app
from histosurv.cohort.tables import CELL
from histosurv.config import complete, config_schema
from histosurv.spots.tile_table import SPOT_COLUMNS, TILE_COLUMNS

COHORTS = {"cohorts": {"development": {"patients": "patients.csv"}}}
# Keys of Snakemake's profiles that pages speak of, too.
OF_PROFILES = {"executor", "gpu", "jobs", "set-resources", "default-resources"}


def reference():
    spec = importlib.util.spec_from_file_location("_reference", DOCS / "_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_what_would_be_written():
    written = reference().pages()
    assert set(written) == {"config.md", "tables.md", "results.md"}
    for name, text in written.items():
        told = f"{name} is out of date: python docs/_reference.py"
        assert (DOCS / name).read_text(encoding="utf-8") == text, told


def test_every_key_and_column_has_its_row():
    written = reference().pages()

    def keys(schema):
        for key, rule in schema["properties"].items():
            yield from keys(rule) if "properties" in rule else [key]

    for key in keys(config_schema()):
        assert f"| `{key}` |" in written["config.md"], key
    for path in (ROOT / "workflow/schemas").glob("*.yaml"):
        schema = yaml.safe_load(path.read_text(encoding="utf-8"))
        if path.name != "config.schema.yaml":
            for column in schema["properties"]:
                assert re.search(rf"^\| \**`{column}`\** \|", written["tables.md"], re.MULTILINE)


def rules_at(schema, path):
    """Rules of the keys that a path names from its beginning, at whatever depth that lies."""
    for key, rule in schema.get("properties", {}).items():
        if key == path[0]:
            yield from [rule] if len(path) == 1 else rules_at_once(rule, path[1:])
        yield from rules_at(rule, path)


def rules_at_once(schema, path):
    """The same, beginning here."""
    rule = schema.get("properties", {}).get(path[0])
    if rule is not None:
        yield from [rule] if len(path) == 1 else rules_at_once(rule, path[1:])


def refusal(span):
    """Why a span such as `models: lstm: units` or `cell: gru` is no setting; empty if it is one."""
    path = span.split(": ")
    if list(rules_at(config_schema(), path)):
        return ""
    *path, value = path
    rules = list(rules_at(config_schema(), path))
    if not rules:
        return f"{span}: there is no such key"
    if value.isupper() or ".csv" in value:
        return ""  # stands for what the reader fills in
    return "" if any(allows(rule, yaml.safe_load(value)) for rule in rules) else f"{span}: no value"


def allows(rule, value):
    """Whether a rule of the schema lets a value stand."""
    return jsonschema.Draft202012Validator(rule).is_valid(value)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_that_a_page_names_exist(page):
    for span in spans(page):
        if re.fullmatch(r"[a-z_]+(: [^:]+)+:?", span) and span.split(":")[0] not in OF_PROFILES:
            assert not refusal(span.rstrip(":")), refusal(span.rstrip(":"))


@pytest.mark.parametrize(
    "span",
    [
        "models: lstm: unitz",
        "modles: lstm",
        "readout: first",
        "spots: background: gone",
        "cel: gru",
    ],
)
def test_settings_that_are_none_are_found(span):
    assert refusal(span)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_configs_that_a_page_shows_are_complete_ones(page):
    shown = [text for text in blocks(page, "yaml") if text.startswith("# config.yaml\n")]
    for text in shown:
        complete(COHORTS | yaml.safe_load(text))
    assert shown or page.name not in ("own-data.md", "external.md", "slides.md", "encoders.md")


def run(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, f"{words}: {done.output} {done.exception!r}"


def prepare(folder, first):
    """A small cohort with imported features, in the places of a run."""
    folder.mkdir()
    simulate_imported(folder, 48, seed=first)
    for number, spot in enumerate(pd.read_csv(folder / "spots.csv")["spot_id"]):
        write_spot(folder, spot, seed=first + number)
    (folder / "features").rename(folder / "own")
    store = ["--store", folder / "features", "--index", folder / "features/batches/0000.csv"]
    tables = ["--patients", folder / "patients.csv", "--spots", folder / "spots.csv"]
    run("features", "import", folder / "own", *tables, "--batch", 0, *store)
    closed = ["--features", folder / "features", "--out", folder / "cohort"]
    run("cohort", *tables, "--without-images", *closed)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Tables of a small run, step by step."""
    folder = tmp_path_factory.mktemp("run")
    own, other = folder / "development", folder / "elsewhere"
    prepare(own, 1)
    prepare(other, 1000)
    drift = own / "features/drift.csv"
    run(
        "features",
        "drift",
        "--from",
        own,
        "--from-batches",
        1,
        "--cohort",
        other,
        "--batches",
        1,
        "--out",
        drift,
    )
    run("folds", own / "cohort/patients.csv", "--repeats", 1, "--folds", 2,
        "--out", own / "cohort/folds.csv")  # fmt: skip
    models = complete(QUICK | COHORTS)["models"]
    settings = {
        "network": models["lstm"] | {"readout": "attention"},
        "training": models["training"],
    }
    settings |= {"tuning": models["tuning"] | {"settings": 1}}
    job = folder / "models/lstm/1_1"
    inputs = ["--cohort", own / "cohort", "--features", own / "features", "--batches", 1]
    inputs += ["--repeat", 1, "--fold", 1, "--out", job]
    run("train", "lstm", *inputs, "--settings", json.dumps(settings))
    run("attribute", job, *inputs, "--orders", 2)
    evaluated = ["--settings", json.dumps({"resamples": 100, "primary": "lstm"})]
    run("evaluate", "--patients", own / "cohort/patients.csv", "--scores", job / "scores.csv",
        *evaluated, "--reader", "reader_1", "--out", own / "evaluation")  # fmt: skip
    return own, job


def columns_of(written, room, file):
    """Columns that the program writes into a documented table; those added to a brought one."""
    from histosurv.features.throughput import COLUMNS as THROUGHPUT

    by_constant = {
        "Spots 0000.csv": TILE_COLUMNS,
        "Spots quality/0000.csv": SPOT_COLUMNS,
        "Features throughput/0000.csv": THROUGHPUT,
    }
    own, job = written
    if f"{room} {file}" in by_constant:
        return by_constant[f"{room} {file}"]
    path = (job if room == "Models" else own / room.lower()) / file
    found = list(pd.read_csv(path, nrows=1))
    if room == "Cohort" and file in ("patients.csv", "spots.csv"):
        found = [name for name in found if name not in pd.read_csv(own / file, nrows=1)]
    return [*found, *CELL] if (room, file) == ("Cohort", "spots.csv") else found


def test_columns_of_the_tables_of_a_run_are_those_that_are_written(written):
    told = yaml.safe_load(Path(DOCS / "_results.yaml").read_text(encoding="utf-8"))
    n_tables = 0
    for room in told["rooms"]:
        for table in room["tables"]:
            n_tables += 1
            found = columns_of(written, room["title"], table["file"])
            assert sorted(table["columns"]) == sorted(found), (room["title"], table["file"])
    assert n_tables > 20
    curves = {path.name for path in (written[0] / "evaluation").iterdir()}
    named = {table["file"] for room in told["rooms"] for table in room["tables"]}
    assert curves - named == {"kaplan_meier_overall.csv"}
