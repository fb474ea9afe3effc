"""From a slide and its map to a core table, its pictures and back from what a person corrected."""

import json

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image
from tests.spots.drawn_arrays import Layout, draw

from histosurv.cli.study import dearray
from histosurv.cohort.slides import read_map
from histosurv.errors import InputError
from histosurv.spots.core_files import publish_cores
from histosurv.spots.cores import COLUMNS, find_cores, read_cores, with_cores

ROWS, SPAN, UM = 4, 6, 600.0
EMPTY = ((0, 0), (0, 1), (3, 5))


def write_map(path, control=(2, 2)):
    lines = ["row,column,patient_id"]
    for row, column in np.ndindex(ROWS, SPAN):
        who = "empty" if (row, column) in EMPTY else f"P{row}{column}"
        who = "control" if (row, column) == control else who
        lines.append(f"{row + 1},{column + 1},{who}")
    path.write_text("\n".join(lines) + "\n")
    return read_map(path, ROWS, SPAN)


@pytest.fixture(scope="module")
def array(tmp_path_factory):
    """A slide of 4 x 6 cores at 6 um/px, with its scale in the file, and its map."""
    folder = tmp_path_factory.mktemp("array")
    layout = Layout(rows=ROWS, columns=SPAN, empty=EMPTY, missing=0.1, turn_degrees=5, seed=2)
    drawn = draw(layout)
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "zlib"}
    resolution = {"resolution": (1e4 / 6, 1e4 / 6), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(folder / "slide.tif", drawn.picture, **options, **resolution)
    return str(folder / "slide.tif"), drawn, write_map(folder / "map.csv")


def found_in(array, **options):
    image, _, cells = array
    settings = {"rows": ROWS, "columns": SPAN, "core_diameter_um": UM} | options
    return find_cores(image, cells, **settings)


def test_cores_lie_where_they_were_drawn(array):
    slide = found_in(array)
    _, drawn, cells = array
    assert not slide.doubts
    assert slide.cores.columns.tolist() == COLUMNS
    assert slide.cores["patient_id"].tolist() == cells["patient_id"].tolist()
    for core in slide.cores.itertuples():
        cell = (core.row - 1, core.column - 1)
        assert core.present == drawn.present[cell]
        if core.present:
            off = np.hypot(*(drawn.centres[cell] - (core.centre_x, core.centre_y)))
            assert off < 0.1 * drawn.layout.core_px
            assert (core.width, core.height) == (110, 110)
            assert abs(core.x + 55 - core.centre_x) <= 1
    verdict = slide.verdict()
    assert verdict["sure"]
    assert verdict["n_cells"] == 24
    assert verdict["n_expected"] == 21
    assert verdict["n_present"] == drawn.present.sum()


def test_boxes_stay_on_the_slide(array):
    slide = found_in(array)
    _, drawn, _ = array
    height, width = drawn.picture.shape[:2]
    cores = slide.cores
    assert (cores[["x", "y"]] >= 0).all(axis=None)
    assert ((cores["x"] + cores["width"]) <= width).all()
    assert ((cores["y"] + cores["height"]) <= height).all()


def test_everything_is_written_for_a_sure_grid(array, tmp_path):
    publish_cores(found_in(array), array[0], tmp_path / "T1.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"T1.{ending}" for ending in ("csv", "geojson", "json", "png", "qptma")
    ]
    collection = json.loads((tmp_path / "T1.geojson").read_text(encoding="utf-8"))
    assert collection["type"] == "FeatureCollection"
    assert len(collection["features"]) == 24
    for feature in collection["features"]:
        ring = np.array(feature["geometry"]["coordinates"][0])
        assert feature["geometry"]["type"] == "Polygon"
        assert (ring[0] == ring[-1]).all()
    assert Image.open(tmp_path / "T1.png").size[0] >= 900
    table = read_cores(tmp_path / "T1.csv")
    assert table["name"].iloc[[0, -1]].tolist() == ["A-1", "D-6"]


@pytest.mark.parametrize("ending", ["csv", "geojson", "qptma"])
def test_what_is_written_is_read_back_as_it_is(array, tmp_path, ending):
    slide = found_in(array)
    publish_cores(slide, array[0], tmp_path / "T1.csv")
    again = found_in(array, override=str(tmp_path / f"T1.{ending}"))
    assert again.source == f"T1.{ending}"
    assert not again.doubts
    columns = ["row", "column", "patient_id", "present", "x", "y", "width", "height"]
    pd.testing.assert_frame_equal(
        slide.cores[columns], again.cores[columns], check_dtype=False, atol=1.01
    )
    publish_cores(again, array[0], tmp_path / "again.csv")


@pytest.mark.parametrize("ending", ["csv", "geojson", "qptma"])
def test_an_unsure_core_stays_out_until_a_person_confirms_it(array, tmp_path, ending):
    slide = found_in(array)
    present = slide.cores.index[slide.cores["present"] == 1]
    slide.cores.loc[present[0], "confidence"] = 0.4
    publish_cores(slide, array[0], tmp_path / "T1.csv")
    again = found_in(array, override=str(tmp_path / f"T1.{ending}")).cores
    core = again.loc[present[0]]
    assert core["present"] == 0 or core["confidence"] < 0.9
    assert (again.loc[present[1:], "confidence"] >= 0.9).all()


def test_a_core_moved_and_one_taken_out_by_hand(array, tmp_path):
    publish_cores(found_in(array), array[0], tmp_path / "T1.csv")
    table = pd.read_csv(tmp_path / "T1.csv")
    table.loc[7, ["x", "y"]] = [11, 22]
    table = table.drop(index=9).drop(columns=["confidence", "coverage", "centre_x", "centre_y"])
    table.to_csv(tmp_path / "mine.csv", index=False)
    cores = found_in(array, override=str(tmp_path / "mine.csv")).cores
    assert cores.loc[7, ["x", "y", "centre_x", "confidence"]].tolist() == [11, 22, 66, 1]
    assert cores.loc[9, "present"] == 0


@pytest.mark.parametrize(
    "properties",
    [
        {"objectType": "tmaCore", "name": "B-3", "isMissing": False},
        {"object_type": "tma_core", "name": "B3"},
        {"objectType": "tmaCore", "name": "3-B"},
        {"name": "2-3"},
    ],
)
def test_cores_that_qupath_exported(array, tmp_path, properties):
    box = [[100, 50], [200, 50], [200, 150], [100, 150], [100, 50]]
    core = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [box]}}
    other = core | {"properties": {"objectType": "detection", "name": "cell 7"}}
    features = [core | {"properties": properties}, other]
    path = tmp_path / "q.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    cores = found_in(array, override=str(path)).cores
    [found] = cores[cores["present"] == 1].to_dict("records")
    assert (found["row"], found["column"], found["patient_id"]) == (2, 3, "P12")
    assert (found["x"], found["y"], found["width"], found["height"]) == (100, 50, 100, 100)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "row,column,x,y,width,height,present\n9,1,1,1,9,9,1\n", "lies outside the 4 x 6"),
        ("a.csv", "row,column,present\n1,1,1\n", "core A-1 has no box; fill x, y, width"),
        (
            "a.csv",
            "row,column,x,y,width,height,present\n1,1,1,1,9,9,1\n1,1,1,1,9,9,1\n",
            "cell A-1 stands there twice",
        ),
        (
            "a.csv",
            "row,column,x,y,width,height,present,patient_id\n2,3,1,1,9,9,1,P99\n",
            "core B-3 is 'P99' here and 'P12' in the map",
        ),
        (
            "a.csv",
            "row,column,x,y,width,height,present\n1,1,9,9,50,50,1\n1,2,11,12,50,50,1\n",
            "cores A-1 and A-2 lie on one another",
        ),
        (
            "a.csv",
            "row,column,x,y,width,height,present\n1,1,90000,9,50,50,1\n",
            "the box of core A-1 is off the slide",
        ),
        ("a.csv", "row,column,present\n1,1,0\n", "marks no core as present"),
        ("a.geojson", "{}", "no readable GeoJSON of cores"),
        ("a.geojson", '{"features": [null]}', "no readable GeoJSON of cores"),
        ("a.geojson", '{"features": []}', "holds no core"),
        ("a.qptma", "nothing", "no readable TMA grid"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_named(array, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        found_in(array, override=str(tmp_path / name))
    assert name in str(caught.value)


def test_a_doubtful_grid_stops_with_an_overlay_and_a_table_to_correct(array, tmp_path):
    image, _, cells = array
    turned = cells.assign(patient_id=cells["patient_id"].to_numpy()[::-1])
    slide = find_cores(image, turned, rows=ROWS, columns=SPAN, core_diameter_um=UM)
    with pytest.raises(InputError, match="looks turned by 180 degrees") as caught:
        publish_cores(slide, image, tmp_path / "T1.csv")
    assert "name a copy of it as cores_override" in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["T1.doubtful.csv", "T1.doubtful.png"]
    confirmed = find_cores(
        image,
        turned,
        rows=ROWS,
        columns=SPAN,
        core_diameter_um=UM,
        override=str(tmp_path / "T1.doubtful.csv"),
    )
    publish_cores(confirmed, image, tmp_path / "T1.csv")
    assert not (tmp_path / "T1.doubtful.png").exists()


def test_a_doubt_takes_back_what_an_earlier_run_was_sure_of(array, tmp_path):
    publish_cores(found_in(array), array[0], tmp_path / "T1.csv")
    slide = found_in(array)
    slide.doubts.append("a doubt")
    with pytest.raises(InputError, match="a doubt"):
        publish_cores(slide, array[0], tmp_path / "T1.csv")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["T1.doubtful.csv", "T1.doubtful.png"]


def test_the_command_overwrites_none_of_its_inputs(array, tmp_path):
    slide, table = tmp_path / "slide.png", tmp_path / "map.csv"
    Image.fromarray(array[1].picture).save(slide)
    array[2].drop(columns="line").to_csv(table, index=False)
    for out in (tmp_path / "slide.csv", table):
        with pytest.raises(InputError, match="would overwrite"):
            dearray(slide, ROWS, SPAN, UM, table, out)


def test_missing_and_unsure_cores_are_told_before_a_pixel_is_read(array, tmp_path):
    slide = found_in(array)
    slide.cores.loc[slide.cores["name"] == "B-3", "confidence"] = 0.5
    slide.cores.loc[slide.cores["name"] == "B-4", "present"] = 0
    publish_cores(slide, array[0], tmp_path / "T1.csv")
    spots = pd.DataFrame(
        {"spot_id": ["a", "b", "c"], "tma_slide": "T1", "tma_row": 2, "tma_column": [3, 4, 5]}
    )
    found = with_cores(spots, tmp_path)
    assert found["reason"].tolist() == ["core_unsure", "core_missing", ""]
    assert found["width"].tolist() == [110] * 3
