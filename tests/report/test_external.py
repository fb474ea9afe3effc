"""The section of an external cohort: its own figures, beside those of the development cohort."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.report.whole_run import READERS, everything, noise, whole_run

from histosurv.publish import write_table
from histosurv.report.build import build_report
from histosurv.report.run import Run
from histosurv.report.sections.checklists import checklists
from histosurv.report.sections.external import external, finding, of_cohort
from histosurv.report.sections.methods import methods
from histosurv.report.spec import sections

COHORT = "ulm"


def move_by(metrics, shift):
    """Let the study's score do worse elsewhere, as a figure."""
    own = (metrics["score"] == "lstm") & (metrics["estimand"] == "auc_ipcw_60m")
    own &= metrics["against"].isna() & metrics["subgroup"].isna()
    metrics.loc[own, ["estimate", "lower", "upper"]] += shift
    return metrics


def with_external(folder, shift, **options):
    """A run with a second cohort: the same tables, another AUC, features that have drifted."""
    columns, asked = everything(np.random.default_rng(1)), {"readers": READERS}
    run = whole_run(folder, columns, cohort=asked, spots_per_job=200, **options)
    shutil.copytree(folder / "development", folder / COHORT)
    path = folder / COHORT / "evaluation/metrics.csv"
    write_table(move_by(pd.read_csv(path), shift), path)
    spots = run.spots[["spot_id", "patient_id"]]
    distance = np.random.default_rng(2).normal(1, 0.1, len(spots))
    rows = [spots.assign(is_external=flag, distance=distance + flag) for flag in (0, 1)]
    write_table(pd.concat(rows), folder / COHORT / "features/drift.csv")
    config = run.config
    config["cohorts"][COHORT] = config["cohorts"]["development"]
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return Run(folder)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return with_external(tmp_path_factory.mktemp("run"), -0.4, pictures=noise())


def test_the_page_has_the_section_with_all_its_items(run):
    build_report(run, run.results / "report/study.html")
    page = (run.results / "report/study.html").read_text(encoding="utf-8")
    [section] = [section for section in sections([COHORT]) if section.cohort]
    assert section.title == f"External cohort {COHORT}"
    shown = re.findall(r'id="(?:figure|table|missing)-(external_\w+-\w+)"', page)
    assert shown == list(section.captions)
    assert len(shown) == 9
    assert not re.findall(r'id="missing-external', page)
    assert "Internal and external validation" in page
    assert (run.results / f"report/figures/external_stain-{COHORT}.pdf").is_file()
    assert (run.results / f"report/tables/external_cohort-{COHORT}.tex").is_file()


def test_the_finding_is_that_of_the_other_cohort(run):
    auc = of_cohort(run, COHORT).row("lstm", "auc_ipcw_60m")
    assert auc["estimate"] == pytest.approx(run.row("lstm", "auc_ipcw_60m")["estimate"] - 0.4)
    told = finding(run, COHORT)
    assert f"{auc['estimate']:.2f} ({auc['lower']:.2f} to {auc['upper']:.2f})" in told
    assert told.endswith("it points the wrong way here.")


def test_no_answer_and_no_method_denies_the_other_cohort(run):
    checklist = checklists(run)
    told = [text for name in ("tripod", "remark") for text in checklist.items[name].rows["Answer"]]
    told += methods(run).extra["paragraphs"]
    for denial in ("no external", "none outside", "no second cohort", "no data from elsewhere"):
        assert not [text for text in told if denial in text], denial
    naming = [text for text in told if COHORT in text]
    assert len(naming) >= 7
    assert any(finding(run, COHORT) in text for text in naming)


def test_drift_is_warned_of_with_its_numbers(run):
    content = external(run, COHORT)
    [warning] = [text for text in content.warnings if "drift" in text]
    n = len(run.spots)
    assert f"External cohort {COHORT}: {n} of {n} spots lie beyond" in warning
    assert "100% (95 % interval 96% to 100%, Wilson; 5 % expected)" in (
        content.items[f"external_drift-{COHORT}"].note
    )


def test_without_pictures_and_without_drift_nothing_is_made_up(tmp_path):
    run = with_external(tmp_path, 0.1)
    path = tmp_path / COHORT / "features/drift.csv"
    table = pd.read_csv(path)
    table["distance"] -= table["is_external"]
    write_table(table, path)
    content = external(run, COHORT)
    assert not [text for text in content.warnings if "drift" in text]
    assert "no picture was seen" in content.items[f"external_stain-{COHORT}"].reason
    assert finding(run, COHORT).endswith("more than chance.")
