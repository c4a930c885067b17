"""Examples that a set has more than once: test rows in training, and one image of two classes."""

import numpy as np
import pytest

from research.data import repeats as repeats_lib
from research.data.repeats import repeats


def said(x, y, test_size=0, copies=False):
    return list(repeats(np.asarray(x), np.asarray(y), test_size, "row {}".format, copies))


@pytest.fixture(params=[1, 50, 1 << 20])
def pieces(request, monkeypatch):
    """Rows are compared one by one, in pieces, or all at once: the answer is the same."""
    monkeypatch.setattr(repeats_lib, "_PIECE", request.param)


def test_test_rows_that_are_training_rows(pieces):
    x = np.array([[1, 2], [3, 4], [5, 6], [1, 2], [5, 6], [7, 8]], np.float32)
    y = np.array([0, 1, 0, 0, 1, 1], np.int32)
    # Row 4 has the inputs of row 2, but another target.
    assert said(x, y, test_size=3) == [
        "1 of its 3 test rows are among its training rows too (the first: row 3 is row 0)"
    ]
    assert said(x, y) == []
    assert said(x[:3], y[:3], test_size=1) == []


def test_a_missing_value_equals_a_missing_value(pieces):
    x = np.array([[np.nan, 2], [3, 4], [np.nan, 2]], np.float32)
    assert len(said(x, np.zeros(3, np.float32), test_size=1)) == 1


def test_images_of_two_classes(pieces):
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 3, 1)).astype(np.uint8)
    x = images[[0, 1, 2, 1, 0, 3, 1]]
    y = np.array([0, 0, 1, 1, 0, 1, 0], np.int32)
    assert said(x, y) == ["1 of its images has more than one class (the first: row 1 is row 3)"]
    # Among them is no image twice in one class alone: image 0 is of class 0 both times.
    assert said(x[[0, 4]], y[[0, 4]]) == []
    assert said(x, y, test_size=2)[0].startswith(
        "1 of its 2 test images are among its training images too"
    )


def test_masks_have_no_class_each(pieces):
    x = np.zeros((3, 2, 2, 1), np.uint8)
    assert said(x, np.arange(12, dtype=np.int32).reshape(3, 2, 2)) == []


def test_copies_that_a_drawn_split_may_part(pieces):
    x = np.array([[1, 2], [3, 4], [1, 2], [1, 2], [3, 4]], np.float32)
    y = np.array([0, 1, 0, 1, 1], np.int32)
    # Rows 2 and 4 repeat rows 0 and 1; row 3 has another target.
    (note,) = said(x, y, copies=True)
    assert note == (
        "2 of its 5 rows repeat others (the first: row 2 is row 0); a split may put one in training"
        " and its copy in test"
    )
    assert said(x[[0, 1, 3]], y[[0, 1, 3]], copies=True) == []


def test_copies_of_an_image():
    x = np.zeros((2, 3, 3, 1), np.uint8)
    (note,) = said(x, np.zeros(2, np.int32), copies=True)
    assert note.startswith("1 of its 2 images repeats another (the first: row 1 is row 0)")
