"""The tiles that do most to the risk: the right ones, with the pixels that the encoder saw."""

import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from histosurv.errors import InputError
from histosurv.publish import write_table
from histosurv.report.gallery import COLUMNS, choose_tiles, read_gallery, write_gallery
from histosurv.spots.preparation import SpotSettings
from histosurv.spots.thumbnails import from_jpeg
from histosurv.spots.tile_table import tabulate

SIDE = 224
GLASS = (244, 244, 244)
HOSTILE = ["../../etc/passwd", "NA", "two\nlines", 'a,"b"', "<script>", "x" * 300]


def tone(number, tile):
    """Colour of a tile of a spot: told apart from any other of the cohort."""
    return np.array((200 - 6 * number, 90 + 12 * tile, 150 + 6 * number))


def draw(path, number):
    """Three columns of tiles, of glass, pink and pink, in two rows."""
    rng = np.random.default_rng(number)
    pixels = np.full((2 * SIDE, 3 * SIDE, 3), GLASS, float)
    for tile, (row, column) in enumerate((r, c) for r in range(2) for c in range(3)):
        if column:
            x, y = column * SIDE, row * SIDE
            grain = rng.normal(0, 12, (SIDE, SIDE, 1))
            pixels[y : y + SIDE, x : x + SIDE] = tone(number, tile) + grain
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


class Cohort:
    """Spots that were cut into six tiles each, and a contribution of every encoded one."""

    def __init__(self, folder, ids, *, batch=64, patients=None, **settings):
        self.folder, self.settings = folder, SpotSettings.of({"tile_px": SIDE} | settings)
        rows = []
        for number, name in enumerate(ids):
            draw(folder / f"{number}.png", number)
            rows.append({"spot_id": name, "image": str(folder / f"{number}.png")})
        spots = pd.DataFrame(rows)
        spots["patient_id"] = patients or [f"patient of {name}" for name in ids]
        self.n_batches = -(-len(spots) // batch)
        tables = []
        for number in range(self.n_batches):
            some = spots.iloc[number * batch : (number + 1) * batch]
            done = tabulate(some, self.settings)
            assert done.spots["usable"].all()
            write_table(done.spots, folder / f"spots/quality/{number:04d}.csv")
            write_table(done.tiles, folder / f"spots/{number:04d}.csv")
            tables.append(done.tiles)
        used = pd.concat(tables, ignore_index=True)
        if self.settings.background == "drop":
            used = used[used["keep"] == 1]
        tile = used.groupby("spot_id", sort=False).cumcount() + 1
        self.tiles = used.assign(tile=tile).merge(spots, on="spot_id")
        self.tiles["contribution"] = np.nan

    def contribute(self, spot_id, tile, value):
        is_it = (self.tiles["spot_id"] == spot_id) & (self.tiles["tile"] == tile)
        assert is_it.sum() == 1
        self.tiles.loc[is_it, "contribution"] = value

    def show(self, out="out", n_files=2):
        columns = ["patient_id", "spot_id", "tile", "contribution"]
        table = self.tiles[columns].assign(attention=np.nan)
        paths = [self.folder / f"attribution_{i}.csv" for i in range(n_files)]
        for path, part in zip(paths, np.array_split(np.arange(len(table)), n_files), strict=True):
            write_table(table.iloc[part], path)
        folder = self.folder / out
        write_gallery(paths, self.folder / "spots", self.settings, folder, n_batches=self.n_batches)
        return read_gallery(folder)


def colour(jpeg):
    return np.asarray(from_jpeg(jpeg)).astype(float).mean(axis=(0, 1))


def attribution(*rows):
    return pd.DataFrame(rows, columns=["patient_id", "spot_id", "tile", "contribution"])


def test_the_strongest_tiles_of_either_sign_are_chosen_at_most_two_of_a_patient():
    many = [(f"p{i:02d}", f"s{i}", tile, 0.1 * i + tile) for i in range(20) for tile in (1, 2, 3)]
    chosen = choose_tiles(attribution(*many, ("q", "t", 1, -1.0), ("q", "t", 2, 0.0)))
    up, down = (chosen[chosen["direction"] == name] for name in ("raises", "lowers"))
    assert up["rank"].tolist() == list(range(1, 13))
    assert up["contribution"].is_monotonic_decreasing
    assert up["contribution"].iloc[0] == pytest.approx(4.9)
    assert up.groupby("patient_id").size().max() == 2
    assert set(up["tile"]) == {3, 2}
    assert down[["patient_id", "tile", "contribution"]].to_numpy().tolist() == [["q", 1, -1.0]]


def test_of_equal_ones_the_first_by_name_come_first_whatever_the_order():
    rows = [(f"p{i}", spot, tile, -0.5) for i in range(9) for spot in "ba" for tile in (2, 1)]
    table = attribution(*rows, ("p0", "a", 3, np.nan))
    chosen = choose_tiles(table.sample(frac=1, random_state=3))
    expected = [[f"p{i}", "a", tile] for i in range(6) for tile in (1, 2)]
    assert chosen[["patient_id", "spot_id", "tile"]].to_numpy().tolist() == expected
    assert set(chosen["direction"]) == {"lowers"}


@pytest.mark.parametrize(("background", "tile", "place"), [
    ("keep", 3, 2), ("once", 3, 2), ("drop", 3, 4), ("drop", 1, 1),
])  # fmt: skip
def test_a_picture_shows_the_tile_that_was_encoded(tmp_path, background, tile, place):
    cohort = Cohort(tmp_path, ["s0", "s1", "s2"], batch=2, background=background)
    cohort.contribute("s1", tile, 0.5)
    cohort.contribute("s2", tile, -0.25)
    table, pictures = cohort.show()
    assert table.columns.tolist() == COLUMNS
    assert table["member"].tolist() == ["raises_01.jpg", "lowers_01.jpg"]
    assert table["contribution"].tolist() == [0.5, -0.25]
    for row, number in zip(table.itertuples(), (1, 2), strict=True):
        assert (row.spot_id, row.tile) == (f"s{number}", tile)
        assert (row.x, row.y) == (place % 3 * SIDE, place // 3 * SIDE)
        assert row.size_px == SIDE
        assert from_jpeg(pictures[row.member]).size == (112, 112)
        assert np.abs(colour(pictures[row.member]) - tone(number, place)).max() < 4


def test_padding_and_stain_are_those_of_the_encoder(tmp_path):
    plain, padded = (tmp_path / name for name in ("plain", "padded"))
    for folder, settings in ((plain, {}), (padded, {"fit": "pad", "tile_px": 256})):
        folder.mkdir()
        cohort = Cohort(folder, ["s"], stain="reinhard", **settings)
        cohort.contribute("s", 5, 1.0)
        table, pictures = cohort.show()
        assert np.abs(colour(pictures["raises_01.jpg"]) - tone(0, 4)).max() > 8
    assert table[["x", "y"]].to_numpy().tolist() == [[208, 224]]  # 48 and 32 px of padding
    lower = np.asarray(from_jpeg(pictures["raises_01.jpg"]))[-12:]
    assert lower.min() > 225  # the padding below, bare glass


def test_any_id_comes_back(tmp_path):
    cohort = Cohort(tmp_path, HOSTILE, patients=[f"{name}!" for name in HOSTILE])
    for number, name in enumerate(HOSTILE):
        cohort.contribute(name, 2, 1.0 - number / 10)
    table, pictures = cohort.show()
    assert table["spot_id"].tolist() == HOSTILE
    assert table["patient_id"].tolist() == [f"{name}!" for name in HOSTILE]
    assert list(pictures) == [f"raises_{rank:02d}.jpg" for rank in range(1, 7)]
    for number, member in enumerate(table["member"]):
        assert np.abs(colour(pictures[member]) - tone(number, 1)).max() < 4


def test_an_image_that_is_gone_or_another_costs_its_pictures_only(tmp_path, capsys):
    cohort = Cohort(tmp_path, ["s0", "s1", "s2", "s3"])
    for number in range(4):
        cohort.contribute(f"s{number}", 2, 1.0 - number / 10)
    (tmp_path / "0.png").unlink()
    (tmp_path / "1.png").write_bytes(b"no picture")
    Image.new("RGB", (SIDE, SIDE), GLASS).save(tmp_path / "2.png")
    table, pictures = cohort.show()
    assert table["member"].tolist() == ["", "", "", "raises_04.jpg"]
    assert list(pictures) == ["raises_04.jpg"]
    told = capsys.readouterr().err.splitlines()
    assert ["no picture of the tiles of spot 's0'" in told[0], len(told)] == [True, 3]
    assert "2.png" in told[2]


def test_same_bytes_whatever_the_batches_and_the_files(tmp_path):
    written = []
    for batch, n_files in ((64, 1), (2, 3)):
        folder = tmp_path / str(batch)
        folder.mkdir()
        cohort = Cohort(folder, [f"s{i}" for i in range(5)], batch=batch)
        for number in range(5):
            cohort.contribute(f"s{number}", 2, 0.3)
        cohort.show(n_files=n_files)
        cohort.show("again", n_files=n_files)
        for name in ("tiles.csv", "tiles.zip"):
            assert (folder / "out" / name).read_bytes() == (folder / "again" / name).read_bytes()
        written.append(
            [(folder / "out" / name).read_bytes() for name in ("tiles.csv", "tiles.zip")]
        )
    assert written[0] == written[1]
    with zipfile.ZipFile(tmp_path / "2/out/tiles.zip") as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {1980}


def test_without_any_contribution_there_is_an_empty_table(tmp_path):
    table, pictures = Cohort(tmp_path, ["s"]).show()
    assert table.columns.tolist() == COLUMNS
    assert len(table) == len(pictures) == 0


def test_a_table_of_something_else_is_refused(tmp_path):
    (tmp_path / "scores.csv").write_text("patient_id,score,value\nP,lstm,1\n")
    with pytest.raises(InputError, match=r"scores\.csv: is no table of contributions \(Usecols do"):
        write_gallery([tmp_path / "scores.csv"], tmp_path, SpotSettings(), tmp_path / "out")


def test_tables_of_two_runs_are_refused(tmp_path):
    cohort = Cohort(tmp_path, ["s"])
    cohort.contribute("s", 6, 1.0)
    cohort.settings = SpotSettings.of({"tile_px": SIDE, "background": "drop"})
    with pytest.raises(InputError, match="has no tile 6 of spot 's'; give the tables"):
        cohort.show()
