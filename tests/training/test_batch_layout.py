"""Where the examples of a batch lie when it is split into parts and spread over devices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.training.devices import batch_layout
from research.training.setup.program import Sizes

FEW = st.integers(1, 9)


@pytest.mark.parametrize(
    ("batch", "parts", "devices", "expected"),
    [
        (4, 1, 1, [[0, 1, 2, 3]]),
        (4, 1, 2, [[0, 1], [2, 3]]),
        (5, 1, 2, [[0, 1, 2], [3, 4, 5]]),
        (7, 2, 1, [[0, 1, 2, 7, 3, 4, 5, 6]]),
        (7, 2, 2, [[0, 1, 3, 4], [2, 7, 5, 6]]),
        (2, 1, 4, [[0], [1], [2], [2]]),
    ],
)
def test_by_hand(batch: int, parts: int, devices: int, expected: list[list[int]]) -> None:
    np.testing.assert_array_equal(batch_layout.example_positions(batch, parts, devices), expected)


@given(batch=st.integers(1, 40), parts=FEW, devices=FEW)
def test_every_example_once_and_in_the_same_part(batch: int, parts: int, devices: int) -> None:
    placed = batch_layout.example_positions(batch, parts, devices).reshape(devices, parts, -1)
    np.testing.assert_array_equal(np.sort(placed[placed < batch]), np.arange(batch))
    alone = batch_layout.example_positions(batch, parts).reshape(parts, -1)
    for part in range(parts):
        np.testing.assert_array_equal(
            placed[:, part][placed[:, part] < batch], alone[part][alone[part] < batch]
        )


def batch_masks(
    sizes: Sizes, parts: int, devices: int, place: int, first: int, steps: int
) -> dict[str, list[list[float]]]:
    made = batch_layout.batch_masks(sizes, parts, devices, place, first, steps)
    return {name: np.asarray(value).tolist() for name, value in made.items()}


def test_marks_are_left_out_where_they_say_nothing() -> None:
    assert batch_masks(Sizes(12, 0, 0, 4), 2, 1, 0, 0, 2) == {}
    assert batch_masks(Sizes(13, 0, 0, 4), 1, 1, 0, 0, 2) == {}
    assert batch_masks(Sizes(12, 0, 0, 4, "pad"), 1, 1, 0, 0, 2) == {}
    assert batch_masks(Sizes(12, 0, 0, 4), 1, 2, 1, 0, 2) == {"index": [[2, 3]] * 2}


def test_marks_of_padding() -> None:
    """6 rows in batches of 4: the last one has 2. And 3 rows on 2 devices: the second has 1."""
    assert batch_masks(Sizes(6, 0, 0, 4, "pad"), 1, 1, 0, 0, 2) == {
        "weight": [[1, 1, 1, 1], [1, 1, 0, 0]]
    }
    assert batch_masks(Sizes(6, 0, 0, 4, "pad"), 1, 2, 1, 1, 1) == {
        "index": [[2, 3]],
        "weight": [[0, 0]],
    }
    assert batch_masks(Sizes(6, 0, 0, 3), 1, 2, 1, 0, 1) == {"index": [[2, 3]], "weight": [[1, 0]]}
