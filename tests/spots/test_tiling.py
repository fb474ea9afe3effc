import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from histosurv.errors import InputError
from histosurv.spots.tiling import Geometry, cut, frame

ORDERS = ["raster", "snake", "spiral", "random"]
SIDES = st.integers(1, 1500)


def covered_by(tiles):
    """How many tiles lie on each pixel of the canvas."""
    count = np.zeros(tiles.canvas_px[::-1], int)
    for x, y in tiles.corners:
        count[y : y + tiles.tile_px, x : x + tiles.tile_px] += 1
    return count


def test_a_spot_of_3500_px_gives_256_tiles_in_raster_order():
    corners = frame((3500, 3500), Geometry()).corners
    assert corners.shape == (256, 2)
    assert corners[0].tolist() == [0, 0]
    assert corners[1].tolist() == [218, 0]  # to the right first
    assert corners[15].tolist() == [3276, 0]
    assert corners[16].tolist() == [0, 218]  # then down
    assert corners[-1].tolist() == [3276, 3276]
    assert set(np.diff(corners[:16, 0])) == {218, 219}


@given(width=SIDES, height=SIDES, tile=st.integers(16, 224), fit=st.sampled_from(["pad", "resize"]))
def test_pad_and_resize_cover_every_pixel_once(width, height, tile, fit):
    tiles = frame((width, height), Geometry(tile_px=tile, fit=fit))
    assert len(tiles.corners) == -(-width // tile) * -(-height // tile)
    assert (covered_by(tiles) == 1).all()
    if fit == "pad":
        assert tiles.read_px == (width, height)
        assert tiles.downsample == (1, 1)
        assert all(0 <= pad < tile for pad in tiles.pad_px)
    else:
        assert tiles.read_px == tiles.canvas_px
        assert np.allclose(np.array(tiles.downsample) * tiles.read_px, (width, height))


@given(
    sides=st.tuples(st.integers(224, 1500), st.integers(224, 1500)),
    tile=st.integers(16, 224),
    order=st.sampled_from(ORDERS),
)
def test_overlap_covers_every_pixel_with_the_fewest_tiles_that_stay_inside(sides, tile, order):
    tiles = frame(sides, Geometry(tile_px=tile, order=order), spot_id="s")
    assert len(tiles.corners) == -(-sides[0] // tile) * -(-sides[1] // tile)
    assert (tiles.corners >= 0).all()
    assert (tiles.corners + tile <= sides).all()
    assert (covered_by(tiles) >= 1).all()


@given(sides=st.tuples(st.integers(224, 1500), st.integers(224, 1500)), tile=st.integers(16, 224))
def test_drop_takes_whole_tiles_from_the_middle(sides, tile):
    tiles = frame(sides, Geometry(tile_px=tile, fit="drop"))
    assert len(tiles.corners) == (sides[0] // tile) * (sides[1] // tile)
    count = covered_by(tiles)
    assert count.max() == 1
    assert count.sum() == len(tiles.corners) * tile**2
    lost = np.array(sides) % tile
    assert (abs(tiles.corners.min(axis=0) - lost / 2) <= 0.5).all()


@given(n=st.integers(2, 30), fit=st.sampled_from(["overlap", "pad", "resize"]))
def test_a_grid_of_n_has_n_times_n_tiles(n, fit):
    side = 32 * n - 8
    tiles = frame((side, side), Geometry(tile_px=32, fit=fit, grid=n))
    assert len(tiles.corners) == n**2
    assert (covered_by(tiles) >= 1).all()


@pytest.mark.parametrize("order", ORDERS)
def test_orders_hold_the_same_tiles(order):
    raster = frame((1000, 700), Geometry()).corners
    corners = frame((1000, 700), Geometry(order=order), spot_id="s").corners
    assert sorted(map(tuple, corners)) == sorted(map(tuple, raster))


def test_orders_go_as_they_say():
    def order(name, spot="s"):
        corners = frame((672, 672), Geometry(order=name), spot_id=spot).corners
        return [int(y // 224 * 3 + x // 224) for x, y in corners]

    assert order("snake") == [0, 1, 2, 5, 4, 3, 6, 7, 8]
    assert order("spiral") == [4, 3, 6, 7, 8, 5, 2, 1, 0]  # from the middle outwards
    assert order("random") == order("random") != list(range(9))
    assert order("random", "s") != order("random", "t")  # each spot in its own way


def test_neighbours_in_snake_and_spiral_touch():
    for order in ("snake", "spiral"):
        corners = frame((2240, 1120), Geometry(order=order)).corners
        assert (np.abs(np.diff(corners, axis=0)).sum(axis=1) == 224).all()


def test_a_target_scale_changes_the_pixels_and_keeps_the_place():
    tiles = frame((2000, 2000), Geometry(mpp=0.5), mpp=0.25)
    assert tiles.read_px == (1000, 1000)
    assert len(tiles.corners) == 25
    assert tiles.level0((300, 40))[0].tolist() == [300, 40]
    assert tiles.level0((300, 40))[-1].tolist() == [300 + 2 * 776, 40 + 2 * 776]
    with pytest.raises(InputError, match="micrometres per pixel are not known") as caught:
        frame((2000, 2000), Geometry(mpp=0.5))
    assert caught.value.code == "mpp_unknown"


def test_tiles_hold_the_pixels_of_their_place():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (300, 500, 3), dtype=np.uint8)
    corners = frame((500, 300), Geometry()).corners
    tiles = cut(pixels, corners)
    assert tiles.shape == (6, 224, 224, 3)
    for tile, (x, y) in zip(tiles, corners, strict=True):
        assert (tile == pixels[y : y + 224, x : x + 224]).all()


@pytest.mark.parametrize(
    ("size", "settings", "message"),
    [
        ((224, 100), {}, "224 x 100 px is smaller than one tile of 224 px"),
        ((100, 224), {"fit": "drop"}, "smaller than one tile"),
        ((3500, 3500), {"grid": 15}, "15 tiles of 224 px do not cover 3500 px"),
        ((3500, 3500), {"grid": 15, "fit": "pad"}, "15 tiles of 224 px do not cover 3500 px"),
        ((3500, 3500), {"grid": 16, "fit": "drop"}, "16 tiles of 224 px do not fit into 3500 px"),
        ((230, 230), {"grid": 16}, "230 px are too few for 16 different tiles"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_mend(size, settings, message):
    with pytest.raises(InputError, match=message) as caught:
        frame(size, Geometry(**settings))
    assert caught.value.code == "does_not_fit"
