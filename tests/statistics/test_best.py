"""Which rows are bold, in hand-made tables."""

import numpy as np
from scipy import stats

from research.statistics import best
from research.statistics.best import best_rows
from research.statistics.crossed import crossed
from research.statistics.nulls import SharedRows, SignFlips

NOISE = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5, 0.25])
ROWS = np.stack([10 + NOISE, 10 - 0.1 * NOISE[::-1] - 0.01, 5 + NOISE], -1)


def test_bold_is_the_best_and_what_cannot_be_told_from_it():
    assert best_rows(ROWS, SignFlips()).tolist() == [True, True, False]
    assert best_rows(ROWS, SignFlips(), higher=False).tolist() == [False, False, True]


def test_equal_rows_are_bold_together():
    rows = np.stack([NOISE, NOISE, NOISE - 9], -1)
    assert best_rows(rows, SignFlips()).tolist() == [True, True, False]
    apart_by_rounding = np.stack([NOISE, NOISE + 1e-9], -1)
    assert best_rows(apart_by_rounding, SignFlips(), tolerance=1e-6).all()
    assert not best_rows(apart_by_rounding, SignFlips()).all()


def test_nothing_is_bold_where_nothing_can_be_concluded():
    assert not best_rows(ROWS[:5], SignFlips()).any()
    assert not best_rows(ROWS[:, :1], SignFlips()).any()


def test_a_row_that_is_worse_than_a_beaten_row_is_beaten_too():
    rows = np.stack([NOISE, NOISE[::-1] - 4, NOISE - 8], -1)
    assert best_rows(rows, SignFlips()).tolist() == [True, False, False]
    assert best_rows(rows, SharedRows(0.0, 500)).tolist() == [True, False, False]


def test_pairs_with_few_degrees_of_freedom_do_not_hide_the_others():
    """Row 2 varies by seed alone, with 2 degrees of freedom, and rows 0 and 1 by test row alone."""
    random = np.random.default_rng(0)
    scores = random.normal(0, 1e-3, (3, 100, 3))
    scores[..., 1] += 0.5 + np.tile([1.0, -1.0], 50)
    scores[..., 2] += np.array([[-9.0], [1.0], [8.0]])
    null = crossed(scores)
    pairs = null.comparing(lambda: np.array([[1.0, -1.0, 0.0], [1.0, 0.0, -1.0]]))
    assert pairs.freedom(pairs.n).round().tolist() == [99, 2]
    # |t| is 5 for rows 0 and 1, with 99 degrees of freedom. The other two pairs have 2: their
    # maximum exceeds 6 in one draw of twenty.
    assert best_rows(scores.mean(1), null).tolist() == [False, True, True]


def test_a_published_example():
    """Beetles on boards of four colours (Wilson & Shade 1967, in Moore & McCabe, Introduction to
    the Practice of Statistics): yellow attracts most, and the fewest sit on white or blue."""
    yellow = [45, 59, 48, 46, 38, 47]
    white = [21, 12, 14, 17, 13, 17]
    green = [37, 32, 15, 25, 39, 41]
    blue = [16, 11, 20, 21, 14, 7]
    boards = np.array([yellow, white, green, blue], float).T
    p = stats.tukey_hsd(*boards.T).pvalue
    for higher, chosen in ((True, 0), (False, 3)):
        assert best_rows(boards, SharedRows(0.0), higher).tolist() == (p[chosen] > 0.05).tolist()
    assert (p[0] > 0.05).tolist() == [True, False, False, False]
    assert (p[3] > 0.05).tolist() == [False, True, False, True]


def test_so_many_rows_that_pairs_are_not_drawn(monkeypatch):
    monkeypatch.setattr(best, "MOST_DRAWN", 0)
    assert best_rows(ROWS, SignFlips()).tolist() == [True, True, False]
    assert best_rows(np.stack([ROWS] * 3), SignFlips()).tolist() == [[True, True, False]] * 3


def test_all_tied_rows_are_bold():
    tables = np.random.default_rng(0).normal(0, 1, (150, 8, 6))
    some_is_missing = ~best_rows(tables, SignFlips()).all(-1)
    assert some_is_missing.mean() <= 0.10  # 0.05, three standard errors of 150 tables
