"""Odd arrays: they are read as they are meant, or refused in a line that says what to give."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import research as rs
from research.api.raw_inputs import raw_inputs
from research.data import arrays
from research.data.adapted import Task
from research.data.features.numbers import Numbers
from research.data.spec import Source
from research.errors import UserError

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2


def opened(x: Any, y: Any, folder: Path, task: Task = "auto") -> Source:
    name = arrays.register(x, y)
    return arrays.open_arrays(
        name.removeprefix(arrays.PREFIX), data_dir=None, cache_dir=str(folder), task=task
    )


def test_large_numbers_keep_their_digits(tmp_path: Path) -> None:
    """2.5e-7 is the rounding of differences below 4 in float32, and of 1e9 in float64."""
    source = opened(1e8 + X, 1e9 + X[:, 0], tmp_path)
    origin = np.array(source.spec.inputs.as_a(Numbers).origin)
    read = source.arrays()
    np.testing.assert_allclose(read.x + (origin - 1e8), X, atol=2.5e-7)
    np.testing.assert_allclose(source.spec.targets.restored(read.y) - 1e9, X[:, 0], atol=2.5e-7)
    # New inputs are read alike.
    np.testing.assert_allclose(raw_inputs(1e8 + X[:2], source.spec, {}), read.x[:2], atol=2.5e-7)


def test_few_whole_floats_are_classes_and_a_quantity_by_the_task(tmp_path: Path) -> None:
    source = opened(X, Y.astype(float), tmp_path)
    assert source.spec.targets.classes == ("0", "1")
    assert any("is read as classes; --task=regression" in note for note in source.spec.notes)
    quantity = opened(X, Y.astype(float), tmp_path, "regression")
    assert quantity.spec.targets.classes == ()
    np.testing.assert_array_equal(quantity.arrays().y, Y)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (X, np.array(["u", None], object)[Y], "y has no value in row 1"),
        (X, np.eye(2)[Y], r"one-hot, \[40, 2\]; give the classes: y.argmax\(axis=1\)"),
        (X, np.datetime64("2024-01-01") + np.arange(40), "expected numbers, texts or booleans"),
        ([[1, 2], [3]] * 20, Y, "x has rows of different lengths"),
        (np.ma.masked_greater(X, 1.5), Y, r"x has no value at \[13, 2\]; fill it in, or give a"),
        (np.where(X > 1.5, np.nan, X), Y, r"x has no value at \[13, 2\]; fill it in"),
        (X.astype(str).astype(object) + "%", Y, "not all of it is a number"),
        (X + 1j, Y, "x is complex128, and not all of it is a number"),
    ],
)
def test_refused(x: Any, y: Any, says: str) -> None:
    with pytest.raises(UserError, match=says):
        arrays.register(x, y)


def test_a_column_of_targets_and_numbers_as_objects_are_read() -> None:
    plain = arrays.register(X, Y)
    assert arrays.register(X, Y[:, None]) == plain
    assert arrays.register(X.astype(object), Y.astype(object)) == plain


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.zeros((40, 4, 5), np.uint8), Y, "read as a sequence of 4 steps; grey images are"),
        (np.zeros((40, 3, 8, 8), np.uint8), Y, "if its first axis are the channels"),
        (X, np.array(["cat", "Cat"])[Y], "'Cat' and 'cat' look alike"),
        (np.where(X > 1, -999, X), Y, "-999, in"),
        (1704067200000 + 1000 * np.arange(120).reshape(40, 3), Y, "milliseconds since 1970"),
    ],
)
def test_noted(x: Any, y: Any, says: str, tmp_path: Path) -> None:
    assert any(says in note for note in opened(x, y, tmp_path).spec.notes)


def test_predictions_refuse_what_is_no_input(tmp_path: Path) -> None:
    spec = opened(X, Y, tmp_path).spec
    for x, says in (
        (np.full((2, 3), np.nan), r"x is nan at \[0, 0\]"),
        (np.full((2, 3), np.inf), r"x is inf at \[0, 0\]"),
        (X[:0], r"x is \[0, 3\], and has no rows"),
        ([["a", "b", "c"]], "x is not an array of numbers"),
    ):
        with pytest.raises(rs.UserError, match=says):
            raw_inputs(x, spec, {})
    pixels = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1)).astype(np.uint8)
    images = opened(pixels, Y, tmp_path).spec
    with pytest.raises(rs.UserError, match="go up to 255"):
        raw_inputs(pixels / 255, images, {})
