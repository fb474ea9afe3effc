"""De-arraying is right, or says that it is not sure; never is a wrong cell reported as sure."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from tests.spots.drawn_arrays import Layout, draw, hard_layout
from tests.spots.drawn_verdicts import expected_of, found_share, outcome, wrong_cells

from histosurv.spots.dearray import dearray
from histosurv.spots.overview import estimate_core_px

CORNER = ((0, 0), (0, 1))  # empty cells that tell the orientation
EASY = {
    "plain": {},
    "turned and bent": {"turn_degrees": 18, "bend": 0.5, "keystone": 0.04},
    "turned to the other side": {"turn_degrees": -20},
    "jitter": {"jitter_px": 25},
    "jitter and missing": {"jitter_px": 25, "missing": 0.15},
    "many missing": {"missing": 0.4},
    "debris": {"debris": 30, "missing": 0.1},
    "touching": {"pitch": 1.0, "missing": 0.05},
    "blocks": {"gap_after_column": 5, "gap_after_row": 3, "gap": 0.8},
    "black frame": {"border_px": 40, "debris": 5},
    "pale": {"stain": 1},
    "brown on yellow glass": {"stain": 2, "glass": (244, 236, 205), "shade": 0.04},
    "ragged": {"ragged": 0.5, "missing": 0.1},
    "tall": {"rows": 14, "columns": 5, "turn_degrees": 7},
    "with a map of empty places": {"empty": CORNER, "missing": 0.1},
    "everything": {"jitter_px": 12, "debris": 15, "ragged": 0.3, "turn_degrees": 11, "bend": 0.3},
}


def in_soak(values):
    """More of the same, for `make soak`; thousands are drawn by `make bench`."""
    return [pytest.param(value, marks=pytest.mark.soak) for value in values]


@pytest.mark.parametrize("kind", EASY)
@pytest.mark.parametrize("seed", [1, *in_soak([2])])
def test_grids_whose_lines_are_all_there_are_right(kind, seed):
    drawn = draw(Layout(seed=seed, **EASY[kind]))
    grid = dearray(drawn.picture, expected_of(drawn), drawn.layout.core_px)
    assert outcome(drawn, grid) == "right", grid.doubts
    assert found_share(drawn, grid) > (0.9 if "ragged" in EASY[kind] else 0.97)


@pytest.mark.parametrize("seed", [*range(12), *in_soak(range(12, 40))])
def test_no_wrong_cell_is_reported_as_sure(seed):
    drawn = draw(hard_layout(seed))
    grid = dearray(drawn.picture, expected_of(drawn), drawn.layout.core_px)
    assert outcome(drawn, grid) != "wrong", wrong_cells(drawn, grid)


@pytest.mark.parametrize("lost", [{"lost_columns": (0,)}, {"lost_columns": (11,)},
                                  {"lost_rows": (0,)}, {"lost_rows": (6, 7)},
                                  {"lost_rows": (7,), "lost_columns": (0,)}])  # fmt: skip
def test_a_lost_outer_line_is_ambiguous_without_a_pattern(lost):
    drawn = draw(Layout(seed=3, missing=0.05, **lost))
    grid = dearray(drawn.picture, expected_of(drawn), 100)
    assert any("hold cores" in doubt for doubt in grid.doubts)


def test_a_pattern_of_empty_places_decides_which_line_is_lost():
    empty = ((0, 1), (0, 2), (3, 4), (5, 9), (7, 6), (2, 10))
    for lost in ({"lost_columns": (0,)}, {"lost_columns": (11,)}, {"lost_rows": (0,)}):
        drawn = draw(Layout(seed=4, empty=empty, **lost))
        grid = dearray(drawn.picture, expected_of(drawn), 100)
        assert outcome(drawn, grid) == "right", (lost, grid.doubts)


@pytest.mark.parametrize(
    ("flip", "told"),
    [
        ("180", "turned by 180 degrees"),
        ("left-right", "mirrored left to right"),
        ("up-down", "mirrored top to bottom"),
    ],
)
def test_a_slide_that_lies_otherwise_than_its_map_is_noticed(flip, told):
    for seed in range(3):
        drawn = draw(Layout(seed=seed, empty=CORNER, flip=flip, missing=0.03))
        grid = dearray(drawn.picture, expected_of(drawn), 100)
        assert any(f"the slide looks {told}" in doubt for doubt in grid.doubts), grid.doubts


def test_a_slide_scanned_across_is_noticed():
    drawn = draw(Layout(seed=0, empty=CORNER))
    picture = np.ascontiguousarray(np.rot90(drawn.picture))
    doubts = dearray(picture, expected_of(drawn), 100).doubts
    assert any("turned by 90 degrees" in doubt or "more" in doubt for doubt in doubts), doubts


def test_without_a_pattern_the_orientation_is_said_to_be_taken_on_trust():
    drawn = draw(Layout(seed=0))
    grid = dearray(drawn.picture, expected_of(drawn), 100)
    assert any("orientation is taken as the map's" in remark for remark in grid.remarks)
    mirrored = draw(Layout(seed=0, empty=((0, 0), (0, 11)), flip="left-right"))
    [remark] = dearray(mirrored.picture, expected_of(mirrored), 100).remarks
    assert "is mirrored left to right: its orientation" in remark
    marked = draw(Layout(seed=0, empty=CORNER))
    assert not dearray(marked.picture, expected_of(marked), 100).remarks


def test_a_core_where_the_map_has_none_stops():
    drawn = draw(Layout(seed=5))
    expected = np.ones((8, 12), bool)
    expected[2, 6] = False
    doubts = dearray(drawn.picture, expected, 100).doubts
    assert any("a core lies at C-7, where the map has none" in doubt for doubt in doubts)


@pytest.mark.parametrize("shape", [(7, 12), (8, 11), (9, 12), (8, 13), (12, 8)])
def test_wrong_numbers_of_rows_or_columns_stop(shape):
    drawn = draw(Layout(seed=6, missing=0.05))
    assert dearray(drawn.picture, np.ones(shape, bool), 100).doubts


@pytest.mark.parametrize("factor", [0.5, 2, 10])
def test_a_wrong_scale_stops(factor):
    drawn = draw(Layout(seed=7))
    doubts = dearray(drawn.picture, expected_of(drawn), 100 * factor).doubts
    assert any("times as large as the core diameter" in doubt for doubt in doubts)


def test_the_size_is_found_where_none_is_known():
    for core_px in (40, 70, 100):
        drawn = draw(Layout(seed=8, core_px=core_px, missing=0.1, debris=5))
        assert estimate_core_px(drawn.picture, 96) == pytest.approx(core_px, rel=0.12)
        assert outcome(drawn, dearray(drawn.picture, expected_of(drawn))) == "right"


@pytest.mark.parametrize("light", [0, 128, 243])
def test_a_picture_without_cores_stops(light):
    picture = np.full((400, 600, 3), light, np.uint8)
    grid = dearray(picture, np.ones((8, 12), bool), 40)
    assert grid.doubts
    assert len(grid.cores) == 96
    assert grid.cores["present"].sum() == 0


def test_the_real_overview_with_known_cells(real_data):
    picture = np.asarray(Image.open(real_data / "tma/tma_ada/ST221.jpg").convert("RGB"))
    with (real_data / "tma/tma_ada/ST221.csv").open() as file:
        boxes = list(csv.DictReader(file))
    grid = dearray(picture, np.ones((4, 6), bool))
    assert not grid.doubts
    cores = grid.cores.set_index(["row", "column"])
    for box in boxes:
        core = cores.loc[(int(box["row"]) + 1, int(box["col"]) + 1)]
        assert core["present"] == box["QC_pass"].startswith("T")
        if core["present"]:
            assert core["confidence"] > 0.99
            middle = [int(box[a]) + int(box[b]) / 2 for a, b in (("x", "w"), ("y", "h"))]
            assert np.hypot(core["x"] - middle[0], core["y"] - middle[1]) < 0.15 * grid.core_px


# Rows and columns as counted by eye; cores that lie apart from the array are not among its cells.
REAL = {
    "158868": (13, 22, 253, 0),
    "158871": (7, 11, 69, 2),
    "ABC_096_1_009_1": (12, 13, 137, 0),
    "ABC_108_1_010_1": (12, 7, 85, 6),
}


@pytest.mark.parametrize("name", REAL)
def test_real_overviews_are_sure_and_agree_with_the_marked_cores(real_data, name):
    rows, columns, n_marked, n_may_be_lost = REAL[name]
    path = real_data / "tma/microarray_dearraying" / f"{name}.png"
    marked = json.loads(path.with_suffix(".json").read_text())
    marked = marked if isinstance(marked, list) else next(iter(marked.values()))
    grid = dearray(np.asarray(Image.open(path).convert("RGB")), np.ones((rows, columns), bool))
    assert not grid.doubts
    found = grid.cores.loc[grid.cores["present"] == 1, ["x", "y"]].to_numpy()
    true = np.array([[core["x"], core["y"]] for core in marked])
    distance = np.linalg.norm(true[:, None] - found[None], axis=-1)
    assert len(true) == n_marked
    assert (distance.min(axis=1) < marked[0]["radius"]).sum() >= n_marked - n_may_be_lost
    assert (distance.min(axis=0) >= marked[0]["radius"]).sum() <= 1  # at most one more


@pytest.mark.parametrize("row", [3, *in_soak([0, 7])])
@pytest.mark.parametrize("slip", [0.55, 0.65, 0.8, 1.0, -0.6, -1.0])
def test_a_row_that_has_slipped_along_itself_is_noticed(row, slip):
    # By a whole step, with the core at the end missing, no picture can tell.
    for more in ({}, {"missing": 0.1 if abs(slip) < 1 else 0.0}, {"empty": CORNER}):
        drawn = draw(Layout(seed=row, slipped_row=row, slip=slip, pitch=1.5, **more))
        grid = dearray(drawn.picture, expected_of(drawn), 100)
        assert outcome(drawn, grid) != "wrong", (more, wrong_cells(drawn, grid)[:3])


@pytest.mark.parametrize(
    ("name", "columns"),
    [("ABC_099_1_009_1", 13), ("ABC_102_1_009_1", 14), ("ABC_103_1_009_1", 13),
     ("ABC_105_1_010_1", 13)],
)  # fmt: skip
def test_real_overviews_that_cannot_be_told_stop(real_data, name, columns):
    # Half empty, staggered or edged, or with what may be a core beyond a column that has gaps.
    path = real_data / "tma/microarray_dearraying" / f"{name}.png"
    assert dearray(np.asarray(Image.open(path).convert("RGB")), np.ones((12, columns), bool)).doubts
