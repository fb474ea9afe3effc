"""From whole slides to features: one road, and no guess about whose core it is."""

import shutil

import pandas as pd
import pytest
from PIL import Image
from tests.running import QUICK, dry_run, output_of, run_quickly, run_snakemake

from histosurv.cohort.demo import write_demo

TABLES = {"patients": "demo/patients.csv", "spots": "", "slides": "demo/slides.csv"}
CONFIG = {
    "cohorts": {"development": TABLES},
    "spots": {"fit": "resize", "grid": 1},
    "features": QUICK["features"],
}
COHORT = "results/development/cohort/spots.csv"
CORES = "results/development/spots/cores"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Two slides with the cores of a few patients, none of them run yet."""
    folder = tmp_path_factory.mktemp("slides")
    write_demo(folder / "demo", n_patients=48, spot_px=192, seed=3, slides=True)
    return folder


@pytest.fixture
def slides(drawn, tmp_path):
    shutil.copytree(drawn / "demo", tmp_path / "demo")
    return tmp_path


@pytest.fixture(scope="module")
def finished(drawn, tmp_path_factory):
    """The same with features, and a core on the map that is not on the slide."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(drawn / "demo", folder / "demo")
    path = folder / "demo/maps/TMA1.csv"
    cells = pd.read_csv(path)
    extra = cells["patient_id"].eq("empty") & (cells["row"] == cells["row"].max())
    assert extra.any()
    cells.loc[extra.idxmax(), "patient_id"] = "P0001"
    cells.to_csv(path, index=False)
    run = run_quickly(folder, COHORT, config=CONFIG)
    assert run.returncode == 0, output_of(run)
    return folder


def turn(folder, slide="TMA1"):
    """Scan a slide the other way round."""
    path = folder / f"demo/slides/{slide}.tif"
    with Image.open(path) as picture:
        turned = picture.convert("RGB").rotate(180)
    turned.save(path, tile=(256, 256), compression="tiff_deflate")


def test_cells_become_features_and_a_lost_core_is_listed(finished):
    brought = pd.read_csv(finished / "demo/truth.csv")["spot_id"]
    used = pd.read_csv(finished / COHORT)
    assert len(used) == len(brought)
    assert set(used["tma_slide"]) == {"TMA1", "TMA2"}
    left_out = pd.read_csv(finished / "results/development/cohort/exclusions.csv")
    assert len(left_out) == 1
    assert left_out["reason"].str.contains("the core is missing on the slide").all()
    index = pd.read_csv(finished / "results/development/features/batches/0000.csv")
    assert (index["status"] == "done").sum() == len(used)
    for slide in ("TMA1", "TMA2"):
        for ending in ("csv", "png", "geojson", "qptma", "json"):
            assert (finished / CORES / f"{slide}.{ending}").is_file()
    again = run_quickly(finished, COHORT, config=CONFIG)
    assert "Nothing to be done" in output_of(again)


def test_a_turned_slide_stops_the_run_until_a_person_has_looked(slides):
    turn(slides)
    run = run_quickly(slides, COHORT, "--keep-going", config=CONFIG)
    assert run.returncode != 0
    [line] = [line for line in output_of(run).splitlines() if "The run stopped: histo" in line]
    assert "demo/slides/TMA1.tif: " in line
    assert "the slide looks turned by 180 degrees against the map" in line
    assert f"look at {CORES}/TMA1.doubtful.png" in line
    assert (slides / CORES / "TMA1.doubtful.png").is_file()
    assert (slides / CORES / "TMA2.csv").is_file()  # the other slide went on
    assert not (slides / CORES / "TMA1.csv").exists()
    # The person has checked the doubtful table, and it is used as it is.
    shutil.copy(slides / CORES / "TMA1.doubtful.csv", slides / "demo/TMA1.csv")
    listed = (slides / "demo/slides.csv").read_text()
    table = pd.read_csv(slides / "demo/slides.csv")
    table.assign(cores_override=["TMA1.csv", ""]).to_csv(slides / "demo/slides.csv", index=False)
    run = run_snakemake(slides, f"{CORES}/TMA1.csv", config=CONFIG)
    assert run.returncode == 0, output_of(run)
    assert '"source": "TMA1.csv"' in (slides / CORES / "TMA1.json").read_text()
    # Or the person turns the map, as the slide lies; then it is sure.
    (slides / "demo/slides.csv").write_text(listed)
    path = slides / "demo/maps/TMA1.csv"
    cells = pd.read_csv(path)
    cells["row"], cells["column"] = (
        cells[name].max() + 1 - cells[name] for name in ("row", "column")
    )
    cells.to_csv(path, index=False)
    run = run_snakemake(slides, f"{CORES}/TMA1.csv", config=CONFIG)
    assert run.returncode == 0, output_of(run)
    assert not (slides / CORES / "TMA1.doubtful.png").exists()


def test_a_slides_row_or_file_changed_runs_it_alone(finished, tmp_path):
    slides = tmp_path / "copy"
    shutil.copytree(finished, slides)
    turn(slides)
    run = dry_run(slides, f"{CORES}/TMA1.csv", f"{CORES}/TMA2.csv", config=CONFIG)
    assert "dearray" in output_of(run)
    assert "wildcards: cohort=development, slide=TMA1" in output_of(run)
    assert "slide=TMA2" not in output_of(run)


def test_patients_exchanged_on_a_map_reach_the_cohort_after_an_interrupted_run(finished, tmp_path):
    slides = tmp_path / "copy"
    shutil.copytree(finished, slides)
    path = slides / "demo/maps/TMA1.csv"
    cells = pd.read_csv(path)
    first, second = cells.index[cells["patient_id"].str.startswith("P")][:2]
    one, other = cells.loc[first, "patient_id"], cells.loc[second, "patient_id"]
    cells.loc[[first, second], "patient_id"] = [other, one]
    cells.to_csv(path, index=False)
    # Stopped after the features, whose content is the same: the cohort must still be done anew.
    indexes = sorted((slides / "results/development/features/batches").glob("*.csv"))
    run = run_quickly(slides, *(str(p.relative_to(slides)) for p in indexes), config=CONFIG)
    assert run.returncode == 0, output_of(run)
    run = run_quickly(slides, COHORT, config=CONFIG)
    assert run.returncode == 0, output_of(run)
    used = pd.read_csv(slides / COHORT).set_index(["tma_slide", "tma_row", "tma_column"])
    cell = ("TMA1", *cells.loc[first, ["row", "column"]])
    assert used.loc[cell, "patient_id"] == other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda demo: (demo / "maps/TMA1.csv").unlink(), "row 2, column map: demo/maps/TMA1.csv"),
        (lambda demo: (demo / "slides/TMA2.tif").unlink(), "row 3, column image: demo/slides/TMA2"),
        (
            lambda demo: (demo / "slides.csv").write_text("slide_id\nT\n"),
            "demo/slides.csv, row 1: column image is missing",
        ),
    ],
)
def test_a_mistake_in_the_slide_table_stops_the_run_before_it_starts(slides, change, message):
    change(slides / "demo")
    run = dry_run(slides, config=CONFIG)
    assert run.returncode != 0
    [line] = [line for line in output_of(run).splitlines() if message in line]
    assert line.startswith("histosurv: ")
    assert not (slides / "results").exists()


def test_neither_spots_nor_slides(slides):
    config = {"cohorts": {"development": TABLES | {"slides": ""}}}
    run = dry_run(slides, config=config)
    assert "config: cohorts: development: neither spots nor slides are named" in output_of(run)
