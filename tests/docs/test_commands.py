"""Commands that the pages and the README tell people to type exist, and the quick ones work."""

import re
import shlex
import tomllib
from itertools import pairwise

import pandas as pd
import pytest
from snakemake.cli import get_argument_parser
from tests.docs.pages import DOCS, PAGES, commands, name_of, spans
from tests.running import ROOT, simulate_imported
from typer.main import get_command
from typer.testing import CliRunner

from histosurv import folder
from histosurv.cli import app
from histosurv.publish import write_table

COMMAND = get_command(app)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
RULES = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").iterdir())
# Of other programs: what they are told is looked at by nobody.
OTHERS = {".", "apptainer", "cd", "mkdocs", "pytest", "ruff"}

# Run below, in the order of their page.
HERE = {
    "architecture.md": ["features import", "cohort", "folds", "baseline"],
    "evaluation.md": ["evaluate", "evaluate"],
    "own-data.md": ["init", "init"],
}
# Run by other tests, which take long.
THERE = {
    "histosurv adapt": "cohort/test_adapters.py::"
    "test_the_command_offers_every_adapter_and_says_what_it_did",
    "histosurv bundle": "workflow/test_small_study.py::study",
    "histosurv dearray": "spots/test_cores.py::test_the_command_overwrites_none_of_its_inputs",
    "histosurv demo": "cohort/test_demo.py::test_a_table_of_ones_own_is_not_overwritten",
    "histosurv doctor": "doctor/test_installation.py::"
    "test_a_study_in_order_is_told_in_figures_and_left_as_it_is",
    "histosurv features": "workflow/test_study.py::"
    "test_the_feature_files_are_what_was_written_and_the_time_is_told",
    "histosurv predict": "workflow/test_small_study.py::predict",
    "histosurv report": "report/test_command.py::test_a_folder_alone_is_the_whole_run",
    "make demo": "workflow/conftest.py::study",
    "make report": "workflow/test_study.py::"
    "test_the_report_of_the_run_shows_every_figure_and_table_with_its_caption",
    "snakemake": "workflow/test_study.py::test_second_run_has_nothing_to_do",
}


def walk(words):
    """The command of histosurv that words name, and the words left for it."""
    command, context = COMMAND, None
    while hasattr(command, "commands") and words and words[0] in command.commands:
        context = command.make_context(words[0], ["--", *words[:1]], parent=context)
        command, words = command.commands[words[0]], words[1:]
    return command, words


def check_histosurv(words):
    """Parse as the command line would; nothing is called."""
    command, left = walk(words)
    if left != ["--help"]:
        assert not hasattr(command, "commands"), f"no such command: {left}"
        command.make_context(command.name, list(left))


def check_snakemake(words):
    parsed = get_argument_parser().parse_args(words)
    for target in parsed.targets:
        assert "/" in target or f"rule {target}:" in RULES, target


def check_make(words):
    targets = {word for word in words if "=" not in word}
    assert targets <= TARGETS, targets - TARGETS


def check_pip(words):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra in re.findall(r"\[(\w+)\]", " ".join(words)):
        assert extra in extras["optional-dependencies"]


def check_python(words):
    assert (ROOT / words[0]).is_file()


CHECKS = {
    "histosurv": check_histosurv,
    "snakemake": check_snakemake,
    "make": check_make,
    "pip": check_pip,
    "python": check_python,
}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_a_page_can_be_typed(page):
    for program, *words in commands(page):
        assert program in CHECKS or program in OTHERS, program
        if program in CHECKS:
            CHECKS[program](words)


@pytest.mark.parametrize(
    "line",
    [
        "histosurv dearay slide.svs",
        "histosurv dearray slide.svs --row 8",
        "histosurv predict",
        "histosurv features verfy results",
        "snakemake --dryrunn",
        "snakemake bundel",
        "make demmo",
        "pip install 'histosurv[slurmm]'",
        "python docs/_references.py",
    ],
)
def test_commands_that_are_none_are_found(line):
    program, *words = shlex.split(line)
    with pytest.raises((Exception, SystemExit)):
        CHECKS[program](words)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_options_within_the_text_exist(page):
    known = get_argument_parser()._option_string_actions
    for span in spans(page):
        program, *words = span.split()
        options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        if program == "histosurv" and words:
            command, left = walk(words)
            assert not hasattr(command, "commands") or left == ["--help"] or not left, span
            own = {name for param in command.params for name in param.opts}
            assert options <= own | {"--help"}, span
        elif program == "snakemake":
            assert options <= known.keys(), span
        elif program == "make":
            check_make(words)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_of_a_page_is_run_by_some_test(page):
    here = {f"histosurv {name.split()[0]}" for names in HERE.values() for name in names}
    for program, *words in commands(page):
        if program in ("histosurv", "make", "snakemake"):
            known = {program, f"{program} {words[0]}" if words else program}
            assert known & (here | THERE.keys()) or program == "make", f"{program} {words}"


@pytest.mark.parametrize("place", sorted(set(THERE.values())))
def test_the_tests_that_are_named_are_there(place):
    file, _, name = place.partition("::")
    assert f"def {name}" in (ROOT / "tests" / file).read_text(encoding="utf-8")


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """Patients, spots, features from elsewhere and a score; demos are small."""
    for name, value in (("N_PATIENTS", 4), ("SPOT_PX", 224)):
        monkeypatch.setattr(folder, name, value)
    simulate_imported(tmp_path, 48, seed=3)  # in one batch
    (tmp_path / "features").rename(tmp_path / "my_features")
    scores = pd.read_csv(tmp_path / "patients.csv", dtype=str)[["patient_id"]]
    numbers = {"repeat": 1, "fold": 1, "value": range(48), "threshold": 24, "risk_60m": 0.4}
    write_table(scores.assign(score="my_model", **numbers), tmp_path / "scores.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", HERE)
def test_the_quick_ones_work(tables, page):
    names = [name.split() for name in HERE[page]]
    ours = [words for program, *words in commands(DOCS / page) if program == "histosurv"]
    mine = [words for words in ours if any(words[: len(name)] == name for name in names)]
    assert len(mine) == len(names)
    for words in mine:
        run = CliRunner().invoke(app, words)
        assert run.exit_code == 0, f"{words}: {run.output} {run.exception!r}"
        given = dict(pairwise(words))
        assert (tables / given.get("--out", given.get("--index", words[1]))).exists()
