import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import openslide
import pytest
import tifffile
from PIL import Image, ImageCms

from histosurv.errors import InputError
from histosurv.spots import reader
from histosurv.spots.reader import PictureShelf, image_sha256, opened


def read(path, region=None, size=None, **options):
    with opened(str(path), **options) as picture:
        region = region or (0, 0, *picture.size)
        return picture.read(region, size or region[2:])


def save(pixels, path, mode="RGB", **options):
    Image.fromarray(pixels).convert(mode).save(path, **options)
    return str(path)


@pytest.fixture
def pixels():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.fixture
def slide(tmp_path):
    """A tiled pyramid with two levels, and its pixels."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(40, 250, (32, 48, 3), dtype=np.uint8)
    big = np.asarray(Image.fromarray(coarse).resize((1536, 1024), Image.Resampling.BICUBIC))
    path = tmp_path / "slide.tif"
    with tifffile.TiffWriter(path) as file:
        options = {"tile": (256, 256), "photometric": "rgb", "compression": "zlib"}
        file.write(big, resolution=(20_000, 20_000), resolutionunit="CENTIMETER", **options)
        file.write(big[::4, ::4], subfiletype=1, **options)
    return str(path), big


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp", "a.bmp", "odd (Größe, 癌).png"])
def test_lossless_formats_give_the_same_pixels(pixels, tmp_path, name):
    options = {"lossless": True} if name.endswith("webp") else {}
    assert (read(save(pixels, tmp_path / name, **options)) == pixels).all()


def test_jpeg_is_read_as_pillow_decodes_it(pixels, tmp_path):
    path = save(pixels, tmp_path / "a.jpg", quality=95)
    assert (read(path) == np.asarray(Image.open(path))).all()


def test_grey_palette_and_bilevel_become_rgb(pixels, tmp_path):
    grey = read(save(pixels, tmp_path / "g.png", "L"))
    assert (grey == np.asarray(Image.fromarray(pixels).convert("L"))[..., None]).all()
    palette = Image.fromarray(pixels).quantize(16)
    palette.save(tmp_path / "p.png")
    assert (read(tmp_path / "p.png") == np.asarray(palette.convert("RGB"))).all()
    assert set(np.unique(read(save(pixels, tmp_path / "b.png", "1")))) == {0, 255}


def test_cmyk_becomes_rgb(pixels, tmp_path):
    got = read(save(pixels, tmp_path / "a.tif", "CMYK"))
    assert np.abs(got.astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("layout", ["grey png", "grey", "contiguous", "planes"])
def test_the_upper_byte_of_16_bits_counts(pixels, tmp_path, layout):
    deep = pixels.astype(np.uint16) * 256 + 77
    if layout == "grey png":
        Image.fromarray(deep[..., 0]).save(tmp_path / "a.png")
        path, expected = tmp_path / "a.png", np.repeat(pixels[..., :1], 3, axis=2)
    else:
        path, expected = tmp_path / "a.tif", pixels
        planar = "separate" if layout == "planes" else None
        if layout == "grey":
            deep, expected = deep[..., 0], np.repeat(pixels[..., :1], 3, axis=2)
        else:
            deep = np.moveaxis(deep, -1, 0) if planar else deep
        photometric = "minisblack" if layout == "grey" else "rgb"
        tifffile.imwrite(path, deep, photometric=photometric, planarconfig=planar)
    assert (read(path) == expected).all()


def test_transparent_pixels_become_white(pixels, tmp_path):
    alpha = np.zeros((40, 60), np.uint8)
    alpha[:20] = 255
    path = tmp_path / "a.png"
    Image.fromarray(np.dstack([pixels, alpha])).save(path)
    assert (read(path)[:20] == pixels[:20]).all()
    assert (read(path)[20:] == 255).all()


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_turn_asked_for_by_exif_is_made(pixels, tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    path = save(pixels, tmp_path / "a.webp", exif=exif, lossless=True)
    back = {1: "", 2: "l", 3: "lu", 4: "u", 5: "t", 6: "tl", 7: "tul", 8: "tu"}[turn]
    expected = pixels.swapaxes(0, 1) if "t" in back else pixels
    expected = expected[:, ::-1] if "l" in back else expected
    expected = expected[::-1] if "u" in back else expected
    assert (read(path) == expected).all()
    with opened(path) as picture:
        assert picture.size == expected.shape[1::-1]


def test_an_embedded_profile_is_used_only_where_asked_for(pixels, tmp_path):
    lab_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = save(pixels, tmp_path / "a.png", icc_profile=srgb)
    assert (read(path) == pixels).all()
    assert np.abs(read(path, use_profile=True).astype(int) - pixels).max() <= 1
    odd = save(pixels, tmp_path / "b.png", icc_profile=lab_like)
    assert read(odd, use_profile=True).shape == pixels.shape  # a profile that does not fit
    junk = save(pixels, tmp_path / "c.png", icc_profile=b"no profile")
    assert (read(junk, use_profile=True) == pixels).all()


def test_a_region_is_cut_out_and_resampled(pixels, tmp_path):
    path = save(pixels, tmp_path / "a.png")
    assert (read(path, (5, 7, 20, 30)) == pixels[7:37, 5:25]).all()
    assert read(path, (0, 0, 60, 40), (30, 20)).shape == (20, 30, 3)
    for region in ((50, 0, 20, 20), (-1, 0, 20, 20)):
        with pytest.raises(InputError, match="leaves the image of 60 x 40 px") as caught:
            read(path, region)
        assert caught.value.code == "wrong_region"


def test_a_slide_is_read_at_every_scale(slide):
    path, big = slide
    with opened(path) as picture:
        assert type(picture) is reader.SlidePicture
        assert picture.size == (1536, 1024)
        assert picture.mpp() == pytest.approx(0.5)
        assert (picture.read((100, 200, 300, 250), (300, 250)) == big[200:450, 100:400]).all()
        small = picture.read((512, 256, 512, 512), (128, 128)).astype(int)
        close = np.abs(small - big[256:768:4, 512:1024:4])
        assert np.median(close) <= 3
        overview = picture.thumbnail(384)
        assert overview.shape == (256, 384, 3)
        assert np.median(np.abs(overview.astype(int) - big[::4, ::4])) <= 3


def test_a_failed_handle_is_opened_anew(slide, monkeypatch):
    path, big = slide
    read_region, calls = openslide.OpenSlide.read_region, []

    def fail_once(self, *arguments):
        calls.append(self)
        if len(calls) == 1:
            raise openslide.OpenSlideError("broken tile")
        return read_region(self, *arguments)

    monkeypatch.setattr(openslide.OpenSlide, "read_region", fail_once)
    with opened(path) as picture:
        with pytest.raises(InputError, match="broken tile"):
            picture.read((0, 0, 64, 64), (64, 64))
        assert (picture.read((0, 0, 64, 64), (64, 64)) == big[:64, :64]).all()
    assert calls[0] is not calls[1]


def test_label_and_macro_pictures_are_never_touched(slide, monkeypatch):
    def refuse(self):
        raise AssertionError("an associated image was looked at")

    monkeypatch.setattr(openslide.OpenSlide, "associated_images", property(refuse))
    with opened(slide[0]) as picture:
        picture.read((0, 0, 64, 64), (64, 64))
        picture.thumbnail(100)


@pytest.mark.parametrize(("stated", "mpp"), [(20_000, 0.5), (28.3, None), (0, None), (1e9, None)])
def test_a_resolution_that_cannot_be_true_is_not_believed(tmp_path, stated, mpp):
    path = tmp_path / "a.tif"
    picture = np.zeros((32, 32, 3), np.uint8)
    tifffile.imwrite(path, picture, resolution=(stated, stated), resolutionunit="CENTIMETER")
    with opened(str(path)) as picture:
        assert picture.mpp() == mpp


def test_what_cannot_be_decoded_is_named(pixels, tmp_path):
    whole = Path(save(np.tile(pixels, (8, 8, 1)), tmp_path / "whole.jpg"))
    (tmp_path / "half.jpg").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.svs").write_text("no slide")
    (tmp_path / "page.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    Image.fromarray(np.zeros((9, 9), np.float32)).save(tmp_path / "float.tif")
    Image.fromarray(np.full((9, 9), 70_000, np.int32)).save(tmp_path / "long.tif")
    for name in ("half.jpg", "empty.png", "text.svs", "page.eps", "float.tif", "long.tif"):
        with pytest.raises(InputError, match=name) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert "; " in str(caught.value)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path):
    Image.new("L", (20_000, 20_000)).save(tmp_path / "bomb.png")
    code = f"""
import resource
from histosurv.errors import InputError
from histosurv.spots.reader import opened
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with opened({str(tmp_path / "bomb.png")!r}) as picture:
    for act in (lambda: picture.read((0, 0, 9, 9), (9, 9)), lambda: picture.thumbnail(100)):
        try:
            act()
        except InputError as error:
            print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *messages, grown_kb = run.stdout.splitlines()
    assert len(messages) == 2
    assert all("20000 x 20000 px at once is no single spot" in message for message in messages)
    assert int(grown_kb) < 100_000


def test_hash_follows_the_content(pixels, tmp_path):
    one, two = save(pixels, tmp_path / "1.png"), save(pixels, tmp_path / "2.png")
    assert image_sha256(one) == image_sha256(two)
    assert image_sha256(save(pixels[::-1], tmp_path / "2.png")) != image_sha256(one)


def test_ome_states_its_scale(tmp_path):
    described = '<OME><Pixels PhysicalSizeX="0.25" PhysicalSizeXUnit="µm"/></OME>'
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((9, 9, 3), np.uint8), description=described.encode())
    (tmp_path / "a.ome.tif").write_bytes(buffer.getvalue())
    with opened(str(tmp_path / "a.ome.tif")) as picture:
        assert picture.mpp() == 0.25


def test_a_picture_that_was_replaced_is_opened_anew(tmp_path):
    path, shelf = tmp_path / "a.png", PictureShelf()
    for colour in ((200, 0, 0), (0, 0, 200)):
        Image.new("RGB", (40, 40 + colour[0]), colour).save(path)
        picture = shelf.open(str(path), use_profile=False)
        assert picture is shelf.open(str(path), use_profile=False)
        assert picture.read((0, 0, 1, 1), (1, 1))[0, 0].tolist() == list(colour)
