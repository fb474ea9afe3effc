"""What is given to a command by hand is checked, too."""

import pytest

from histosurv.cli.options import settings_of
from histosurv.errors import InputError
from histosurv.models.settings import NetworkSettings
from histosurv.spots.preparation import SpotSettings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{'grid': 4}", "double quotes"),
        ("[4]", "has no attribute"),
        ('{"gird": 4}', "unexpected keyword argument 'gird'"),
    ],
)
def test_settings_that_are_none_are_told_in_one_line(text, told):
    for make in (SpotSettings.of, NetworkSettings.of):
        with pytest.raises(InputError, match=r"^--settings: .*; give that part of the config"):
            settings_of(text, make)
    with pytest.raises(InputError, match=told):
        settings_of(text, SpotSettings.of)


def test_settings_fill_what_they_do_not_name():
    settings = settings_of('{"grid": 4, "stain": "macenko"}', SpotSettings.of)
    assert (settings.geometry.grid, settings.stain) == (4, "macenko")
    assert settings.geometry.tile_px == SpotSettings().geometry.tile_px
