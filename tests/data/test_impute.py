"""Imputation against scikit-learn's SimpleImputer, from the training rows alone."""

import numpy as np
import pytest
from sklearn.impute import MissingIndicator, SimpleImputer

from research.data import impute
from research.data.features.engineered_table import engineered
from research.data.features.table_columns import TableColumns
from research.data.one_hot import OneHot
from research.errors import UserError


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


NAMES = ("sex=f", "sex=m", "sex=x", "age", "fare")
TABLE = TableColumns((5,), NAMES, impute="median(by=sex)", categories=(3, 0, 0))


def test_medians_of_groups_are_those_of_numpy():
    """A group without values, and a row without a group, get the median of all training rows."""
    rows = [[0, 1, 8], [0, 3, np.nan], [0, np.nan, 2], [1, 7, np.nan], [2, np.nan, np.nan]]
    unseen = [[np.nan, np.nan, 5], [1, np.nan, np.nan], [0, np.nan, 1]]
    x = OneHot(np.array([*rows, *unseen], np.float32), TABLE.categories)
    fitted = TABLE.fit(x, np.arange(5), "standard", np.dtype(np.float32))
    of_all = [np.nanmedian(x.values[:5, column]) for column in (1, 2)]
    assert of_all == [3, 5]
    assert fitted.fill[:, 3:].tolist() == [[2, 5], [7, 5], [3, 5], of_all]
    filled = np.asarray(TABLE.filled(x[:], fitted.fill))
    assert filled[2:, 3:].tolist() == [[2, 2], [7, 5], [3, 5], [3, 5], [7, 5], [2, 1]]
    np.testing.assert_allclose(fitted.shift[3:], filled[:5, 3:].mean(axis=0), rtol=1e-6)
    seen = TABLE.normalize(x[:], fitted, np.dtype(np.float32))
    np.testing.assert_allclose(seen, (filled - fitted.shift) / fitted.scale, rtol=1e-5)
    like = TABLE.fitted_like(np.dtype(np.float32))
    assert like.fill.shape == fitted.fill.shape


WRONG = {
    "knn(5)": "impute=knn(5): allowed are mean, median, most_frequent, and one of these",
    "median(by=sx)": "impute=median(by=sx): people has no column 'sx'; did you mean sex?",
    "median(by=age)": "groups rows by a category, and column 'age' of people has numbers; write",
}


@pytest.mark.parametrize("method", WRONG)
def test_what_is_wrong_is_one_line(method):
    table = TableColumns((5,), NAMES, impute=method, categories=(3, 0, 0))
    with pytest.raises(UserError) as error:
        table.check_impute("people")
    assert WRONG[method] in str(error.value)


@pytest.mark.parametrize("kinds", [("table_parts",), {"x": "table", "z": "categories"}])
def test_numbers_stay_with_the_category_that_fills_them(kinds):
    with pytest.raises(UserError, match="do not go together; try --impute=median"):
        assert TABLE.taken_as(kinds).parts
    with pytest.raises(UserError, match="scaling=log do not go together; try --impute=median"):
        TABLE.prepared("log", 5)


def test_indicators_are_those_of_scikit_learn():
    """Behind the filled columns, a column per number, whatever fills it."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(30, 3)).astype(np.float32)
    x[generator.random((30, 3)) < 0.3] = np.nan
    table = engineered(TableColumns((3,), ("a", "b", "c"), impute="indicator(median)"), "")
    assert table.names == ("a", "b", "c", "a is missing", "b is missing", "c is missing")
    assert tuple(table.columns_by_name) == table.names
    train = np.arange(20)
    fitted = table.fit(x, train, "none", np.dtype(np.float32))
    filled = SimpleImputer(strategy="median").fit(x[:20]).transform(x)
    gaps = MissingIndicator(features="all").fit(x[:20]).transform(x)
    seen = table.normalize(x, fitted, np.dtype(np.float32))
    np.testing.assert_allclose(seen, np.concatenate([filled, gaps], axis=1), rtol=1e-6)
