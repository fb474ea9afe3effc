import pandas as pd
import pytest

from histosurv.cohort.endpoint import label_60m


@pytest.mark.parametrize(
    ("time", "event", "expected"),
    [
        (59.9, 0, None), (59.9, 1, 1), (59.9, 2, None),
        (60.0, 0, 0), (60.0, 1, 1), (60.0, 2, None),
        (60.1, 0, 0), (60.1, 1, 0), (60.1, 2, 0),
        (0.0, 0, None), (0.0, 1, 1), (0.0, 2, None),
    ],
)  # fmt: skip
def test_label_at_every_edge(time, event, expected):
    label = label_60m(pd.Series([time]), pd.Series([event]))[0]
    assert (None if pd.isna(label) else label) == expected
