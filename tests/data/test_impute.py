"""Imputation against scikit-learn's SimpleImputer, from the training rows alone."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer

from research.data import impute


@pytest.mark.parametrize("method", ["mean", "median", "most_frequent"])
def test_agrees_with_scikit_learn(method):
    """Filled values are scikit-learn's, within float32 rounding."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 5, (40, 3)).astype(np.float32)
    x[generator.random((40, 3)) < 0.3] = np.nan
    train, rest = x[:30], x[30:]
    imputer = SimpleImputer(strategy=method).fit(train)
    fill = impute.fit(train, method)
    assert fill.dtype == np.float64
    np.testing.assert_allclose(impute.apply(rest, fill), imputer.transform(rest), rtol=1e-6)


def test_hand_worked():
    """The mean of 9, 9 and 4 within float64 rounding; medians and modes are exact."""
    x = np.array([[1, 9], [np.nan, 9], [1, 4], [7, np.nan]], np.float32)
    assert list(impute.fit(x, "mean")) == [3.0, pytest.approx(22 / 3)]
    assert list(impute.fit(x, "median")) == [1.0, 9.0]
    assert list(impute.fit(x, "most_frequent")) == [1.0, 9.0]


def test_a_column_without_values_in_the_training_rows_is_filled_with_zero():
    x = np.array([[1, np.nan, np.nan], [0, 6, np.nan], [-1, 8, np.nan]], np.float32)
    assert impute.fit(x[[0]], "mean").tolist() == [1, 0, 0]
    assert impute.fit(x[[1]], "mean").tolist() == [0, 6, 0]
