"""Curved scalings of tables against scikit-learn's transformers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from research.data.curves import noisy
from research.data.features.table_columns import TableColumns
from research.data.features.table_parts import TableParts
from research.data.one_hot import OneHot
from research.data.scaling import CURVED

ROWS = 400


def columns(rows: int) -> np.ndarray:
    """A normal column, whole numbers, one of a few huge values, a negative one, a constant, and one
    of whose power float32 has few digits."""
    generator = np.random.default_rng(0)
    return np.stack(
        [
            generator.normal(3, 2, rows),
            generator.integers(0, 4, rows),
            np.exp(3 * generator.normal(size=rows)),
            -np.exp(generator.normal(size=rows)),
            np.full(rows, 7.0),
            2 + 0.2 / generator.uniform(0.1, 1, rows),
        ],
        axis=1,
    ).astype(np.float32)


class Noisy(QuantileTransformer):
    """Quantiles of the rows with the noise that separates equal ones."""

    def fit(self, x, y=None):
        return super().fit(noisy(x))


# By name: scikit-learn's transformer, and how near float32 comes: whole numbers have quantiles that
# are 1e-5 apart.
EXPECTED = {
    "quantile": (Noisy(n_quantiles=13, output_distribution="normal", subsample=None), 3e-3),
    "power": (PowerTransformer(), 2e-5),
    "log": (
        make_pipeline(
            FunctionTransformer(lambda x: np.sign(x) * np.log1p(abs(x))), StandardScaler()
        ),
        2e-5,
    ),
}


@pytest.mark.parametrize("scaling", CURVED)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_curve_is_that_of_scikit_learn(scaling: str, dtype: str) -> None:
    """Of training rows, of others like them, and of numbers beyond them."""
    x = columns(ROWS)
    x[-6:, :3] = [[-9, 9, -1], [99, -1, 1e6], *x[:4, :3] + 0.25]
    feature = TableColumns((x.shape[1],)).prepared(scaling, ROWS)
    train = np.arange(0, ROWS - 10)
    transformer, near = EXPECTED[scaling]
    expected = transformer.fit(x[train].astype(np.float64)).transform(x.astype(np.float64))
    with jax.enable_x64(dtype == "float64"):
        fitted = feature.fit(x, train, scaling, np.dtype(dtype))
        fitted = jax.tree.map(lambda value: jnp.asarray(value, dtype), fitted)
        seen = np.asarray(feature.normalize(jnp.asarray(x), fitted, np.dtype(dtype)))
    assert seen.dtype == dtype
    tolerance = 1e-6 if dtype == "float64" else near
    np.testing.assert_allclose(seen, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("scaling", CURVED)
def test_folds_of_any_size_have_statistics_of_one_shape(scaling: str) -> None:
    feature = TableColumns((6,)).prepared(scaling, 9000)
    expected = jax.tree.map(lambda leaf: leaf.shape, feature.fitted_like(np.dtype("f4")))
    for rows in (5, 700):
        fitted = feature.fit(columns(rows), np.arange(rows), scaling, np.dtype("f4"))
        assert jax.tree.map(np.shape, fitted) == expected


def test_categories_stay_apart_from_the_numbers() -> None:
    """One-hot columns are standardized; to a network that embeds categories they are places."""
    names = ("colour=blue", "colour=red", "size")
    table = TableColumns((3,), names, impute="mean", categories=(2, 0))
    feature = table.prepared("log", 4)
    assert (feature.names, feature.stored) == (("size", "colour=blue", "colour=red"), table)
    x = OneHot(np.array([[0, 0], [1, np.nan], [1, 3], [np.nan, 9]], np.float32), (2, 0))
    fitted = feature.fit(feature.view(x), np.arange(3), "log", np.dtype("f4"))
    seen = feature.normalize(jnp.asarray(feature.view(x)), fitted, np.dtype("f4"))
    size = np.log1p([0, 1.5, 3, 9])
    share = np.sqrt(2 / 9)  # the deviation of two ones in three rows
    places = (np.array([[1, 0], [0, 1], [0, 1], [0, 0]]) - [1 / 3, 2 / 3]) / share
    expected = np.column_stack([(size - size[:3].mean()) / size[:3].std(), places])
    np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=1e-6)
    parts = feature.named({"n": "table", "c": "categories"})
    assert isinstance(parts, TableParts)
    assert parts.stored == table
    raw = parts.view(x)
    fitted = parts.fit(raw, np.arange(3), "log", np.dtype("f4"))
    seen = parts.normalize(jax.tree.map(jnp.asarray, raw), fitted, np.dtype("f4"))
    np.testing.assert_allclose(seen["n"], expected[:, :1], rtol=1e-5)
    assert seen["c"].tolist() == [[0], [1], [1], [-1]]
