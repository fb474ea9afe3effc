"""A value of the config that does not fit is told so that it can be mended."""

import pytest
import yaml

from histosurv.config import SHIPPED, complete, read_config
from histosurv.errors import InputError
from histosurv.files import read_yaml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: 2018", "title: 2018 is not text (title of the report); put in quotes what you w"),
        ("title: 2018-05-01", "; put in quotes what you wrote"),
        ("cohort: {readers: reader_1}", "readers: 'reader_1' is not a list (columns of the"),
        ("cohort: {readers: reader_1}", '; write ["reader_1"]'),
        ("cohort: {readers: 5}", '; write ["5"]'),
        ("cohort: {readers: 'a, b'}", '; write it as a list: ["one", "another"]'),
        ("cohort: {readers: }", "readers: nothing is not a list ("),
        ("cohort: {readers: no}", "; write [] for none"),
        ("cohort: {readers: [a, b, a]}", "readers: ['a', 'b', 'a'] names something twice ("),
        ("models: {lstm: {units: []}}", "units: [] is empty ("),
        ("models: {training: {learning_rate: 1e-5}}", "; write 0.00001, without quotes"),
        ("models: {training: {learning_rate: fast}}", "'fast' is not a number (step of the opt"),
        ("models: {training: {learning_rate: .nan}}", "nan is not a number (step of the optimi"),
        ("models: {training: {learning_rate: 'inf'}}", "must be stated); correct the value"),
        ("models: {training: {max_epochs: '2.0'}}", "; write 2, without quotes"),
        ("models: {training: {max_epochs: '1.5'}}", "'1.5' is not a whole number (epochs at"),
        ("models: {training: {max_epochs: '1.5'}}", "; correct the value"),
        ("models: {training: {optimiser: Adam}}", "did you mean 'adam'?"),
        ("models: {networks: [attention_mil]}", "networks: ['attention_mil'] lacks lstm ("),
        ("models: {lstm: {bidirectional: 'true'}}", "; write true, without quotes"),
        ("lstm: {}", "unknown key 'lstm'; known keys: title, cohorts,"),
        ("controls: [backgroud]", "item 1: 'backgroud' is not one of permuted, background, block;"),
        ("controls: [backgroud]", "; did you mean 'background'?"),
        ("controls: background", '; write ["background"]'),
        ("controls: yes please", "controls: 'yes please' is not true, false or a list (negative"),
        (
            "features: {encoder: vgg19}",
            "encoder: 'vgg19' does not fit (network; vgg16, torchvision/",
        ),
        ("cohorts: {development: {patients: p}, 2018: {patients: p}}", "; give it another name"),
        ("spots: 224", "spots: 224 is not a section with keys of its own ("),
        ("spots: {tile_px: 0}", "tile_px: 0 is below 32 ("),
    ],
)
def test_a_slip_is_told_in_words(text, told):
    with pytest.raises(InputError) as caught:
        complete(read_yaml(SHIPPED / "config.yaml") | yaml.safe_load(text))
    assert told in str(caught.value)
    assert "(?" not in str(caught.value)  # no regular expression


def test_whole_numbers_may_be_written_with_a_point():
    given = {"resampling": {"folds": 3.0}, "models": {"lstm": {"units": [8.0, 4]}}}
    config = complete(read_yaml(SHIPPED / "config.yaml") | given)
    numbers = [config["resampling"]["folds"], *config["models"]["lstm"]["units"]]
    assert numbers == [3, 8, 4]
    assert {type(number) for number in numbers} == {int}


@pytest.mark.parametrize("text", ["title: 2018-13-01", "", "[a]", "a: [b", "title: \xff"])
def test_what_is_no_config_is_told(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"c\.yaml: (is no YAML|is no config|letters are not)"):
        read_config(path)
