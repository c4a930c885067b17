"""The 5x2 cv F test by hand."""

import numpy as np
import pytest
from scipy import stats

from research.statistics.two_fold import TwoFold, five_by_two_p

# Two folds of each of five repeats, one after the other.
FOLDS = np.array([1.0, 2, 1, 1, 3, 1, 2, 2, 0, 1])[:, None]


def test_f_by_hand():
    """F by hand, its p by scipy and Holm's factor of three rows, within float64 rounding."""
    # Squares 1 4 1 1 9 1 4 4 0 1 add up to 26; the variances to 3.
    assert five_by_two_p(FOLDS) == pytest.approx(stats.f.sf(26 / 6, 10, 5))
    shown = TwoFold().compared(np.concatenate([FOLDS, -FOLDS, 0 * FOLDS], -1))
    assert shown.mean.tolist() == pytest.approx([1.4, -1.4, 0])
    assert shown.p[0] == shown.p[1] < shown.p[2] == 1
    assert shown.adjusted == pytest.approx([3 * shown.p[0], 3 * shown.p[0], 1])
    assert np.isnan(shown.half_width).all()


def test_a_missing_fold_has_no_p():
    folds = FOLDS.copy()
    folds[3] = np.nan
    assert np.isnan(five_by_two_p(folds)).all()


def test_folds_that_agree_within_every_repeat_have_no_p():
    """F would be infinite; 0.1 + 0.2 and 0.3 differ by rounding alone. Equal rows have p = 1."""
    agree = np.array([0.3, 0.1 + 0.2] * 5)
    p = five_by_two_p(np.stack([agree, 0 * agree], -1))
    assert np.isnan(p).tolist() == [True, False]
    assert p[1] == 1
