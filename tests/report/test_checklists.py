"""Reporting checklists: complete, true to the tables, and silent on what was not done."""

import re
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup, escape
from tests.report.finished_run import N, make

from histosurv.publish import write_table
from histosurv.report.run import Run
from histosurv.report.sections.checklists import AUTHORS, FILLERS, checklists, plan
from histosurv.report.spec import sections
from histosurv.report.wording import interval

HOSTILE = "<script>alert(1)</script>"
SUBITEMS = {
    3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc",
    23: "ab", 27: "abc",
}  # fmt: skip
TRIPOD = [f"{n}{sub}" for n in range(1, 28) for sub in SUBITEMS.get(n, [""])]
REMARK = [str(n) for n in range(1, 21)]


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Readers, grade, stage, and a covariate with a hostile name and gaps."""
    rng = np.random.default_rng(2)
    calls = {f"reader_{i}": rng.choice(["low", "high"], N) for i in (1, 2, 3)}
    columns = calls | {
        "age": rng.integers(40, 90, N),
        "sex": rng.choice(["female", "male"], N),
        "grade": rng.integers(1, 4, N),
        "stage": rng.choice(["A", "B", "C"], N),
        HOSTILE: ["", *rng.choice(["x1", "x2"], N - 1)],
    }
    return make(
        tmp_path_factory.mktemp("full"),
        columns=columns,
        cohort={"readers": list(calls)},
        models={"baselines": ["logistic"]},
        evaluation={
            "covariates": ["age", "stage", HOSTILE, "absent"],
            "subgroups": ["sex", HOSTILE, "block"],
            "against": "vote_count",
        },
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Nothing but outcomes and the network's score."""
    return make(tmp_path_factory.mktemp("bare"), models={"baselines": []})


def answers(run, name):
    rows = checklists(run).items[name].rows
    return dict(zip(rows["Item"], rows["Answer"], strict=True))


def both(run):
    return list(chain(answers(run, "tripod").values(), answers(run, "remark").values()))


def test_every_official_item_is_there_once_and_answered(full, bare):
    for run in (full, bare):
        assert list(answers(run, "tripod")) == TRIPOD
        assert list(answers(run, "remark")) == REMARK
        for answer in both(run):
            assert isinstance(answer, Markup)
            assert answer.startswith(AUTHORS) or " See <a " in answer


def test_the_list_names_fillers_and_sections_that_exist():
    known = {"finding", "warnings", *(section.id for section in sections())}
    used = set()
    for item in chain(plan()["tripod"], plan()["remark"]):
        assert set(item) <= {"number", "asks", "filler", "left", "sections"}
        assert set(item.get("sections", [])) <= known
        assert ("filler" in item) == ("sections" in item)
        assert "filler" in item or item["left"]
        used |= {item["filler"]} if "filler" in item else set()
    assert used == set(FILLERS)


def test_answers_hold_the_figures_of_the_metrics_table(full):
    tripod, remark = answers(full, "tripod"), answers(full, "remark")
    for estimand in ("auc_ipcw_60m", "hr_high_low", "calibration_slope_60m"):
        row = full.row("lstm", estimand)
        size = f"({row['n']} patients, {row['events']} deaths)"
        assert interval(row) in tripod["23a"]
        assert size in tripod["23a"]
    adjusted = full.metrics[full.metrics["estimand"] == "hr_per_sd_adjusted"]
    adjusted = adjusted[adjusted["score"] == "lstm"].iloc[0]
    assert adjusted["n"] == N - 1
    assert interval(adjusted) in remark["16"]
    assert f"{full.count('n_unknown_60m')} unknown" in tripod["8a"]
    assert f"{N + 1} patients in the table" in remark["12"]
    assert "1 patient (no spot: 1) and 1 spot (patient unknown: 1)" in tripod["20a"]


def test_groups_by_score_are_those_of_the_evaluation(full):
    told = answers(full, "remark")["14"]
    by_sex = [re.search(rf"\b{sex}: (\d+) of (\d+)", told) for sex in ("female", "male")]
    n_high, n = (sum(int(found[i]) for found in by_sex) for i in (1, 2))
    assert (n_high, n) == (full.row("lstm", "n_high_risk")["estimate"], N)


def test_nothing_false_is_claimed_of_a_bare_run(bare):
    tripod, remark = answers(bare, "tripod"), answers(bare, "remark")
    assert "No pathologists" in tripod["9c"]
    assert "no external validation" in tripod["5a"]
    assert "No comparison stands as declared before" in tripod["4"]
    assert "saw no picture" in tripod["7"]
    assert tripod["27a"].startswith(AUTHORS)
    assert tripod["22"].startswith(AUTHORS)  # no file of weights is there
    assert "No regression of the score with other variables was run" in remark["16"]
    assert "For the authors: the effect beside other variables" in remark["16"]
    assert "No negative control was run" in remark["18"]
    run = Run(bare.results, controls=("permuted",))
    assert "Negative controls: outcomes dealt anew." in answers(run, "remark")["18"]
    assert "age, sex, stage and grade" in remark["13"].split(AUTHORS)[1]
    assert "without the outcomes" not in remark["5"]  # features came from elsewhere
    assert "Fine-Gray" in remark["7"]


def test_a_regression_that_cannot_be_estimated_is_said_and_left_to_the_authors(full):
    run = Run(full.results)
    metrics = full.metrics.copy()
    rows = metrics["estimand"] == "hr_per_sd_adjusted"
    metrics.loc[rows, ["estimate", "lower", "upper", "p"]] = np.nan
    metrics.loc[rows, "note"] = "nobody has all"
    run.__dict__["metrics"] = metrics
    for item in ("16", "17"):
        assert "not estimable: nobody has all" in answers(run, "remark")[item]
        assert AUTHORS in answers(run, "remark")[item]


def test_what_the_config_names_and_the_table_lacks_is_told(full):
    assert "Not in the patient table at all: absent" in answers(full, "tripod")["11"]
    assert answers(full, "remark")["17"].endswith(
        "For the authors: the score beside absent, sex and grade."
    )
    profile = checklists(full).items["remark_profile"].rows
    assert profile.loc[profile["Variables"] == "absent", "Patients"].tolist() == ["0"]


def test_a_run_with_pictures_says_what_became_of_them(full):
    run = Run(full.results)
    run.__dict__["config"] = full.config | {"features": full.config["features"] | {"import": ""}}
    quality = full.spots[["spot_id"]].reset_index(drop=True).assign(usable=1, reasons="")
    quality.loc[[0, 1], ["usable", "reasons"]] = 0, "no_tissue"
    quality.loc[2, "reasons"] = "blurred"
    write_table(quality, run.folder / "spots/quality/0000.csv")
    tripod = answers(run, "tripod")
    assert f"{N - 2} of {N} spots could be used, 1 with a remark on quality" in tripod["7"]
    assert f"Left out here: 2 of {N} spots" in tripod["27a"]
    assert "vgg16 (weights: imagenet)" in tripod["9a"]
    assert "random" not in tripod["26"]


def test_a_single_split_tells_who_was_tested(tmp_path):
    run = make(tmp_path, resampling={"scheme": "single", "repeats": 1})
    assert "30 of them tested, the others for fitting alone" in answers(run, "tripod")["20a"]
    assert f"{N - 30} without." in answers(run, "remark")["13"]


def test_hostile_names_are_text(full):
    cells = "".join(both(full))
    assert "<script" not in cells
    assert str(escape(HOSTILE)) in cells
    profile = checklists(full).items["remark_profile"].rows
    assert not any(isinstance(cell, Markup) for cell in profile.to_numpy().ravel())


def test_no_cell_shows_a_number_that_is_none(full, bare):
    for run in (full, bare):
        content = checklists(run)
        cells = chain.from_iterable(t.rows.to_numpy().ravel() for t in content.items.values())
        for cell in [*cells, *content.text]:
            assert not re.search(r"\b(nan|None|inf)\b|<NA>|p = 0\.000", str(cell)), cell
            assert "  " not in str(cell)
            assert ", ," not in str(cell)


def test_profile_has_every_analysis_of_the_score(full):
    profile = checklists(full).items["remark_profile"].rows
    assert "Other figures" not in set(profile["Analysis"])
    told = profile[profile["Part"] == "B"]
    own = full.metrics[(full.metrics["score"] == "lstm") & (full.metrics["against"] == "")]
    own = own[~own["estimand"].str.startswith("n_")]
    for _, row in own.iterrows():
        line = told[told["Remarks"].str.contains(interval(row), regex=False)]
        assert f"{row['events']}" in "".join(line["Deaths"] + line["Remarks"]), row
    tests = full.metrics["estimand"] == "auc_ipcw_60m_difference"
    assert (told["Analysis"] == "Comparison of scores").sum() == tests.sum()
    assert told["Remarks"].str.contains("the declared test").sum() == 1


def test_analyses_without_a_name_are_shown_all_the_same(full):
    run = Run(full.results)
    new = full.metrics[full.metrics["score"] == "lstm"].head(1).assign(estimand="quite_new")
    run.__dict__["metrics"] = pd.concat([full.metrics, new])
    profile = checklists(run).items["remark_profile"].rows
    (told,) = profile.loc[profile["Analysis"] == "Other figures", "Remarks"]
    assert told.startswith("quite new ")


def test_items_are_counted(bare):
    (first, _) = checklists(bare).text
    for name, n in (("tripod", len(TRIPOD)), ("remark", len(REMARK))):
        own = list(answers(bare, name).values())
        alone = sum(answer.startswith(AUTHORS) for answer in own)
        partly = sum(f" {AUTHORS}" in answer for answer in own)
        told = f"({n} items): {n - alone - partly} filled, {partly} filled in part, {alone} left"
        assert told in first
