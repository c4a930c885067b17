"""Splits: sizes, shares of the classes, the seed, and every way of being impossible."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedShuffleSplit

from research.data.features.label import Label
from research.data.features.table_columns import TableColumns
from research.data.spec import DataSpec
from research.data.split import parse_split, split, split_sizes
from research.errors import UserError

NONE = np.empty(0, np.int32)


def spec_of(size: int, test_size: int = 0) -> DataSpec:
    return DataSpec(
        "x", "classification", TableColumns((4,)), Label(names=("a", "b")), size, test_size, "f"
    )


@pytest.mark.parametrize(
    ("text", "ratios"), [("8:1:1", (8, 1, 1)), (" 4 : 3:3", (4, 3, 3)), ("8:2", (8, 2))]
)
def test_parse(text, ratios):
    assert parse_split(text) == ratios


@pytest.mark.parametrize(
    "text", ["", "8", "8:1:1:1", "8:0", "0:1", "a:b", "8:-1", "0.8:0.2", "8::2", "8,1,1", "8:2:"]
)
def test_parse_rejects(text):
    with pytest.raises(UserError, match="8:1:1"):
        parse_split(text)


@given(st.lists(st.integers(1, 99), min_size=2, max_size=3))
def test_parse_reads_what_is_printed(ratios):
    assert parse_split(":".join(map(str, ratios))) == tuple(ratios)


def test_hand_worked():
    y = np.array([0] * 12 + [1] * 8)
    parts = split(y, NONE, (3, 1, 1), seed=3)
    # 20 rows at 3:1:1 are 12, 4, 4. Test takes 12*4/20 = 2.4 and 8*4/20 = 1.6 rows: 2 and 2; then
    # validation takes 10*4/16 = 2.5 and 6*4/16 = 1.5 rows: 3 and 1 (equal remainders: the first
    # class).
    assert [list(np.bincount(y[part])) for part in parts] == [[7, 5], [3, 1], [2, 2]]
    assert all(part.dtype == np.int32 for part in parts)
    assert sorted(np.concatenate(parts)) == list(range(20))
    assert all(list(part) == sorted(part) for part in parts)


@given(
    counts=st.lists(st.integers(12, 60), min_size=1, max_size=5),
    ratios=st.sampled_from([(8, 1, 1), (4, 3, 3), (8, 2), (9, 1), (1, 1, 1)]),
    seeds=st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=2, unique=True),
    own=st.integers(0, 5),
    kept=st.floats(0.5, 1),
)
def test_partition_of_equal_sizes(counts, ratios, seeds, own, kept):
    y = np.repeat(np.arange(len(counts)), counts)
    size = len(y) + own
    y, own_test = np.concatenate([y, np.zeros(own, int)]), np.arange(size - own, size)
    train_size = int(kept * split_sizes(spec_of(size, own), ratios)[0])
    for parts in (split(y, own_test, ratios, seed=seed, train_size=train_size) for seed in seeds):
        assert tuple(map(len, parts)) == split_sizes(spec_of(size, own), ratios, train_size)
        rows = np.concatenate(parts)
        assert len(set(rows)) == len(rows)
        if own:
            np.testing.assert_array_equal(parts.test, own_test)
        if len(ratios) == 2:
            assert len(parts.validation if not own else NONE) == 0


@pytest.mark.parametrize("sizes", [(178, 18), (569, 57), (1797, 180), (150, 15)])
def test_class_counts_are_those_of_scikit_learn(sizes):
    total, drawn = sizes
    y = np.sort(np.random.default_rng(total).choice(3, total, p=[0.2, 0.3, 0.5]))
    parts = split(y, NONE, (total - drawn, drawn), seed=0)
    reference = StratifiedShuffleSplit(1, test_size=drawn, random_state=0)
    _, test = next(reference.split(np.zeros((total, 1)), y))
    np.testing.assert_array_equal(np.bincount(y[parts.test]), np.bincount(y[test]))


def test_same_seed_same_rows_other_seed_others():
    y = np.arange(200) % 4
    first, again, other = (split(y, NONE, (8, 1, 1), seed=seed) for seed in (5, 5, 6))
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, different)


def test_every_row_is_drawn_equally_often():
    y = np.array([0] * 30 + [1] * 10)
    drawn = np.zeros(40)
    for seed in range(400):
        drawn[split(y, NONE, (3, 1), seed=seed).test] += 1
    # 10 of 40 rows in 400 draws: 100 expected, standard deviation sqrt(400 * 1/4 * 3/4) = 8.7
    assert drawn.min() > 100 - 5 * 8.7
    assert drawn.max() < 100 + 5 * 8.7


def test_regression_is_not_stratified():
    y = np.linspace(0, 1, 100).astype(np.float32)
    assert [len(part) for part in split(y, NONE, (8, 1, 1), seed=0, stratify=False)] == [80, 10, 10]


def test_own_test_split_stays_and_ratios_divide_the_rest():
    y = np.arange(100) % 2
    own = np.arange(80, 100)
    two, three = (split(y, own, ratios, seed=1) for ratios in ((3, 1), (3, 1, 4)))
    assert [len(part) for part in two] == [60, 20, 20]
    for one, same in zip(two, three, strict=True):
        np.testing.assert_array_equal(one, same)


def test_train_size_leaves_the_other_parts_alone():
    y = np.arange(200) % 4
    whole = split(y, NONE, (8, 1, 1), seed=2)
    small = split(y, NONE, (8, 1, 1), seed=2, train_size=40)
    assert list(np.bincount(y[small.train])) == [10] * 4
    assert set(small.train) < set(whole.train)
    np.testing.assert_array_equal(small.validation, whole.validation)
    np.testing.assert_array_equal(small.test, whole.test)


@pytest.mark.parametrize("train_size", [0, -1, 161])
def test_train_size_out_of_range(train_size):
    message = f"train_size={train_size}: it must be 1 to 160"
    with pytest.raises(UserError, match=message):
        split(np.arange(200) % 4, NONE, (8, 1, 1), seed=0, train_size=train_size)
    with pytest.raises(UserError, match=message):
        split_sizes(spec_of(200), (8, 1, 1), train_size)


def test_class_with_too_few_rows_is_named_at_every_seed():
    y = np.array([0] * 97 + [1] * 3)
    for seed in range(5):
        with pytest.raises(
            UserError, match=r"class 'rare' has too few rows \(3 of 100\) to be in the test part"
        ):
            split(y, NONE, (8, 1, 1), seed=seed, classes=("common", "rare"))


def test_fewer_training_rows_than_classes():
    with pytest.raises(UserError, match=r"class 3 .* training part of 3 rows"):
        split(np.arange(40) % 4, NONE, (8, 2), seed=0, train_size=3)


def test_too_few_rows_for_the_ratios():
    with pytest.raises(UserError, match="split=98:1:1 of 20 rows leaves a part without rows"):
        split(np.arange(20) % 2, NONE, (98, 1, 1), seed=0)
