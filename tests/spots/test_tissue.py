import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from histosurv.cohort.drawing import Stain, draw_spot
from histosurv.spots.quality import BLURRED, measure
from histosurv.spots.reader import opened
from histosurv.spots.stain import (
    REFERENCE_MEAN,
    REFERENCE_SD,
    REFERENCE_VECTORS,
    fit_stain,
    normalise,
)
from histosurv.spots.tiling import Geometry, frame
from histosurv.spots.tissue import find_masks, tile_shares

LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])


@pytest.fixture(scope="module")
def spot():
    """A drawn spot of 700 px with a disc of tissue."""
    stain = Stain.of_block(np.random.default_rng(0))
    return draw_spot(np.random.default_rng(1), 0.0, stain, spot_px=700, mpp=1.1)


def tinted(pixels, light):
    return (pixels * (np.array(light) / 255)).round().astype(np.uint8)


def test_a_disc_of_tissue_is_found(spot):
    masks = find_masks(spot)
    assert 0.6 < masks.tissue.mean() < 0.85  # a disc fills 79 % of its square, less its lumina
    assert masks.tissue[:12, :12].sum() == 0
    assert masks.pen.sum() == masks.fold.sum() == 0


@pytest.mark.parametrize(
    "light", [(255, 255, 255), (255, 245, 205), (215, 215, 215), (235, 250, 240)]
)
def test_yellow_dim_and_greenish_glass_are_glass(spot, light):
    plain, other = find_masks(spot), find_masks(tinted(spot, light))
    assert np.allclose(other.white, plain.white * np.array(light) / 255, atol=2)
    assert np.mean(plain.tissue != other.tissue) < 0.03


def test_pale_tissue_is_tissue(spot):
    pale = (243 - (243 - spot.astype(float)) * 0.3).round().astype(np.uint8)
    assert find_masks(pale).tissue.mean() > 0.8 * find_masks(spot).tissue.mean()


def test_white_filling_beside_grey_glass_is_no_standard_of_white(spot):
    filled = tinted(spot, (225, 225, 225))
    filled[:, :120] = 255
    masks = find_masks(filled)
    assert np.allclose(masks.white, find_masks(spot).white * 225 / 255, atol=3)
    assert masks.tissue[:, :28].sum() == 0


def test_tissue_without_a_gap_is_no_glass():
    rng = np.random.default_rng(0)
    pink = rng.normal((205, 150, 190), 6, (448, 448, 3)).clip(0, 255).astype(np.uint8)
    assert find_masks(pink).tissue.mean() > 0.99
    for light in (0, 255, 180):
        assert find_masks(np.full((448, 448, 3), light, np.uint8)).tissue.sum() == 0


@pytest.mark.parametrize("ink", [(40, 140, 80), (35, 70, 150), (25, 22, 28)])
def test_marker_ink_is_no_tissue(spot, ink):
    marked = spot.copy()
    marked[300:360, 60:640] = ink
    masks = find_masks(marked)
    stroke = np.zeros(masks.pen.shape, bool)
    stroke[75:90, 15:160] = True
    assert masks.pen[stroke].mean() > 0.9
    assert masks.pen[~stroke].mean() < 0.01
    assert not (masks.pen & masks.tissue).any()


def test_folded_tissue_is_flagged(spot):
    folded = spot.copy().astype(float)
    light = find_masks(spot).white
    folded[320:380, 150:550] = light * (folded[320:380, 150:550] / light) ** 3.2
    masks = find_masks(folded.clip(0, 255).astype(np.uint8))
    assert masks.fold[82:93, 45:130].mean() > 0.5
    assert masks.fold.sum() < 1.6 * 15 * 100


def test_shares_of_tiles_are_those_of_the_mask():
    rng = np.random.default_rng(0)
    mask = np.zeros((100, 150), bool)
    mask[:, 75:] = True
    corners = np.array([[0, 0], [224, 100], [372, 172]])
    assert tile_shares(mask, corners, 224).tolist() == pytest.approx([0, 37 / 56, 1], abs=0.02)
    noisy = rng.random((100, 150)) < 0.3
    assert tile_shares(noisy, np.array([[0, 0]]), 400)[0] == noisy[:100, :100].mean()


def test_blur_is_seen_whatever_the_tissue(real_data):
    for name in ("spot_00_x90624_y6656.jpg", "spot_16_x7168_y24064.jpg"):
        with opened(str(real_data / "spots" / name)) as picture:
            pixels = picture.read((900, 900, 1120, 1120), (1120, 1120))
        corners = frame((1120, 1120), Geometry()).corners
        found = []
        for sigma in (0, 2.5):
            blurred = np.stack([gaussian_filter(pixels[..., c], sigma) for c in range(3)], axis=-1)
            measured = measure(blurred, find_masks(blurred), corners, 224)
            found.append(measured.relative_sharpness)
        assert found[0] > 5 * BLURRED
        assert found[1] < BLURRED


@pytest.mark.parametrize("name", ["background", "tumour", "immune cells", "simple stroma"])
def test_labelled_tiles(real_data, name):
    rows = (real_data / "tissue/tiles.csv").read_text(encoding="utf-8").splitlines()
    header = rows[0].split(",")
    shares = []
    for row in rows[1:]:
        cells = dict(zip(header, row.split(","), strict=True))
        if cells["set"] == "kather2016" and cells["class"] == name:
            pixels = np.asarray(Image.open(real_data / "tissue" / cells["file"]).convert("RGB"))
            shares.append(find_masks(pixels).tissue.mean())
    assert len(shares) >= 8
    if name == "background":
        assert np.median(shares) == 0
        assert max(shares) < 0.1  # one of them shows some dust
    else:
        assert min(shares) > 0.9


def test_the_drawn_stain_is_measured(spot):
    stain = Stain.of_block(np.random.default_rng(0))
    fitted = fit_stain(find_masks(spot))
    for mine, drawn in zip(fitted.vectors, stain.vectors, strict=True):
        assert mine @ drawn > 0.98
    assert fit_stain(find_masks(np.full((448, 448, 3), 243, np.uint8))) is None


def test_macenko_makes_two_scanners_alike(spot):
    other = Stain.of_block(np.random.default_rng(5))
    second = draw_spot(np.random.default_rng(1), 0.0, other, spot_px=700, mpp=1.1)
    second = tinted(second, (250, 240, 225))
    before = np.abs(spot.astype(float).mean((0, 1)) - second.mean((0, 1))).max()
    after = [normalise(p, find_masks(p), "macenko").astype(float) for p in (spot, second)]
    assert np.abs(after[0].mean((0, 1)) - after[1].mean((0, 1))).max() < before / 3
    fitted = fit_stain(find_masks(after[0].astype(np.uint8)))
    assert (np.sum(fitted.vectors * REFERENCE_VECTORS, axis=1) > 0.97).all()


def test_reinhard_gives_the_reference_moments_and_leaves_glass(spot):
    masks = find_masks(spot)
    result = normalise(spot, masks, "reinhard")
    assert (result[:40, :40] == spot[:40, :40]).all()
    tissue = result[np.kron(masks.tissue, np.ones((4, 4), bool))]
    light = tissue.astype(float) @ LMS.T  # Reinhard et al. 2001, natural logarithms
    level = np.log(np.maximum(light, 1)).sum(axis=1) / np.sqrt(3)
    assert level.mean() == pytest.approx(REFERENCE_MEAN[0], abs=0.1)
    assert level.std() == pytest.approx(REFERENCE_SD[0], rel=0.3)


def test_none_changes_nothing_and_glass_alone_is_left(spot):
    masks = find_masks(spot)
    assert normalise(spot, masks, "none") is spot
    glass = np.full((448, 448, 3), 243, np.uint8)
    for method in ("macenko", "reinhard"):
        assert (normalise(glass, find_masks(glass), method) == glass).all()
