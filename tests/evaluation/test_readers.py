"""The score cut like a reader: nobody takes part in choosing his own cut."""

import numpy as np

from histosurv.evaluation.sections.readers import _cut

FOLD = np.repeat([1, 2], 10)
DEAD = np.tile([False] * 8 + [True] * 2, 2)
VALUE = np.concatenate([np.arange(10.0), np.arange(10.0) / 10])
READ_HIGH = np.tile([True, True, False, False, False, False, False, False, True, True], 2)


def test_the_cut_of_a_fold_is_that_of_the_living_of_the_others():
    high = _cut(VALUE, FOLD, READ_HIGH, DEAD)
    # Of eight living patients of the other fold the reader calls six low: six of them lie at or
    # below the cut, which is 0.5 for the first fold and 5 for the second.
    np.testing.assert_array_equal(high[FOLD == 1], VALUE[FOLD == 1] > 0.5)
    np.testing.assert_array_equal(high[FOLD == 2], VALUE[FOLD == 2] > 5)


def test_own_values_do_not_move_the_own_cut():
    moved = VALUE + np.where((FOLD == 1) & ~DEAD, 100.0, 0.0)
    high, then = (_cut(value, FOLD, READ_HIGH, DEAD) for value in (VALUE, moved))
    np.testing.assert_array_equal(then[(FOLD == 1) & DEAD], high[(FOLD == 1) & DEAD])


def test_one_fold_alone_is_cut_by_itself():
    own = np.ones(10, int)
    high = _cut(np.arange(10.0), own, READ_HIGH[:10], DEAD[:10])
    np.testing.assert_array_equal(high, np.arange(10) > 5)
