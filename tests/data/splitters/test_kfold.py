"""K-fold: scikit-learn's index sets, validation rows inside each fold, and what cannot be."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold

import research.catalogue  # noqa: F401
from research import config as config_lib
from research.data.features.label import Label
from research.data.features.table_columns import TableColumns
from research.data.in_memory import images, table
from research.data.spec import Arrays, DataSpec
from research.data.split import Split
from research.data.splitters.division import division
from research.errors import UserError

NONE = np.empty(0, np.int32)


def folds(text: str, y: np.ndarray, seed: int = 0, **spec: object) -> list[Split]:
    """The folds of rows with labels y."""
    config, _ = config_lib.resolve({"split": text})
    label = Label(names=("a", "b"))
    known = DataSpec("x", "classification", TableColumns((4,)), label, len(y), 0, "f")
    known = dataclasses.replace(known, **spec)  # type: ignore[arg-type]
    own_test = np.arange(len(y) - known.test_size, len(y), dtype=np.int32)
    arrays = Arrays(np.zeros((len(y), 4)), y, own_test)
    splits = division(config.split).splits(known, arrays, seed=seed)
    sizes = division(config.split).sizes(known, seed=seed)
    assert [tuple(map(len, split)) for split in splits] == sizes
    return splits


@given(rows=st.integers(10, 200), count=st.integers(2, 10), seed=st.integers(0, 2**32 - 1))
def test_the_rows_are_those_of_scikit_learn(rows: int, count: int, seed: int) -> None:
    y = np.arange(rows, dtype=np.int32) % 2
    reference = KFold(count, shuffle=True, random_state=seed).split(y)
    for (train, validation, test), expected in zip(
        folds(f"kfold({count})", y, seed), reference, strict=True
    ):
        np.testing.assert_array_equal(train, expected[0])
        np.testing.assert_array_equal(test, expected[1])
        assert not len(validation)


def test_validation_rows_are_drawn_from_the_training_rows_of_their_fold() -> None:
    y = np.repeat(np.arange(2, dtype=np.int32), (60, 40))
    plain, held_out = folds("kfold(5)", y), folds("kfold(5,validation=0.1)", y)
    for (train, _, test), (fitted, validation, same_test) in zip(plain, held_out, strict=True):
        np.testing.assert_array_equal(test, same_test)
        np.testing.assert_array_equal(np.sort(np.concatenate([fitted, validation])), train)
        assert len(validation) == 8  # 10 % of 80
        # Of each class its share, to a row: its share of 8 is that of the fold's 80 training rows.
        share = 8 * np.mean(y[train])
        assert abs(np.sum(y[validation]) - share) < 1
    assert len({tuple(split.validation) for split in held_out}) == 5


def test_train_size_leaves_the_other_parts_alone() -> None:
    data = images()
    config, _ = config_lib.resolve({"split": "kfold(3)"})
    whole, small = (
        division(config.split).splits(data.spec, data.data, seed=1, train_size=size)
        for size in (None, 12)
    )
    for all_rows, some in zip(whole, small, strict=True):
        assert set(some.train) < set(all_rows.train)
        counts, shares = (np.bincount(data.data.y[rows]) for rows in (some.train, all_rows.train))
        # Of each class its share of the fold's 40 training rows, to a row.
        assert np.all(np.abs(counts - 12 * shares / 40) < 1)
        np.testing.assert_array_equal(some.test, all_rows.test)


def test_the_data_sets_own_test_rows_stay_out() -> None:
    y = np.arange(50, dtype=np.int32) % 2
    splits = folds("kfold(4)", y, test_size=10)
    assert max(int(np.concatenate(split).max()) for split in splits) == 39
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(40))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kfold(61)", "there are 60 rows, and a fold needs one"),
        ("kfold(1)", "out of range"),
        ("kfold(3,validation=1)", "out of range"),
        ("kfolds(3)", "did you mean kfold"),
        ("kfold(3,fold=2)", "kfold has no option 'fold'"),
    ],
)
def test_what_cannot_be_is_said(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        folds(text, np.zeros(60, np.int32))


def test_targets_that_are_numbers_make_one_stratum() -> None:
    data = table()
    config, _ = config_lib.resolve({"split": "kfold(5,validation=0.25)"})
    splits = division(config.split).splits(data.spec, data.data, seed=0)
    assert [tuple(map(len, split)) for split in splits] == [(36, 12, 12)] * 5
