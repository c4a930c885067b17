"""OneHot: what is read is what a one-hot array would hold, on the host and on the device, and costs
no more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.data import impute, scaling
from research.data.one_hot import OneHot

# Two categories of the second stored column, three of the fourth; NaN is missing.
STORED = OneHot(
    np.array([[1.5, 1, 7, 0], [-2, np.nan, np.nan, 2], [0, 0, 3, 2], [4, 1, 3, 1]], np.float32),
    (0, 2, 0, 3),
)
DENSE = np.array(
    [
        [1.5, 0, 1, 7, 1, 0, 0],
        [-2, 0, 0, np.nan, 0, 0, 1],
        [0, 1, 0, 3, 0, 0, 1],
        [4, 0, 1, 3, 0, 1, 0],
    ],
    np.float32,
)


def test_rows_are_read_as_one_hot() -> None:
    assert (STORED.shape, STORED.ndim, len(STORED), STORED.dtype) == (DENSE.shape, 2, 4, np.float32)
    np.testing.assert_array_equal(STORED[:], DENSE)
    np.testing.assert_array_equal(
        STORED[np.array([[3, 0], [1, 1]])], DENSE[np.array([[3, 0], [1, 1]])]
    )
    np.testing.assert_array_equal(np.concatenate(list(STORED.blocks())), DENSE)
    np.testing.assert_array_equal(np.stack(list(STORED)), DENSE)
    np.testing.assert_array_equal(STORED.take(np.array([2, 1]))[:], DENSE[[2, 1]])


def test_the_device_reads_the_same_bits() -> None:
    rows = np.array([3, 1, 0], np.int32)
    gathered = jax.jit(lambda x, rows: x[rows])(jax.device_put(STORED), jnp.asarray(rows))
    assert np.asarray(gathered).tobytes() == DENSE[rows].tobytes()


@pytest.mark.parametrize("method", ["minmax", "standard", "robust"])
def test_scaling_and_imputation_are_those_of_the_dense_array(method: str) -> None:
    rows = np.array([0, 1, 3])
    stored, dense = STORED.take(rows), DENSE[rows]
    fill = impute.fit(dense, "mean")
    of_stored = impute.fit(stored, "mean")
    numbers = np.array([True, False, False, True, False, False, False])
    np.testing.assert_array_equal(of_stored, np.where(numbers, fill, 0))
    full, filled = (
        impute.apply(dense, fill.astype(np.float32)),
        impute.apply(stored, of_stored.astype(np.float32)),
    )
    np.testing.assert_array_equal(filled[:], full)
    for mine, expected in zip(
        scaling.fit(filled, method, 1.0), scaling.fit(full, method, 1.0), strict=True
    ):
        assert mine.tobytes() == expected.tobytes()
    for mine, expected in zip(
        scaling.fit(filled, method, 1.0, np.array([0, 2])),
        scaling.fit(full[[0, 2]], method, 1.0),
        strict=True,
    ):
        assert mine.tobytes() == expected.tobytes()
