"""The configs of published studies are whole, valid and say what was run."""

import pytest
import yaml
from tests.running import ROOT

from histosurv.cohort.adapters import ADAPTERS
from histosurv.config import complete, config_schema

PUBLISHED = [path for path in sorted((ROOT / "configs").glob("*.yaml")) if path.stem != "own"]


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda of: of.stem)
def test_every_study_names_known_keys_and_says_what_was_run(path):
    text = path.read_text("utf-8")
    config = yaml.safe_load(text)
    filled = complete(config)
    assert filled["resampling"]["repeats"] == 10
    head = text.split("\n\n")[0]
    assert f"histosurv init study --study {path.stem}" in head
    assert "Run here:" in head
    assert (f"histosurv adapt {path.stem} " in head) == (path.stem in ADAPTERS)


def test_the_config_of_ones_own_names_what_a_study_needs_as_by_default():
    own = yaml.safe_load((ROOT / "configs/own.yaml").read_text("utf-8"))
    bare = complete({"title": own["title"], "cohorts": own["cohorts"]})
    assert complete(own) == bare


def test_of_one_reader_the_comparison_declared_is_with_that_one():
    tables = {"patients": "p.csv", "spots": "s.csv"}
    config = {"cohorts": {"development": tables}, "cohort": {"readers": ["anna"]}}
    assert complete(config)["evaluation"]["against"] == "anna"
    config["cohort"]["readers"] += ["bob"]
    assert complete(config)["evaluation"]["against"] == "vote_count"


def test_what_the_paper_does_not_confirm_is_marked_in_the_recipe_of_the_study():
    text = (ROOT / "configs/bychkov2018.yaml").read_text("utf-8")
    lines = {line.split(":")[0].strip(): line for line in text.splitlines() if ": " in line}

    def check(rules, values):
        for key, value in values.items():
            if isinstance(value, dict):
                check(rules[key]["properties"], value)
            elif "study" in rules[key]:
                is_open = "not confirmed" in rules[key]["study"]
                assert is_open == ("not confirmed by the paper" in lines[key]), key

    config = yaml.safe_load(text)
    check(config_schema()["properties"], {key: config[key] for key in config if key != "cohorts"})
