"""Nested folds: scikit-learn's index sets, inner folds inside the training rows of theirs."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, StratifiedKFold

import research.catalogue  # noqa: F401
from research import config as config_lib
from research.data.in_memory import images, table
from research.data.splitters.division import chooses_for, division
from research.data.splitters.index_sets import IndexSets
from research.data.splitters.nested import nested
from research.errors import UserError
from tests.data.splitters.test_kfold import folds
from tests.support.engine import planner


@settings(max_examples=20, deadline=None)
@given(rows=st.integers(30, 90), seed=st.integers(0, 2**32 - 1), classes=st.booleans())
def test_both_levels_are_those_of_scikit_learn(rows: int, seed: int, classes: bool) -> None:
    y = np.random.default_rng(seed).permutation(np.arange(rows, dtype=np.int32) % 2) * classes
    reference = StratifiedKFold if classes else KFold
    splits = folds("nested(4,3)", y, seed)
    outer, inner = splits[:4], splits[4:]
    assert len(inner) == 12
    expected = reference(4, shuffle=True, random_state=seed).split(y, y)
    for fold, (ours, (train, test)) in enumerate(zip(outer, expected, strict=True)):
        np.testing.assert_array_equal(ours.train, train)
        np.testing.assert_array_equal(ours.test, test)
        again = reference(3, shuffle=True, random_state=seed).split(train, y[train])
        of_fold = inner[3 * fold : 3 * fold + 3]
        for part, (rest, held_out) in zip(of_fold, again, strict=True):
            np.testing.assert_array_equal(part.train, train[rest])
            np.testing.assert_array_equal(part.validation, train[held_out])
            assert not len(part.test)


def test_inner_folds_divide_the_rows_that_validate_in_theirs_too() -> None:
    y = np.arange(60, dtype=np.int32) % 2
    splits = folds("nested(3,2,validation=0.2)", y)
    for fold, outer in enumerate(splits[:3]):
        assert len(outer.validation) == 8
        for inner in splits[3 + 2 * fold : 5 + 2 * fold]:
            both = np.sort(np.concatenate([inner.train, inner.validation]))
            np.testing.assert_array_equal(both, np.setdiff1d(np.arange(60), outer.test))


def test_folds_are_counted_without_inner_ones() -> None:
    config, _ = config_lib.resolve({"split": "nested(3,2)"})
    spec = images().spec
    assert division(config.split).folds(spec) == 3
    of_fold = [
        chooses_for(dataclasses.replace(config, fold=fold), spec) for fold in (0, 2, 3, 4, 5, 8)
    ]
    assert of_fold == [None, None, 0, 0, 1, 2]
    other, _ = config_lib.resolve({"split": "kfold(3)", "fold": 2})
    assert chooses_for(other, spec) is None


def test_inner_folds_that_read_a_test_row_are_refused() -> None:
    def leaks(*args: object) -> list[tuple[np.ndarray, ...]]:
        first, *others = nested(40, np.zeros(40, int), None, 0, outer=2, inner=2)
        train, validation, test = others[1]
        others[1] = train, np.append(validation, first[2][0]), test
        return [first, *others]

    def tests(*args: object) -> list[tuple[np.ndarray, ...]]:
        *others, last = nested(40, np.zeros(40, int), None, 0, outer=2, inner=2)
        return [*others, (last[0], last[1][1:], last[1][:1])]

    data = table(40)
    for function in (leaks, tests):
        with pytest.raises(UserError, match="must divide its training rows, and test none"):
            IndexSets("leaky", function, inner=2).splits(data.spec, data.data, seed=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nested(13,2)", r"nested\(13,2\): 12 rows are too few, since every fold needs one"),
        ("nested(2,7)", r"nested\(2,7\): 12 rows are too few"),
        ("nested(4,2)", "class 'b' has 3 of 12 rows, too few for one in each of 4 folds"),
        ("nested(2,3)", "class 'b' has 2 of 6 rows, too few for one in each of 3 folds"),
        ("nested(1,3)", "out of range"),
    ],
)
def test_what_cannot_be_divided(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        folds(text, np.repeat(np.arange(2, dtype=np.int32), (9, 3)))


def test_a_nested_split_without_a_choice_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"split=nested\(3,2\) chooses settings inside each fold, a"
    ):
        planner().each_fold([{"split": "nested(3,2)"}])
