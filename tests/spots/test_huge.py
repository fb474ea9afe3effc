"""A slide of 100,000 x 100,000 px is read piece by piece, and never whole."""

import struct
import subprocess
import sys
import zlib

TILE = 512
CODE = """
import resource, sys, time
from histosurv.spots.reader import opened
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with opened(sys.argv[1]) as slide:
    print(*slide.size)
    print(slide.thumbnail(2400).shape)
    for start in range(0, 95_000, 24_000):
        pixels = slide.read((start, start, 3500, 3500), (3500, 3500))
        assert pixels.shape == (3500, 3500, 3)
        assert (pixels[::97, ::89] == (200, 90, 160)).all()
    assert slide.read((0, 0, 90_000, 90_000), (900, 900)).shape == (900, 900, 3)
    try:
        slide.read((0, 0, *slide.size), slide.size)
    except Exception as error:
        print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1000)
"""


def write_huge_tiff(path, sides):
    """A tiled BigTIFF whose levels share one tile: small on disk, as large as stated when read."""
    tile = zlib.compress(bytes([200, 90, 160]) * TILE**2)
    with path.open("wb") as file:
        file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
        at_tile = file.tell()
        file.write(tile)
        link = 8  # where the address of the next directory goes
        for level, side in enumerate(sides):
            n = (-(-side // TILE)) ** 2
            file.seek(0, 2)
            offsets = file.tell()
            file.write(struct.pack("<Q", at_tile) * n)
            counts = file.tell()
            file.write(struct.pack("<Q", len(tile)) * n)
            entries = [
                (254, 4, 1, int(level > 0)), (256, 4, 1, side), (257, 4, 1, side),
                (258, 3, 3, 8 | 8 << 16 | 8 << 32), (259, 3, 1, 8), (262, 3, 1, 2),
                (277, 3, 1, 3), (284, 3, 1, 1), (322, 4, 1, TILE), (323, 4, 1, TILE),
                (324, 16, n, offsets if n > 1 else at_tile),
                (325, 16, n, counts if n > 1 else len(tile)),
            ]  # fmt: skip
            directory = file.tell()
            file.write(struct.pack("<Q", len(entries)))
            for tag, kind, count, value in entries:
                file.write(struct.pack("<HHQQ", tag, kind, count, value))
            end = file.tell()
            file.write(struct.pack("<Q", 0))
            file.seek(link)
            file.write(struct.pack("<Q", directory))
            link = end


def run(path, code=CODE):
    command = [sys.executable, "-c", code, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_pyramid_is_read_at_the_level_that_is_needed(tmp_path):
    write_huge_tiff(tmp_path / "huge.tif", [100_000, 25_000, 6_250, 1_562])
    assert (tmp_path / "huge.tif").stat().st_size < 2e6
    size, overview, refusal, grown_mb = run(tmp_path / "huge.tif")
    assert size == "100000 100000"
    assert overview == "(2400, 2400, 3)"
    assert "100000 x 100000 px at once is no single spot" in refusal
    assert int(grown_mb) < 500


def test_without_a_pyramid_the_overview_is_walked_through_in_blocks(tmp_path):
    write_huge_tiff(tmp_path / "flat.tif", [16_000])
    code = CODE.split("    for start")[0] + CODE[CODE.index("print((resource") :]
    _, overview, grown_mb = run(tmp_path / "flat.tif", code)
    assert overview == "(2400, 2400, 3)"
    assert int(grown_mb) < 400  # the picture has 768 MB
