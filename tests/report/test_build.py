"""The report as text: what it says, what it warns of, and that it says the same twice."""

import math
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from tests.report.whole_run import READERS, everything, noise, whole_run

from histosurv.models.inner import tuning_table
from histosurv.publish import write_table
from histosurv.report.build import build_report
from histosurv.report.run import Run
from histosurv.report.sections.baselines import baselines
from histosurv.report.sections.controls import control_rows, controls
from histosurv.report.sections.methods import methods
from histosurv.report.spec import captions, item_of, sections
from histosurv.report.warnings import general_warnings
from histosurv.report.wording import interval, number, p_of, p_value


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A whole run with everything that can be asked for."""
    return whole_run(
        tmp_path_factory.mktemp("made"),
        everything(np.random.default_rng(1)),
        pictures=noise(),
        cohort={"readers": READERS},
        evaluation={"covariates": ["age", "stage"], "against": "vote_count"},
    )


@pytest.fixture
def run(made, tmp_path):
    """A copy to change."""
    shutil.copytree(made.results, tmp_path / "results")
    return Run(tmp_path / "results")


def built(run, name="study.html", **how):
    out = run.results / "report" / name
    build_report(Run(run.results), out, **how)
    return out.read_text(encoding="utf-8")


def change(path, **values):
    write_table(pd.read_csv(path).assign(**values), path)


def test_files_for_the_paper_lie_beside_the_page(run):
    old = run.results / "report/figures/gone.svg"
    old.parent.mkdir(parents=True)
    old.write_text("of an older report")
    page = built(run)
    figures, tables = (run.results / "report" / name for name in ("figures", "tables"))
    assert not old.exists()
    shown = re.findall(r'id="figure-(\w+)"', page)
    assert len(shown) >= 20
    for name in shown:
        for ending in ("svg", "pdf", "csv"):
            assert (figures / f"{name}.{ending}").stat().st_size > 20, name
    listed = re.findall(r'id="table-(\w+)"', page)
    assert {path.stem for path in tables.glob("*.csv")} == set(listed)
    assert {path.stem for path in tables.glob("*.tex")} == set(listed)
    curve = pd.read_csv(figures / "kaplan_meier.csv")
    whole = pd.read_csv(run.folder / "evaluation/kaplan_meier.csv")
    assert len(curve) == (whole["score"] == "lstm").sum()
    assert "\\toprule" in (tables / "hazard_ratios.tex").read_text()
    assert (run.results / "report/provenance.json").is_file()


def test_same_tables_same_bytes_but_for_the_hour(run):
    def steady(name):
        page = built(run, name, with_files=False)
        return re.sub(r'<p id="built">.*?</p>', "", page)

    assert steady("one.html") == steady("two.html")


def test_no_figure_is_an_empty_word(made):
    page = built(made, with_files=False)
    text = re.sub(r'data:[^"]+"|<(svg|script|style).*?</\1>', "", page, flags=re.S)
    for word in (" nan", "NaN", "p = 0.000", ">None<", "inf ", "None"):
        assert word not in text, word
    assert not re.search(r"\{\w*[.(\[]", text)  # a figure that was not put in


def test_networks_that_learnt_nothing_are_told(run):
    assert not any("same score" in text for text in controls(run).warnings)
    change(run.results / "models/lstm/1_2/training.csv", score_sd=1e-4)
    (told,) = controls(run).warnings
    assert "1 of 3 networks give (nearly) everybody the same score" in told


def test_a_model_that_tells_nobody_apart_is_told(run):
    path = run.folder / "evaluation/metrics.csv"
    metrics = pd.read_csv(path)
    is_sd = (metrics["score"] == "lstm") & (metrics["estimand"] == "score_sd")
    assert baselines(run).warnings == []
    write_table(metrics.assign(estimate=metrics["estimate"].mask(is_sd, 1e-3)), path)
    (told,) = baselines(Run(run.results)).warnings
    assert "the scores of the tested patients are (nearly) the same" in told


def test_settings_that_were_tried_are_told_with_their_figures(made):
    rows = baselines(made).items["tuning"].rows.set_index("Setting")
    assert rows.loc["as in the config", ["Inner AUC or C", "Chosen"]].tolist() == [
        "0.650",
        "3 of 3",
    ]
    assert rows.loc["rate_factor 0.3", "Chosen"] == "0 of 3"


def test_controls_that_find_something_are_a_warning(run):
    assert "No negative control" in controls(run).items["controls"].reason
    metrics = pd.read_csv(run.folder / "evaluation/metrics.csv")
    is_auc = (metrics["score"] == "lstm") & (metrics["estimand"] == "auc_60m_within_folds")
    metrics = metrics[is_auc]
    tables = {}
    for control, low, high in (("permuted", 0.4, 0.6), ("background", 0.61, 0.8)):
        own = metrics.assign(estimate=(low + high) / 2, lower=low, upper=high)
        tables[control] = run.results / f"{control}.csv"
        write_table(own, tables[control])
    rows, (told,) = control_rows(tables, asked=True)
    assert [row["Verdict"] for row in rows] == [
        "as it should be",
        "look: 0.5 is not in the interval",
        "not run: the spots are not in several blocks, or folds hold whole blocks",
    ]
    assert "From tiles of bare glass alone Recurrent network on tile features has an AUC" in told
    write_table(metrics.assign(lower=np.nan, upper=np.nan), tables["permuted"])
    rows, _ = control_rows(tables, asked=False)
    assert rows[0]["Verdict"] == "cannot be told"


def test_random_weights_and_few_deaths_are_told_first(made):
    told = " ".join(general_warnings(made))
    assert "random numbers, not ImageNet's" in told
    assert f"Only {made.count('n_cancer_deaths')} deaths of the cancer" in told


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("models/lstm/rate_factor", 0.3, "(learning rate 0.0003, 32 patients per step"),
        ("models/tuning/settings", 1, "No model's settings were tuned"),
        ("models/tuning/inner_folds", 4, "best of up to 6 by 4-fold inner cross-validation"),
        ("models/clinical", ["age", "pT"], "(ridge Cox regression on age, pT; numbers by"),
        ("models/attribution/orders", 7, "scored again with the tiles in 7 random orders"),
        ("resampling/scheme", "blocks", "3 folds of whole tissue-microarray blocks"),
        ("resampling/repeats", 4, "4 times (seed"),
        ("cohort/strata", ["stage"], "balanced by the five-year outcome and stage, once"),
        ("evaluation/resamples", 77, "percentiles of 77 bootstrap samples"),
        ("evaluation/against", "grade", "with that of histological grade; the others are adjusted"),
        ("spots/stain", "macenko", "by the method of Macenko"),
    ],
)
def test_methods_say_what_the_settings_say(made, path, value, told):
    run = Run(made.results)
    part = run.config
    *folders, last = path.split("/")
    for key in folders:
        part = part[key]
    part[last] = value
    extra = methods(run).extra
    text = " ".join(extra["paragraphs"])
    assert told in text
    cited = [int(n) for n in re.findall(r"\[(\d+)\]", text)]
    assert list(dict.fromkeys(cited)) == list(range(1, len(extra["references"]) + 1))
    assert "[@" not in text


def test_every_caption_is_asked_for_once():
    names = [item_of(name) for section in sections(["ulm"]) for name in section.captions]
    assert len(names) == len(set(names)) == len(captions())


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "p < 0.001"), (0.00099, "p < 0.001"), (0.0314, "p = 0.031"), (0.5, "p = 0.50")],
)
def test_p_values_are_never_zero(p, text):
    assert p_value(p) == text
    row = pd.Series({"p": p})
    assert p_of(row) == text.removeprefix("p ").removeprefix("= ")


def test_numbers_that_are_none_are_dashes_or_reasons():
    assert number(math.nan) == "–"
    assert [number(of) for of in (-0.001, -0.006, 0.125, 0.135)] == [
        "0.00",
        "-0.01",
        "0.12",
        "0.14",
    ]
    row = pd.Series({"estimate": math.nan, "lower": math.nan, "upper": math.nan, "note": "why"})
    assert interval(row) == "not estimable: why"
    row = pd.Series({"estimate": 1.234, "lower": 1.0, "upper": 2.0, "note": ""})
    assert interval(row) == "1.23 (1.00 to 2.00)"


def test_one_setting_alone_was_not_tuned(run):
    for job in run.jobs:
        write_table(
            tuning_table(["{}"], np.empty((1, 0))), run.results / f"models/lstm/{job}/tuning.csv"
        )
    assert "No model's settings were tuned" in baselines(run).items["tuning"].reason
