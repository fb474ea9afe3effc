import numpy as np
import pandas as pd
import pytest

from histosurv.evaluation.design import Covariate, complete_rows

ALL = np.arange(8)


def column(name, values):
    return Covariate.of(pd.Series(values, name=name))


def test_many_numbers_stay_numbers_and_few_are_levels():
    age = column("age", ["61", "55.5", "", "40", "70", "71", "72", "73"])
    assert age.is_number
    assert age.known.tolist() == [True, True, False, *[True] * 5]
    terms = age.terms(np.delete(ALL, 2))
    assert terms.columns.tolist() == ["age per SD"]
    assert terms["age per SD"].std() == pytest.approx(1)
    grade = column("grade", ["1", "2", "3", "GX", "", "2.0", "3", "1"])
    assert not grade.is_number
    assert grade.levels(ALL) == ["1", "2", "3"]
    assert grade.known.sum() == 6


def test_levels_are_in_order_and_the_first_is_the_reference():
    size = column("size", ["10", "9", "large", "9", "10", "large", "9", "unknown"])
    assert size.levels(ALL) == ["9", "10", "large"]
    terms = size.terms(ALL[:7])
    assert terms.columns.tolist() == ["size 10 to 9", "size large to 9"]
    assert terms.sum().tolist() == [2, 2]


@pytest.mark.parametrize(
    ("died", "levels"),
    [
        ([1, 1, 1, 1], ["A", "B", "C", "D"]),
        ([0, 1, 1, 1], ["A/B", "C", "D"]),
        ([1, 1, 0, 0], ["A", "B/C/D"]),
        ([1, 0, 0, 1], ["A", "B/C/D"]),
        ([0, 0, 1, 0], ["A/B/C/D"]),
    ],
)
def test_levels_without_deaths_join_the_next(died, levels):
    stage = column("stage", list("ABCD"))
    rows = ALL[:4]
    assert stage.with_deaths(rows, np.array(died, bool)).levels(rows) == levels


def test_a_covariate_of_one_level_has_no_terms():
    assert column("sex", ["f"] * 8).terms(ALL).empty
    assert len(column("sex", ["f"] * 8).terms(ALL)) == 8


def test_complete_patients_have_every_covariate():
    found = complete_rows([column("a", ["1", "", "2"]), column("b", ["p", "q", "NA"])], ALL[:3])
    assert found.tolist() == [0]
