import pandas as pd
import pytest

from histosurv.cohort.endpoint import heaped_at_horizon, label_60m


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


@pytest.mark.parametrize(
    ("time", "event", "expected"),
    [
        ([10.0, 60.0, 59.98, 60.0], [1, 0, 0, 1], [0, 1, 1, 0]),  # nobody is followed further
        ([10.0, 60.0, 59.98, 61.0], [1, 0, 0, 0], [0, 1, 1, 0]),  # half of them: no chance
        ([60.0, *range(61, 90)], [0] * 30, [0] * 30),  # one among thirty may be chance
        ([10.0, 59.9, 30.0], [1, 0, 0], [0, 0, 0]),  # three days below
    ],
)
def test_follow_up_cut_at_five_years_is_seen(time, event, expected):
    heaped = heaped_at_horizon(pd.Series(time, dtype=float), pd.Series(event))
    assert heaped.tolist() == [bool(x) for x in expected]
