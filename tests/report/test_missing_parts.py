"""Whatever a study is without, there is a report that says so."""

import re

import numpy as np
import pandas as pd
import pytest
from tests.report import finished_run
from tests.report.whole_run import everything, noise, whole_run

from histosurv.publish import write_table
from histosurv.report.build import build_report
from histosurv.report.run import Run
from histosurv.report.sections.methods import methods
from histosurv.report.spec import sections

N_ITEMS = sum(len(section.captions) for section in sections())


def built(run):
    out = run.results / "study.html"
    build_report(run, out, with_files=False)
    page = out.read_text(encoding="utf-8")
    items = re.findall(r'id="(figure|table|missing)-(\w+)"', page)
    assert len(items) == N_ITEMS
    for _, reason in re.findall(r'id="missing-(\w+)">.*?<p>(.*?)</p>', page, re.S):
        assert reason.strip().endswith(".")
    return page, {name for kind, name in items if kind == "missing"}


def test_nothing_but_outcomes_and_a_network(tmp_path):
    run = whole_run(
        tmp_path,
        models={"baselines": [], "clinical": [], "attribution": {"run": False}},
        evaluation={"covariates": [], "subgroups": [], "against": ""},
    )
    page, missing = built(run)
    assert missing >= {
        "matched", "agreement", "stain", "spots", "risk_maps", "tiles", "time", "controls",
        "subgroups", "blocks", "added", "differences",
    }  # fmt: skip
    assert "No pathologists&#39; calls were given" in page
    assert "no clinical model to compare with and no pathologist&#39;s calls" in page
    assert "Features were imported" in page


def test_one_reader_and_no_grade(tmp_path):
    calls = np.random.default_rng(4).choice(["low", "high"], finished_run.N)
    run = whole_run(tmp_path, {"r1": calls}, cohort={"readers": ["r1"]})
    page, missing = built(run)
    assert "matched" not in missing
    assert "1 reader called patients" in page


@pytest.fixture
def altered(tmp_path):
    """A whole run whose scores and outcomes a test alters before they are evaluated."""

    def make(of_scores=None, of_outcomes=None, **how):
        with pytest.MonkeyPatch.context() as patch:
            if of_scores:
                before = finished_run.scores
                patch.setattr(finished_run, "scores", lambda *a: of_scores(before(*a)))
            if of_outcomes:
                first = finished_run.outcomes
                patch.setattr(finished_run, "outcomes", lambda *a: of_outcomes(first(*a)))
            return whole_run(tmp_path, everything(np.random.default_rng(1)), **how)

    return make


def test_everybody_on_one_side(altered):
    run = altered(lambda table: table.assign(value=-1.0))
    page, _ = built(run)
    assert "not estimable: nobody is at high risk" in page


def test_nobody_is_alive(altered):
    run = altered(of_outcomes=lambda table: table.assign(event=table["event"].replace(0, 1)))
    page, _ = built(run)
    assert "Nobody is alive at last contact" in page


def test_a_score_without_risks(altered):
    run = altered(lambda table: table.assign(risk_60m=""))
    _, missing = built(run)
    assert {"calibration", "accuracy"} <= missing


def test_one_split(tmp_path):
    page, _ = built(whole_run(tmp_path, resampling={"scheme": "single", "repeats": 1}))
    assert "served for fitting alone" in page
    assert "every test patient was scored" in page
    row = Run(tmp_path).row("lstm", "auc_60m")
    assert f"{row['n']:.0f} patients, {row['events']:.0f} of them dead" in page


def test_pictures_that_could_not_be_read(tmp_path):
    run = whole_run(tmp_path, pictures=noise())
    home = run.folder
    path = home / "spots/quality/0000.csv"
    table = pd.read_csv(path)
    gone = table["spot_id"].iloc[:3]
    lost = table["spot_id"].isin(gone)
    table["usable"] = (~lost).astype(int)
    table["reasons"] = np.where(lost, "unreadable", "")
    measured = ["x", "y", "width", "height", "mpp", "tissue_fraction", "relative_sharpness"]
    table.loc[lost, measured] = np.nan
    write_table(table, path)
    exclusions = pd.DataFrame({"id": gone, "stage": "picture", "reason": "/ward/Doe/a.png: broken"})
    write_table(exclusions, home / "cohort/exclusions.csv")
    page, _ = built(Run(tmp_path))
    assert "3 of 90 spots could not be used (the image cannot be decoded: 3)" in page
    assert "spots, the image cannot be decoded: 3" in page
    assert "a.png: broken" in page
    assert "/ward/Doe" not in page  # where it lies may name somebody


def test_columns_that_are_called_like_those_of_a_score(tmp_path):
    numbers = dict.fromkeys(("value", "threshold", "risk_60m", "fold"), np.arange(finished_run.N))
    run = whole_run(tmp_path, numbers, evaluation={"covariates": ["value"]})
    own = run.scores[run.scores["score"] == "lstm"].set_index("patient_id")["value"]
    scored = run.scored("lstm").set_index("patient_id")["value"]
    assert np.allclose(scored, own[scored.index])
    built(run)


def test_methods_do_not_claim_what_the_tables_do_not_allow(tmp_path):
    run = whole_run(tmp_path)  # the defaults ask for readers' votes, age, sex, stage and grade
    text = " ".join(methods(run).extra["paragraphs"])
    assert run.config["evaluation"]["against"] == "vote_count"
    for claim in ("declared before", "multivariable", "McNemar", "kappa"):
        assert claim not in text
