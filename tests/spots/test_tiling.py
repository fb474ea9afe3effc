import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from histosurv.errors import InputError
from histosurv.spots.tiling import cut, offsets, tile_corners


def test_a_spot_of_3500_px_gives_256_tiles_in_raster_order():
    corners = tile_corners(3500, 3500)
    assert corners.shape == (256, 2)
    assert corners[0].tolist() == [0, 0]
    assert corners[1].tolist() == [218, 0]  # to the right first
    assert corners[15].tolist() == [3276, 0]
    assert corners[16].tolist() == [0, 218]  # then down
    assert corners[-1].tolist() == [3276, 3276]
    assert set(np.diff(offsets(3500))) == {218, 219}


@given(length=st.integers(224, 5000), tile_px=st.integers(16, 224))
def test_tiles_cover_every_pixel_stay_inside_and_are_as_few_as_can_be(length, tile_px):
    edges = offsets(length, tile_px)
    assert len(edges) == -(-length // tile_px)
    assert edges[0] == 0
    assert edges[-1] == length - tile_px
    steps = np.diff(edges)
    assert (steps <= tile_px).all()
    assert (steps > 0).all()


def test_tiles_hold_the_pixels_of_their_place():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (300, 500, 3), dtype=np.uint8)
    corners = tile_corners(500, 300)
    tiles = cut(pixels, corners)
    assert tiles.shape == (6, 224, 224, 3)
    for tile, (x, y) in zip(tiles, corners, strict=True):
        assert (tile == pixels[y : y + 224, x : x + 224]).all()


def test_a_spot_smaller_than_a_tile_is_refused():
    with pytest.raises(InputError, match="224 x 100 px is smaller than one tile of 224 px"):
        tile_corners(224, 100)
