"""The index sets of every splitter are scikit-learn's, bit for bit; and what cannot be divided."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection
from sklearn.utils import resample

from research.data.splitters.division import PartSizes, extremes, shared_sizes
from research.errors import UserError
from tests.data.splitters.test_kfold import folds
from tests.support.engine import run

Reference = Iterable[tuple[np.ndarray, np.ndarray]]


def bootstraps(rows: int, count: int, seed: int) -> Reference:
    """Samples and the rows out of each."""
    generator = np.random.RandomState(seed)
    for _ in range(count):
        sample = resample(np.arange(rows), random_state=generator)
        yield sample, np.setdiff1d(np.arange(rows), sample)


# By the setting, what scikit-learn has for labels and a seed.
REFERENCES: dict[str, Callable[[np.ndarray, int], Reference]] = {
    "stratified_kfold(4)": lambda y, seed: model_selection.StratifiedKFold(
        4, shuffle=True, random_state=seed
    ).split(y, y),
    "repeated_kfold(3,2)": lambda y, seed: model_selection.RepeatedKFold(
        n_splits=3, n_repeats=2, random_state=seed
    ).split(y),
    "leave_one_out": lambda y, seed: model_selection.LeaveOneOut().split(y),
    "shuffle(3,test=0.3)": lambda y, seed: model_selection.ShuffleSplit(
        3, test_size=0.3, random_state=seed
    ).split(y),
    "time_series(4,gap=2)": lambda y, seed: model_selection.TimeSeriesSplit(4, gap=2).split(y),
    "bootstrap(3)": lambda y, seed: bootstraps(len(y), 3, seed),
}


@pytest.mark.parametrize("text", REFERENCES)
@settings(max_examples=20)
@given(rows=st.integers(20, 90), seed=st.integers(0, 2**32 - 1))
def test_the_rows_are_those_of_scikit_learn(text: str, rows: int, seed: int) -> None:
    y = np.random.default_rng(seed).permutation(np.arange(rows, dtype=np.int32) % 2)
    reference = REFERENCES[text](y, seed)
    for (train, validation, test), expected in zip(folds(text, y, seed), reference, strict=True):
        np.testing.assert_array_equal(train, np.sort(expected[0]))
        np.testing.assert_array_equal(test, np.sort(expected[1]))
        assert not len(validation)


@pytest.mark.parametrize("text", [*REFERENCES, "kfold(3)"])
def test_validation_rows_lie_inside_the_training_part(text: str) -> None:
    y = np.arange(60, dtype=np.int32) % 2
    head, _, tail = text.rstrip(")").partition("(")
    held_out = f"{head}({tail}{',' * bool(tail)}validation=0.2)"
    for plain, (train, validation, test) in zip(folds(text, y), folds(held_out, y), strict=True):
        assert len(validation) in {round(0.2 * len(plain.train)), 12}
        assert not {*validation} & {*train}
        assert not {*validation} & {*test}
        if text.startswith("bootstrap"):  # its sample is of the other rows
            continue
        np.testing.assert_array_equal(test, plain.test)
        assert {*train} | {*validation} <= {*plain.train}


def test_a_series_validates_on_its_last_rows_behind_the_gap() -> None:
    y = np.zeros(30, np.int32)
    for train, validation, test in folds("time_series(4,gap=2,validation=0.25)", y):
        assert train[-1] + 3 == validation[0]
        assert validation[-1] + 3 == test[0]


def test_folds_of_much_different_size_have_programs_of_their_own() -> None:
    series = [PartSizes(train, 0, 10) for train in (10, 20, 30, 40)]

    def rows(batch: int, pads: bool = False) -> list[tuple[int, int]]:
        """The most and fewest training rows of each fold's program."""
        return [(most.train, few.train) for most, few in shared_sizes(series, batch, pads)]

    assert rows(8) == [(10, 10), (20, 20), (30, 30), (40, 40)]
    assert rows(20) == [(10, 10), (30, 20), (30, 20), (40, 40)]
    assert rows(30) == [(40, 10)] * 4  # none loses more than one update
    assert rows(0) == [(40, 10)] * 4  # an update of all rows
    # The last batch is padded: 1, 1, 2 and 2 updates of 20 rows, and of 30.
    assert rows(20, pads=True) == [(20, 10), (20, 10), (40, 30), (40, 30)]
    assert rows(30, pads=True) == [(30, 10), (30, 10), (30, 10), (40, 40)]
    assert rows(0, pads=True) == [(40, 10)] * 4
    assert extremes(series, varies=True) == ((40, 0, 50), (10, 0, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stratified_kfold(4)", "class 'b' has 3 of 9 rows, too few for one in each of 4 folds"),
        ("stratified_kfold(12)", r"stratified_kfold\(12\): there are 9 rows"),
        ("repeated_kfold(12,2)", r"repeated_kfold\(12,2\): there are 9 rows"),
        ("shuffle(2,test=0.95)", "of 9 rows leaves no row to train on"),
        ("time_series(9)", "leaves the first fold none to train on"),
        ("time_series(3,gap=9)", "leaves the first fold none to train on"),
    ],
)
def test_what_cannot_be_divided(text: str, message: str) -> None:
    y = np.repeat(np.arange(2, dtype=np.int32), (6, 3))
    with pytest.raises(UserError, match=message):
        folds(text, y)


def test_numbers_have_no_classes_to_stratify() -> None:
    with pytest.raises(UserError, match="the targets of memory are not one class per row; use kf"):
        run(regression=True, arch="linear", split="stratified_kfold(3)", fold=0)
