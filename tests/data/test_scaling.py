"""Scaling against scikit-learn's scalers and hand-worked values."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from research.data import scaling
from research.errors import UserError

SKLEARN = {"minmax": MinMaxScaler, "standard": StandardScaler, "robust": RobustScaler}


def scaled(x, method, maximum):
    shift, scale = scaling.fit(x, method, maximum)
    assert shift.dtype == scale.dtype == np.float64
    return (x.astype(np.float32) - shift) / scale


@pytest.mark.parametrize("method", SKLEARN)
def test_tables_agree_with_scikit_learn(method):
    """scikit-learn's numbers; 1e-12 is float64's rounding."""
    x = np.random.default_rng(0).normal(3, [1, 10, 0.1], (101, 3)).astype(np.float32)
    expected = SKLEARN[method]().fit_transform(x.astype(np.float64))
    np.testing.assert_allclose(scaled(x, method, 1.0), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("method", SKLEARN)
def test_images_agree_with_scikit_learn_per_channel(method, monkeypatch):
    """scikit-learn's numbers, by sums over chunks; 1e-12 is float64's rounding."""
    monkeypatch.setattr(scaling, "_CHUNK", 7 * 60)  # several chunks, of 7 images
    x = np.random.default_rng(1).integers(0, [256, 100, 17], (30, 5, 4, 3)).astype(np.uint8)
    expected = SKLEARN[method]().fit_transform(x.reshape(-1, 3).astype(np.float64)).reshape(x.shape)
    np.testing.assert_allclose(scaled(x, method, 255.0), expected, rtol=1e-12, atol=1e-12)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=40), st.floats(0, 1))
def test_quantile_is_numpys(numbers, share):
    """numpy's linear quantile from counts of values; 1e-9 is float64 rounding."""
    values, counts = np.unique(np.array(numbers, np.float64), return_counts=True)
    histogram = scaling.Histogram(values, counts.astype(np.float64))
    assert histogram.quantile(share) == pytest.approx(np.quantile(numbers, share), abs=1e-9)


def test_none_divides_by_the_maximum():
    x = np.array([0, 8, 16, 4], np.uint8).reshape(4, 1, 1, 1)
    np.testing.assert_array_equal(scaled(x, "none", 16.0).ravel(), [0, 0.5, 1, 0.25])
    table = np.array([[1.0, -2.0]], np.float32)
    np.testing.assert_array_equal(scaled(table, "none", 1.0), table)


@pytest.mark.parametrize("method", SKLEARN)
def test_constant_column_is_only_shifted(method):
    table = np.array([[7.1, 1.0], [7.1, 2.0], [7.1, 3.0]], np.float32)
    shift, scale = scaling.fit(table, method, 1.0)
    assert (shift[0], scale[0]) == (np.float32(7.1), 1.0)
    assert scale[1] != 1.0 or method == "robust"
    image = np.full((3, 2, 2, 1), 9, np.uint8)
    assert [float(part[0]) for part in scaling.fit(image, method, 255.0)] == [9.0, 255.0]


@pytest.mark.parametrize("method", scaling.METHODS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_fitted_on_the_rows_alone(method, dtype, monkeypatch):
    monkeypatch.setattr(scaling, "_CHUNK", 7 * 60)
    generator = np.random.default_rng(2)
    x = generator.integers(0, 256, (50, 5, 4, 3)).astype(dtype)
    rows = np.sort(generator.permutation(50)[:31]).astype(np.int32)
    for one, other in zip(
        scaling.fit(x, method, 255.0, rows), scaling.fit(x[rows], method, 255.0), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_bytes_are_counted_without_a_copy():
    x = np.zeros((4000, 64, 64, 3), np.uint8)  # 49 MB
    tracemalloc.start()
    scaling.fit(x, "standard", 255.0, np.arange(0, 4000, dtype=np.int32))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < x.nbytes / 2


def test_fitted_on_what_is_given_alone():
    x = np.array([[0.0], [2.0], [100.0]], np.float32)
    assert [float(part[0]) for part in scaling.fit(x[:2], "standard", 1.0)] == [1.0, 1.0]


def test_target():
    """Mean 3 and deviation sqrt(8/3), rounded to float32."""
    y = np.array([1.0, 3.0, 5.0], np.float32)
    shift, scale = scaling.fit_target(y, "standard")
    assert (float(shift), float(scale)) == (3.0, pytest.approx(np.sqrt(8 / 3)))
    assert shift.shape == scale.shape == ()
    assert tuple(map(float, scaling.fit_target(y, "none"))) == (0.0, 1.0)


def test_errors():
    x = np.zeros((2, 1), np.float32)
    with pytest.raises(UserError, match="scaling=standart: did you mean standard"):
        scaling.fit(x, "standart", 1.0)
    with pytest.raises(UserError, match="target_scaling=minmax"):
        scaling.fit_target(x[:, 0], "minmax")
    with pytest.raises(ValueError, match="filled before"):
        scaling.fit(np.array([[np.nan]], np.float32), "standard", 1.0)
