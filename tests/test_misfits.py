"""A value of the config that does not fit is told so that it can be mended."""

import pytest
import yaml

from histosurv.config import SHIPPED, complete
from histosurv.errors import InputError
from histosurv.files import read_yaml


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: 2018", "title: 2018 is not text (title of the report); put it in quotes: '2018'"),
        ("cohort: {readers: reader_1}", "readers: 'reader_1' is not a list (columns of the"),
        ("cohort: {readers: reader_1}", "; write [reader_1]"),
        ("cohort: {readers: [a, b, a]}", "readers: ['a', 'b', 'a'] names something twice ("),
        ("models: {training: {learning_rate: 1e-5}}", "; write 0.00001, without quotes"),
        ("models: {training: {learning_rate: fast}}", "'fast' is not a number (step of the opt"),
        ("models: {training: {optimiser: Adam}}", "did you mean 'adam'?"),
        ("models: {networks: [attention_mil]}", "networks: ['attention_mil'] lacks lstm ("),
        (
            "controls: [backgroud]",
            "0: 'backgroud' is not one of ['permuted', 'background', 'block'",
        ),
        ("controls: [backgroud]", "]; did you mean 'background'?"),
        ("controls: yes please", "controls: 'yes please' is not true, false or a list (negative"),
        (
            "features: {encoder: vgg19}",
            "encoder: 'vgg19' does not fit (network; vgg16, torchvision/",
        ),
        ("spots: 224", "spots: 224 is not a section with keys of its own ("),
    ],
)
def test_a_slip_is_told_in_words(text, told):
    with pytest.raises(InputError) as caught:
        complete(read_yaml(SHIPPED / "config.yaml") | yaml.safe_load(text))
    assert told in str(caught.value)
    assert "(?" not in str(caught.value)  # no regular expression
