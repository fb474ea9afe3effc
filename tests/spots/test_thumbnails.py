"""Small pictures of the spots: what was scanned there, nothing else, under any name."""

import zipfile

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from histosurv.errors import InputError
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.thumbnails import (
    Thumbnails,
    from_jpeg,
    make_thumbnail,
    to_jpeg,
    write_thumbnails,
)
from histosurv.spots.tile_table import tabulate

PINK, VIOLET, GLASS = (214, 130, 180), (90, 50, 130), (244, 244, 244)
HOSTILE = [
    "../../etc/passwd", "/root", "a/b\\c", "C:con", "index.csv", "0000.jpg", "a", "A", "NA", "007",
    "x" * 300, "two\nlines", "ends\r", 'say "hm", ok', "<script>", "Größe 癌 🙂", " ", "=1+1",
]  # fmt: skip


def cut(rows, tmp_path, threads=1, **settings):
    done = tabulate(pd.DataFrame(rows), SpotSettings.of(settings), threads)
    write_thumbnails(done.thumbnails, tmp_path / "thumbnails.zip")
    return done, Thumbnails([tmp_path / "thumbnails.zip"])


def spot(image, name="s", **columns):
    return {"spot_id": name, "patient_id": "p", "image": str(image), "reason": ""} | columns


@pytest.fixture
def slide(tmp_path):
    """Glass with a pink spot on it, a quarter of which is violet; a pyramid."""
    pixels = np.full((1024, 2048, 3), GLASS, np.uint8)
    pixels[300:700, 1000:1800] = PINK
    pixels[300:500, 1000:1400] = VIOLET
    with tifffile.TiffWriter(tmp_path / "slide.tif") as file:
        options = {"tile": (256, 256), "photometric": "rgb", "compression": "zlib"}
        file.write(pixels, **options)
        file.write(pixels[::2, ::2], subfiletype=1, **options)
    return tmp_path / "slide.tif"


REGION = {"x": 1000, "y": 300, "width": 800, "height": 400}


@pytest.mark.parametrize(
    "settings",
    [{}, {"fit": "pad"}, {"fit": "resize", "tile_px": 300}, {"mpp": 1.0}, {"stain": "macenko"}],
)
def test_a_picture_shows_the_region_and_nothing_else(slide, tmp_path, settings):
    _, thumbnails = cut([spot(slide, mpp=0.6, **REGION)], tmp_path, **settings)
    picture = thumbnails.picture("s")
    assert picture.size == (256, 128)  # not stretched, not padded
    pixels = np.asarray(picture).astype(int)
    assert np.abs(pixels[:60, :124] - VIOLET).max() < 12
    assert np.abs(pixels[68:] - PINK).max() < 12
    assert np.abs(pixels[:, 132:] - PINK).max() < 12


def test_tiles_lie_on_the_picture_where_they_lie_in_the_region(tmp_path):
    rng = np.random.default_rng(2)
    pixels = rng.normal(PINK, 20, (900, 1200, 3)).clip(0, 255).astype(np.uint8)
    pixels[500:700, 700:900] = VIOLET
    Image.fromarray(pixels).save(tmp_path / "a.png")
    region = {"x": 100, "y": 100, "width": 1000, "height": 800, "mpp": 0.5}
    done, thumbnails = cut([spot(tmp_path / "a.png", **region)], tmp_path, tile_px=100, mpp=1.0)
    row = done.spots.iloc[0]
    shown = np.asarray(thumbnails.picture("s")).astype(int)
    scale = shown.shape[1] / row["width"]
    for tile in done.tiles.itertuples():
        left, top = (tile.x - row["x"]) * scale, (tile.y - row["y"]) * scale
        side = tile.size_px * scale
        rows, columns = (slice(round(at) + 2, round(at + side) - 2) for at in (top, left))
        box = shown[rows, columns]
        is_violet = (tile.x, tile.y) == (700, 500)
        assert np.abs(box.mean(axis=(0, 1)) - (VIOLET if is_violet else PINK)).max() < 5


def test_a_small_spot_is_not_enlarged(tmp_path):
    Image.new("RGB", (90, 60), PINK).save(tmp_path / "small.png")
    _, thumbnails = cut([spot(tmp_path / "small.png")], tmp_path, tile_px=30)
    assert thumbnails.picture("s").size == (90, 60)
    # Nor what was read coarser than it was scanned.
    coarse = make_thumbnail(np.zeros((50, 100, 3), np.uint8), (0, 0, 800, 400))
    assert from_jpeg(coarse).size == (100, 50)


def test_who_can_be_read_has_a_picture_usable_or_not(slide, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    Image.new("RGB", (448, 448), GLASS).save(tmp_path / "glass.png")
    Image.new("RGB", (40, 40), PINK).save(tmp_path / "tiny.png")
    beyond = REGION | {"x": 1900}
    rows = [
        spot(slide, "good", **REGION),
        spot(tmp_path / "glass.png", "glass"),
        spot(tmp_path / "tiny.png", "tiny"),
        spot(tmp_path / "bad.png", "bad"),
        spot(slide, "beyond", **beyond),
        spot(slide, "missing", reason="core_missing"),
    ]
    done, thumbnails = cut(rows, tmp_path)
    assert done.spots["reasons"].tolist() == [
        "", "no_tissue", "does_not_fit", "unreadable", "wrong_region", "core_missing",
    ]  # fmt: skip
    seen = {row["spot_id"]: thumbnails.picture(row["spot_id"]) for row in rows}
    assert {name for name in seen if seen[name] is None} == {"bad", "beyond", "missing"}
    assert seen["tiny"].size == (40, 40)
    assert thumbnails.picture("nobody") is None
    assert len(done.panels) == len(rows)


def test_same_spots_same_bytes(slide, tmp_path):
    rows = [spot(slide, f"s{x}", **REGION | {"x": x}) for x in range(900, 1100, 50)]
    written = []
    for threads in (1, 3):
        cut(rows, tmp_path, threads)
        written.append((tmp_path / "thumbnails.zip").read_bytes())
    assert written[0] == written[1]
    with zipfile.ZipFile(tmp_path / "thumbnails.zip") as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}


def test_any_id_comes_back_and_no_member_leaves_the_folder(tmp_path):
    grey = {
        name: to_jpeg(Image.new("RGB", (8, 8), (i * 10,) * 3)) for i, name in enumerate(HOSTILE)
    }
    halves = [dict(list(grey.items())[:9]), dict(list(grey.items())[9:])]
    paths = [tmp_path / "0.zip", tmp_path / "1.zip"]
    for half, path in zip(halves, paths, strict=True):
        write_thumbnails(half, path)
    thumbnails = Thumbnails(paths)
    for i, name in enumerate(HOSTILE):
        assert thumbnails.jpeg(name) == grey[name]
        assert thumbnails.picture(name).getpixel((4, 4)) == (i * 10,) * 3
    with zipfile.ZipFile(paths[0]) as archive:
        assert archive.namelist() == ["index.csv", *(f"{i:04d}.jpg" for i in range(9))]


def test_an_archive_is_opened_when_it_is_asked_for_and_a_damaged_one_is_told(tmp_path):
    write_thumbnails({}, tmp_path / "none.zip")
    assert Thumbnails([tmp_path / "none.zip"]).picture("s") is None
    (tmp_path / "cut.zip").write_bytes((tmp_path / "none.zip").read_bytes()[:40])
    for name in ("cut.zip", "gone.zip"):
        thumbnails = Thumbnails([tmp_path / name])
        with pytest.raises(InputError, match=f"{name}: no readable archive of thumbnails"):
            thumbnails.picture("s")
