"""The tables of a batch: every spot has a verdict, and a bad one stops nothing."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from histosurv.spots.contact_sheet import write_sheet
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.tile_table import SPOT_COLUMNS, TILE_COLUMNS, tabulate


def settings(**given):
    return SpotSettings.of(given)


def spots_of(*images, **columns):
    names = [str(image) for image in images]
    ids = [f"s{i}" for i in range(len(names))]
    return pd.DataFrame({"spot_id": ids, "patient_id": "p", "image": names} | columns)


@pytest.fixture
def half(tmp_path):
    """Tissue on the left, glass on the right."""
    rng = np.random.default_rng(1)
    pixels = np.full((448, 896, 3), 244, np.uint8)
    pixels[:, :448] = rng.normal((190, 120, 170), 25, (448, 448, 3)).clip(0, 255)
    Image.fromarray(pixels).save(tmp_path / "half.png")
    return tmp_path / "half.png"


def test_tile_table_has_a_row_per_tile_and_tells_glass_from_tissue(half):
    done = tabulate(spots_of(half), settings())
    assert done.tiles.columns.tolist() == TILE_COLUMNS
    assert done.spots.columns.tolist() == SPOT_COLUMNS
    assert done.tiles["index"].tolist() == list(range(8))
    assert done.tiles["keep"].tolist() == [1, 1, 0, 0] * 2
    assert done.tiles["tissue_fraction"].iloc[[0, 3]].tolist() == [1.0, 0.0]
    assert done.tiles["sharpness"][0] > 100 * done.tiles["sharpness"][3]
    spot = done.spots.iloc[0]
    assert (spot["usable"], spot["reasons"]) == (1, "")
    assert spot["tissue_fraction"] == pytest.approx(0.5, abs=0.02)
    assert (spot["n_tiles"], spot["n_kept"]) == (8, 4)


def test_tiles_lie_in_pixels_of_the_image(half):
    region = {"x": [40], "y": [8], "width": [400], "height": [400], "mpp": [0.25]}
    done = tabulate(spots_of(half, **region), settings(mpp=0.5, tile_px=100))
    assert done.tiles[["x", "y"]].iloc[[0, -1]].to_numpy().tolist() == [[40, 8], [240, 208]]
    assert (done.tiles["size_px"] == 200).all()
    padded = tabulate(spots_of(half, **region), settings(fit="pad", tile_px=150)).tiles
    assert padded[["x", "y"]].iloc[0].tolist() == [40 - 25, 8 - 25]


def test_threads_change_nothing(half, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"")
    rows = spots_of(half, tmp_path / "bad.png", half, half)
    one, two = (tabulate(rows, settings(), threads) for threads in (1, 3))
    pd.testing.assert_frame_equal(one.tiles, two.tiles)
    pd.testing.assert_frame_equal(one.spots, two.spots)


def test_the_tables_scale_overrides_the_files(half):
    row = tabulate(spots_of(half, mpp=[0.5]), settings()).spots.iloc[0]
    assert (row["mpp"], row["mpp_source"]) == (0.5, "table")
    row = tabulate(spots_of(half), settings()).spots.iloc[0]
    assert pd.isna(row["mpp"])
    assert row["mpp_source"] == "unknown"
    row = tabulate(spots_of(half), settings(mpp=0.5)).spots.iloc[0]
    assert (row["usable"], row["reasons"]) == (0, "mpp_unknown")


@pytest.mark.parametrize(("mpp", "usable"), [(2.0, 1), (0.2, 0), (20.0, 0)])
def test_a_scale_that_is_wrong_by_ten_is_found_by_the_cores_diameter(half, mpp, usable):
    row = tabulate(spots_of(half, mpp=[mpp]), settings(core_diameter_um=900)).spots.iloc[0]
    assert row["usable"] == usable
    assert ("wrong_scale" in row["reasons"]) != usable
    if not usable:
        assert f"{mpp:g} um/px make the" in row["message"]
        assert row["message"].endswith("correct mpp in the table")


def test_background_may_be_dropped(half):
    # `keep` marks it either way; a spot without any tissue is out.
    glass = half.with_name("glass.png")
    Image.new("RGB", (448, 448), (243, 243, 243)).save(glass)
    done = tabulate(spots_of(half, glass), settings(background="drop"))
    assert done.spots["usable"].tolist() == [1, 0]
    assert done.spots["reasons"].tolist() == ["", "no_tissue"]


# What becomes of each file of the folder of bad inputs: tiles, verdict, reason.
BROKEN = {
    "truncated_60pct.jpg": (0, 0, "unreadable"),
    "zero_bytes.png": (0, 0, "unreadable"),
    "text_renamed.svs": (0, 0, "unreadable"),
    "bomb_header_60000x60000.png": (0, 0, "does_not_fit"),
    "white_3500x3500.png": (0, 0, "no_tissue"),
    "black_3500x3500.png": (0, 0, "dark"),
    "png_named.jpg": (9, 1, ""),
    "cmyk.jpg": (9, 1, ""),
    "grey.jpg": (9, 1, ""),
    "rgb_16bit.png": (4, 1, ""),
    "grey_16bit.png": (4, 1, ""),
    "rgba_transparent.png": (9, 1, ""),
    "size_3499x3501.jpg": (256, 1, ""),
    "exif_orientation6_640x480.jpg": (9, 1, ""),
    "spot 07 (Größe, 癌) – copy.jpg": (9, 1, ""),
}
ODD_SLIDES = {
    "CMU-1-Small-Region.svs": (140, 1, ""),
    "tcga-cr-7395-01a-01-ts1.svs": (320, 1, ""),
    "test3-TRITC 2 (560).ndpi": (0, 0, "dark"),
    "small_HE_levels.tiff": (4, 1, "odd_mpp ink"),
    "openslide_odd/boxes.tiff": (4, 1, "odd_mpp ink"),
    "openslide_odd/boxes.png": (4, 1, "ink"),
    "openslide_odd/boxes_0.dcm": (0, 0, "does_not_fit"),
    "openslide_odd/small.svs": (0, 0, "does_not_fit"),
    "openslide_odd/😐.svs": (0, 0, "does_not_fit"),
    "openslide_odd/unopenable.tiff": (0, 0, "unreadable"),
}


@pytest.mark.parametrize(("folder", "files"), [("broken", BROKEN), ("slides", ODD_SLIDES)])
def test_every_odd_file_has_a_right_result_or_a_message(real_data, tmp_path, folder, files):
    rows = spots_of(*(real_data / folder / name for name in files))
    done = tabulate(rows, settings(), threads=2)
    found = done.spots.set_index("image")
    for name, (n_tiles, usable, reasons) in files.items():
        row = found.loc[str(real_data / folder / name)]
        n = (done.tiles["spot_id"] == row["spot_id"]).sum()
        assert (n, row["usable"], row["reasons"]) == (n_tiles, usable, reasons), name
        assert bool(row["message"]) != usable
        assert "\n" not in row["message"]
    write_sheet(done.panels, tmp_path / "sheet.jpg")
    assert Image.open(tmp_path / "sheet.jpg").size[0] > 1000


def test_an_unreadable_slide_is_unreadable(real_data):
    image = real_data / "slides/openslide_odd/unreadable.svs"
    row = tabulate(spots_of(image), settings(tile_px=16)).spots.iloc[0]
    assert (row["usable"], row["reasons"]) == (0, "unreadable")
    assert "Bogus marker length" in row["message"]


def test_every_real_spot_is_usable(real_data):
    images = sorted((real_data / "spots").glob("*.jpg"))[:4]
    done = tabulate(spots_of(*images), settings(), threads=2)
    assert done.spots["usable"].all()
    assert (done.spots["n_tiles"] == 256).all()
    assert done.spots["n_kept"].between(180, 230).all()
    haematoxylin, eosin = (
        done.spots[[f"{dye}_{c}" for c in "rgb"]].to_numpy() for dye in ("haematoxylin", "eosin")
    )
    assert (haematoxylin[:, 0] > 1.5 * eosin[:, 0]).all()  # blue takes red, red does not
