import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from PIL import Image
from tests.running import run_histosurv

from histosurv.cohort import drawing
from histosurv.cohort.demo import simulate, write_demo
from histosurv.cohort.drawing import Stain, draw_spot
from histosurv.cohort.endpoint import label_60m
from histosurv.evaluation.discrimination import delong_variance

N = 20_000


@pytest.fixture(scope="module")
def large():
    return simulate(N, seed=1)


def risk_of(cohort):
    return cohort.truth.groupby("patient_id")["tissue_risk"].first().loc[cohort.patients.patient_id]


def auc_and_error(cohort, score):
    label = label_60m(cohort.patients["time_months"], cohort.patients["event"])
    known = label.notna().to_numpy() & np.isfinite(score)
    auc, variance = delong_variance(score[known], label[known].to_numpy(int))
    return auc, variance**0.5


def hazard_ratio(cohort, high):
    table = pd.DataFrame(
        {
            "time": cohort.patients["time_months"],
            "died": cohort.patients["event"] == 1,
            "high": np.asarray(high, float),
        }
    )
    return np.exp(CoxPHFitter().fit(table.dropna(), "time", "died").params_["high"])


def votes(cohort):
    calls = cohort.patients[["reader_1", "reader_2", "reader_3"]]
    return calls.apply(lambda column: column.map({"low": 0.0, "high": 1.0})).mean(axis=1)


# The targets are the study's published figures and what follows from them; the tolerance on an
# AUC is 0.01, twice its standard error at this size (0.004), on a hazard ratio 0.15.


def test_planted_risk_has_the_studys_auc_and_hazard_ratio(large):
    risk = risk_of(large).to_numpy()
    auc, error = auc_and_error(large, risk)
    assert error < 0.005
    assert auc == pytest.approx(0.69, abs=0.01)
    assert hazard_ratio(large, risk > 0) == pytest.approx(2.25, abs=0.15)


def test_readers_and_grade_are_as_good_as_the_studys(large):
    majority = votes(large).round().to_numpy()
    auc, _ = auc_and_error(large, majority)
    assert auc == pytest.approx(0.585, abs=0.01)
    assert hazard_ratio(large, majority) == pytest.approx(1.67, abs=0.15)
    assert hazard_ratio(large, large.patients["grade"] == 3) == pytest.approx(1.65, abs=0.15)


def test_half_of_the_known_outcomes_are_deaths(large):
    label = label_60m(large.patients["time_months"], large.patients["event"])
    assert label.mean() == pytest.approx(0.5, abs=0.02)
    assert 0.7 < label.notna().mean() < 0.95
    assert set(large.patients["event"]) == {0, 1, 2}


def test_null_cohort_has_the_same_tissue_and_no_link_to_outcome(large):
    null = simulate(N, seed=1, null=True)
    assert null.truth.equals(large.truth)
    assert null.spots.equals(large.spots)
    auc, error = auc_and_error(null, risk_of(null).to_numpy())
    assert abs(auc - 0.5) < 4 * error
    assert hazard_ratio(null, votes(null).round()) == pytest.approx(1, abs=0.15)


def test_some_patients_have_two_spots_and_blocks_differ_in_size_by_one(large):
    per_patient = large.spots.groupby("patient_id").size()
    assert set(per_patient) == {1, 2}
    assert (per_patient == 2).mean() == pytest.approx(0.2, abs=0.02)
    blocks = large.spots.drop_duplicates("patient_id")["block"].value_counts()
    assert blocks.max() - blocks.min() <= 1


def test_a_table_of_ones_own_is_not_overwritten(tmp_path):
    (tmp_path / "patients.csv").write_text("mine")
    run = run_histosurv("demo", tmp_path, "--patients", "3")
    assert run.returncode != 0
    assert "is no simulated cohort's; name another folder" in run.stderr
    assert (tmp_path / "patients.csv").read_text() == "mine"


def test_slides_of_few_patients_are_not_drawn(tmp_path):
    run = run_histosurv("demo", tmp_path / "x", "--patients", "12", "--slides")
    assert "--patients 12: so few cores do not tell how a slide lies" in run.stderr
    assert not (tmp_path / "x").exists()


def test_written_cohort_is_the_same_byte_for_byte(tmp_path):
    for name in ("a", "b"):
        write_demo(tmp_path / name, n_patients=4, spot_px=224, seed=3)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) >= 7
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert Image.open(tmp_path / "a" / "images" / "P0001_1.jpg").size == (224, 224)


def test_worse_tissue_has_more_haematoxylin_and_less_lumen():
    stain = Stain.of_block(np.random.default_rng(0))

    def darkness(risk):
        spots = [
            draw_spot(np.random.default_rng(i), risk, stain, spot_px=448, mpp=770 / 448)
            for i in range(6)
        ]
        return np.mean([(spot[..., 0] < 110).mean() for spot in spots])  # red is what it takes

    assert darkness(2.0) > 1.2 * darkness(-2.0)


def painted_one_by_one(density, places, short, long, turn, dark):
    """Each nucleus for itself in its own square, as the drawing once did."""
    for i in range(places.shape[1]):
        window, dy, dx = drawing._window(density, places[:, i], long[i] + 1.5)
        if window is None:
            continue
        cos, sin = np.cos(turn[i]), np.sin(turn[i])
        reach = np.hypot((dx * cos + dy * sin) / short[i], (dy * cos - dx * sin) / long[i])
        inside = np.clip((1 - reach) * short[i] + 0.5, 0, 1)
        layer = density[0][window]
        np.maximum(layer, dark[i] * inside, out=layer)


@pytest.mark.parametrize("n_nuclei", [0, 1, 400])
@pytest.mark.parametrize("most_pixels", [1, 5000, 10**6])
def test_nuclei_are_those_of_one_by_one(monkeypatch, n_nuclei, most_pixels):
    monkeypatch.setattr(drawing, "MOST_PIXELS", most_pixels)
    rng = np.random.default_rng(n_nuclei)
    places = rng.uniform(-12, 92, (2, n_nuclei))  # over every edge, and some outside
    short, long = rng.uniform(0.5, 3, n_nuclei), rng.uniform(1, 12, n_nuclei)
    turn, dark = rng.uniform(0, np.pi, n_nuclei), rng.uniform(0.4, 1, n_nuclei)
    before = rng.normal(0, 0.2, (2, 70, 80)).astype(np.float32)
    expected, density = before.copy(), before.copy()
    painted_one_by_one(expected, places, short, long, turn, dark)
    drawing._paint_nuclei(density, places, short, long, turn, dark)
    assert np.array_equal(density, expected)
    assert np.array_equal(density, before) == (n_nuclei == 0)
