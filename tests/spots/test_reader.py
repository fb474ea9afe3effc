import numpy as np
import pandas as pd
import pytest
from PIL import Image

from histosurv.errors import InputError
from histosurv.spots.reader import image_sha256, read_spot
from histosurv.spots.tile_table import COLUMNS, tabulate


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def save(pixels, path, mode="RGB", **options):
    Image.fromarray(pixels).convert(mode).save(path, **options)
    return str(path)


def test_rgb_comes_back_as_it_is(pixels, tmp_path):
    assert (read_spot(save(pixels, tmp_path / "a b (Größe, 癌).png")) == pixels).all()


def test_grey_becomes_three_equal_channels(pixels, tmp_path):
    grey = read_spot(save(pixels, tmp_path / "a.png", "L"))
    assert grey.shape == (40, 60, 3)
    assert (grey[..., 0] == grey[..., 2]).all()


def test_cmyk_becomes_rgb(pixels, tmp_path):
    assert read_spot(save(pixels, tmp_path / "a.tif", "CMYK")).shape == (40, 60, 3)


def test_transparent_pixels_become_white(pixels, tmp_path):
    alpha = np.zeros((40, 60), np.uint8)
    alpha[:20] = 255
    path = tmp_path / "a.png"
    Image.fromarray(np.dstack([pixels, alpha])).save(path)
    spot = read_spot(str(path))
    assert (spot[:20] == pixels[:20]).all()
    assert (spot[20:] == 255).all()


def test_the_turn_asked_for_by_exif_is_made(pixels, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read_spot(save(pixels, tmp_path / "a.png", exif=exif)).shape == (60, 40, 3)


def test_a_region_is_cut_out(pixels, tmp_path):
    path = save(pixels, tmp_path / "a.png")
    assert (read_spot(path, (5, 7, 20, 30)) == pixels[7:37, 5:25]).all()
    with pytest.raises(InputError, match="leaves the image of 60 x 40 px"):
        read_spot(path, (50, 0, 20, 20))


def test_a_slide_is_read_through_openslide(pixels, tmp_path):
    big = np.tile(pixels, (16, 16, 1))
    path = tmp_path / "slide.tif"
    Image.fromarray(big).save(path, tile=(256, 256), compression="tiff_deflate")
    assert (read_spot(str(path), (100, 200, 300, 250)) == big[200:450, 100:400]).all()


def test_what_cannot_be_decoded_is_named(pixels, tmp_path):
    whole = tmp_path / "whole.jpg"
    save(np.tile(pixels, (8, 8, 1)), whole)
    half = tmp_path / "half.jpg"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(deep)
    for path in (half, empty, deep):
        with pytest.raises(InputError, match=path.name) as caught:
            read_spot(str(path))
        assert "\n" not in str(caught.value)


def test_tile_table_has_a_row_per_tile_and_tells_glass_from_tissue(tmp_path):
    pixels = np.full((224, 448, 3), 244, np.uint8)
    rng = np.random.default_rng(1)
    pixels[:, :224] = rng.integers(90, 200, (224, 224, 3))
    path = save(pixels, tmp_path / "a.png")
    spots = pd.DataFrame({"spot_id": ["s"], "patient_id": ["p"], "image": [path]})
    table = tabulate(spots)
    assert table.columns.tolist() == COLUMNS
    assert table["index"].tolist() == [0, 1]
    assert table["keep"].tolist() == [1, 0]
    assert table["tissue_fraction"].tolist() == [1.0, 0.0]
    assert table["sharpness"][0] > 100 * table["sharpness"][1]


def test_a_small_image_is_named(pixels, tmp_path):
    path = save(pixels, tmp_path / "a.png")
    spots = pd.DataFrame({"spot_id": ["s"], "patient_id": ["p"], "image": [path]})
    with pytest.raises(InputError, match=r"a\.png: 60 x 40 px is smaller than one tile"):
        tabulate(spots)


def test_hash_follows_the_content(pixels, tmp_path):
    one, two = save(pixels, tmp_path / "1.png"), save(pixels, tmp_path / "2.png")
    assert image_sha256(one) == image_sha256(two)
    assert image_sha256(save(pixels[::-1], tmp_path / "2.png")) != image_sha256(one)
