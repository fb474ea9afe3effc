"""Damaged and hostile files end in one line, whatever the decoders make of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from histosurv.errors import InputError
from histosurv.spots.formats import orientation
from histosurv.spots.reader import opened


def read(path):
    with opened(str(path)) as picture:
        return picture.read((0, 0, *picture.size), picture.size)


def test_whatever_a_damaged_file_makes_a_decoder_raise_becomes_one_line(tmp_path):
    rng = np.random.default_rng(0)
    deep = rng.integers(0, 65_536, (320, 480, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb", compression="zlib")
    whole = (tmp_path / "deep.tif").read_bytes()
    assert read(tmp_path / "deep.tif").shape == (320, 480, 3)
    damaged = bytearray(whole)
    middle = len(whole) // 2
    damaged[middle : middle + 400] = bytes(400)
    (tmp_path / "deep.tif").write_bytes(damaged)
    with pytest.raises(InputError, match=r"deep\.tif: cannot be decoded"):
        read(tmp_path / "deep.tif")


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.jpg: is empty \(0 bytes\); bring it again"):
        read(tmp_path / "a.jpg")


@pytest.mark.parametrize("stated", ["six", 0, 9, (6, 6), None])
def test_a_turn_that_is_none_is_not_made(stated):
    picture = SimpleNamespace(format="JPEG", info={}, getexif=lambda: {0x0112: stated})
    assert orientation(picture) == 1
