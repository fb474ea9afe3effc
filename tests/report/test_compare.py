import json
import re
import shutil

import pandas as pd
import pytest
import yaml

from histosurv.config import complete
from histosurv.errors import InputError
from histosurv.files import file_sha256
from histosurv.publish import write_table
from histosurv.report.compare import compare

HOSTILE = "<script>alert(1)</script>"
METRICS = [
    ("", "", "", "n_patients", 4, None, None, None, "count"),
    ("lstm", "", "", "c_harrell", 0.7, 0.6, 0.8, 0.01, "Harrell's C"),
    ("lstm", "", "", "auc_ipcw_60m", 0.71, 0.6, 0.8, 0.01, "weights"),
    ("lstm", "", "low", "auc_ipcw_60m", 0.72, 0.6, 0.8, 0.01, "weights"),
    ("svm", "", "", "auc_ipcw_60m", 0.73, 0.6, 0.8, 0.01, "weights"),
    ("svm", "", "", "hr_high_low", None, None, None, None, "Cox"),
]
COLUMNS = ["score", "against", "subgroup", "estimand", "estimate", "lower", "upper", "p", "method"]


@pytest.fixture
def study(tmp_path):
    """Results of a finished run in batches of two: four spots, one of them without a picture."""
    results = tmp_path / "one/results"
    folder = results / "development"
    tables = {"development": {"patients": "p.csv", "spots": "s.csv"}}
    config = complete({"title": HOSTILE, "cohorts": tables, "spots_per_job": 2})
    results.mkdir(parents=True)
    (results / "config.yaml").write_text(yaml.safe_dump(config))
    patients = pd.DataFrame(
        {"patient_id": ["A", "B", HOSTILE], "time_months": [70.0, 20.0, 80.0], "event": [0, 1, 1]}
    )
    write_table(patients.assign(stage="I", label_60m=0), folder / "cohort/patients.csv")
    spots = pd.DataFrame({"spot_id": ["a", "b", "d"], "patient_id": ["A", "B", HOSTILE]})
    write_table(spots.assign(image="x.png", listed_in="r"), folder / "cohort/spots.csv")
    left_out = pd.DataFrame({"id": ["c"], "stage": "picture", "reason": "blurred"})
    write_table(left_out, folder / "cohort/exclusions.csv")
    index = pd.DataFrame({"spot_id": list("abcd"), "status": "done", "reason": "", "file": "f"})
    index["n_tiles"], index["n_features"], index["sha256"] = 1, 2, list("1234")
    index.loc[2, "status"] = "unusable"
    write_table(index[:2], folder / "features/batches/0000.csv")
    write_table(index[2:], folder / "features/batches/0001.csv")
    write_table(index[:1].assign(sha256="9"), folder / "features/batches/0002.csv")  # of old
    write_metrics(results, METRICS)
    for name in ("cohort/folds.csv", "scores.csv"):
        write_table(pd.DataFrame({"x": [1]}), folder / name)
    record(results)
    return results


def write_metrics(results, rows):
    table = pd.DataFrame(rows, columns=COLUMNS).assign(n=4, events=2, note="")
    write_table(table, results / "development/evaluation/metrics.csv")


def record(results, numpy="2.0"):
    digest = file_sha256(results / "development/evaluation/metrics.csv")
    kept = {
        "results": {"evaluation/metrics.csv": digest},
        "inputs": [{"table": "t", "path": "p", "sha256": "1" * 64, "n_rows": 4, "note": ""}],
        "versions": {"numpy": numpy}, "code": {"commit": "c"}, "hardware": {"cores": 2},
        "recipes": [{"n_spots": 3, "recipe": {"precision": "fp32"}}],
    }  # fmt: skip
    (results / "report").mkdir(exist_ok=True)
    (results / "report/provenance.json").write_text(json.dumps(kept))


@pytest.fixture
def other(study, tmp_path):
    shutil.copytree(study.parent, tmp_path / "two")
    return tmp_path / "two/results"


def change(results, name, row, column, value):
    path = results / "development" / name
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[row, column] = value
    write_table(table, path)


def verdicts(told):
    return dict(line.split(": ", 1) for line in told.splitlines()[3:] if line[0] != " ")


def rows(page):
    """Rows of the tables of differences; the first table is the overview."""
    found = re.findall(r"<tr>(<th scope=\"row\".*?)</tr>", page.split("</section>", 1)[1], re.S)
    return [re.findall(r">([^<>]+)</t[hd]>", row) for row in found]


def test_equal_runs_have_no_difference(study, other, tmp_path):
    out = tmp_path / "new/compare.html"
    told = compare(study, other.parent, out)  # results, and a study's folder
    assert told.splitlines()[2] == "No difference found."
    page = out.read_text(encoding="utf-8")
    assert "No difference found." in page
    assert rows(page) == []
    assert str(tmp_path) not in page


def test_what_was_changed_is_named_and_nothing_else(study, other, tmp_path):
    config = yaml.safe_load((other / "config.yaml").read_text())
    config["models"]["lstm"]["units"] = [64]
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    change(other, "cohort/patients.csv", 1, "event", "2")
    change(other, "evaluation/metrics.csv", 2, "estimate", "0.75")
    record(other)
    told = compare(study, other, tmp_path / "c.html")
    assert told.splitlines()[2] == "The runs differ in: settings, patients, figures."
    found = rows((tmp_path / "c.html").read_text(encoding="utf-8"))
    assert found == [
        ["models: lstm: units", "264, 128, 64", "64"],
        ["B", "event 1", "event 2"],
        ["five-year AUC, weighted for censoring (auc_ipcw_60m)", "0.710 (0.600 to 0.800); 4/2",
         "0.750 (0.600 to 0.800); 4/2", "+0.040"],
    ]  # fmt: skip
    assert all(" | ".join(row) in told for row in found)
    assert "no test of their difference" in told
    assert len(told.splitlines()) < 40


def test_main_figures_come_first_and_the_rest_is_counted(study, other, tmp_path):
    changed = [(*row[:4], row[4] and row[4] + 0.1, *row[5:]) for row in METRICS]
    changed[5] = (*METRICS[5][:4], 2.0, 1.0, 4.0, 0.04, "Cox")
    changed[0] = (*METRICS[0][:4], 5, *METRICS[0][5:])
    write_metrics(other, [*changed, ("cox", "", "", "c_uno", 0.6, 0.5, 0.7, 0.1, "Uno's C")])
    told = compare(study, other, tmp_path / "c.html")
    assert verdicts(told)["Figures"] == (
        "6 of 6 figures in both with another estimate; 1 only in B"
    )
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    main, rest = page.split('<section id="figures">')[1].split("<details>", 1)
    assert main.index("auc_ipcw_60m") < main.index("c_harrell")
    assert "Support vector machine" not in main
    assert "not estimable" in rest
    assert "+1</td>" in rest  # a count has no decimals
    assert "in low" in rest


def test_another_interval_of_the_same_estimate_is_a_difference(study, other):
    change(other, "evaluation/metrics.csv", 2, "upper", "0.9")
    told = verdicts(compare(study, other))["Figures"]
    assert told == "1 with another interval, p, n or events only"


def test_rounding_is_no_difference(study, other):
    change(other, "evaluation/metrics.csv", 2, "estimate", str(0.71 + 1e-12))
    record(other)
    assert "No difference found." in compare(study, other)


def test_who_is_in_one_run_only_is_told_with_the_reason(study, other, tmp_path):
    for name in ("spots", "patients"):
        path = other / f"development/cohort/{name}.csv"
        write_table(pd.read_csv(path)[:2], path)
    reasons = pd.DataFrame(
        {"id": ["c", "d"], "stage": "picture", "reason": ["blurred", "no tissue"]}
    )
    write_table(reasons, other / "development/cohort/exclusions.csv")
    told = verdicts(compare(study, other, tmp_path / "c.html"))
    assert told["Spots"] == "1 spot only in A"
    assert told["Patients"] == "1 patient only in A"
    assert told["Features"] == "the same, 2 spots"
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert ["d", "in the study", "left out: no tissue"] in rows(page)


def test_features_are_compared_over_batches_of_other_sizes(study, other):
    folder = other / "development/features/batches"
    tables = [pd.read_csv(folder / f"000{i}.csv", dtype=str) for i in (0, 1)]
    for i, table in enumerate([*(t[j : j + 1] for t in tables for j in (0, 1))]):
        write_table(table, folder / f"000{i}.csv")
    config = yaml.safe_load((other / "config.yaml").read_text())
    (other / "config.yaml").write_text(yaml.safe_dump(config | {"spots_per_job": 1}))
    assert verdicts(compare(study, other))["Features"] == "the same, 3 spots"
    write_table(tables[1][1:].assign(sha256="5"), folder / "0003.csv")
    assert verdicts(compare(study, other))["Features"].startswith("1 of 3 spots")
    (folder / "0003.csv").unlink()
    told = compare(study, other)
    assert verdicts(told)["Features"].startswith("not compared: 0003.csv of B")
    assert "Not compared: features." in told.splitlines()[2]


def test_programs_are_compared_where_both_kept_a_record_that_fits(study, other):
    record(other, numpy="2.1")
    assert "  numpy | 2.0 | 2.1" in compare(study, other)
    path = other / "report/provenance.json"
    for text, why in [("{", "is damaged"), ("{}", "is damaged"), (None, "has no report/")]:
        path.unlink(missing_ok=True)
        if text:
            path.write_text(text)
        told = verdicts(compare(study, other))
        assert told["Program and machine"].startswith("not compared: ")
        assert why in told["Input tables"]
    record(other)
    change(other, "evaluation/metrics.csv", 2, "estimate", "0.75")
    assert "is of other metrics" in verdicts(compare(study, other))["Input tables"]


def test_hostile_names_are_text(study, other, tmp_path):
    change(other, "cohort/patients.csv", 2, "stage", f"II\x1b[31m{HOSTILE}")
    change(other, "evaluation/metrics.csv", 4, "score", HOSTILE)
    told = compare(study, other, tmp_path / "c.html")
    assert "\x1b" not in told
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5  # titles, patient, stage, score
    assert "http" not in page


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml", "development/cohort/patients.csv", "development/cohort/spots.csv",
        "development/cohort/exclusions.csv", "development/evaluation/metrics.csv",
    ],
)  # fmt: skip
@pytest.mark.parametrize("content", [None, "", "x: [", "a,b\n1,2\n"])
def test_what_is_no_finished_run_is_told(study, other, name, content):
    path = other / name
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=re.escape(str(path))) as error:
        compare(study, other)
    assert "\n" not in str(error.value)


def test_folders_that_are_none_are_told(study, tmp_path):
    with pytest.raises(InputError, match="nowhere: there is no such folder; name the results of"):
        compare(tmp_path / "nowhere", study)
    with pytest.raises(InputError, match=r"--out .*: is a folder"):
        compare(study, study, tmp_path)
