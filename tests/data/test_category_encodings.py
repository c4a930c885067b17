"""Encodings of categories against scikit-learn's encoders, with missing and unseen categories."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.preprocessing import OrdinalEncoder, StandardScaler, TargetEncoder

from research.data.category_encodings import averaged, outputs
from research.data.features.table_columns import TableColumns
from research.registry import ENCODINGS

ROWS = 60
TRAIN = np.arange(40)
COUNTS = (5, 3)
NAMES = (*(f"a={place}" for place in range(5)), "n", *(f"b={place}" for place in range(3)))
TABLE = TableColumns((9,), NAMES, impute="mean", categories=(5, 0, 3))


def rows() -> np.ndarray:
    """Places, a number, places. Only rows that do not train have place 4 of the first column, and
    only these have an unknown category; some categories are missing."""
    generator = np.random.default_rng(0)
    x = np.stack(
        [
            generator.integers(0, 4, ROWS),
            generator.normal(size=ROWS),
            generator.integers(0, 3, ROWS),
        ],
        axis=1,
    ).astype(np.float32)
    x[40:45, 0] = 4
    x[45, 2] = -1
    x[[3, 9, 50], 2] = np.nan
    return x


def encoded(encoding: str, y: Any, classes: int, **options: Any) -> np.ndarray:
    """All rows as the network sees them without scaling, in float64."""
    codes = outputs(classes) if encoding == "target" else 1
    feature = TABLE.prepared("none", ROWS, encoding, codes)
    fit = ENCODINGS.get(encoding).build(**options)
    x = rows()

    def encode(places: np.ndarray, count: int, train: np.ndarray) -> np.ndarray:
        return fit(places, count, averaged(y[train], classes))

    with jax.enable_x64(True):
        fitted = feature.fit(x, TRAIN, "none", np.dtype("f8"), encode=encode)
        like = feature.fitted_like(np.dtype("f8"))
        assert jax.tree.map(np.shape, fitted) == jax.tree.map(lambda leaf: leaf.shape, like)
        fitted = jax.tree.map(jnp.asarray, fitted)
        seen = np.asarray(feature.normalize(jnp.asarray(x), fitted, np.dtype("f8")))
        none = feature.normalize(jnp.asarray(x[:0]), fitted, np.dtype("f8"))
    assert none.shape == (0, *feature.shape)
    assert seen.shape == (ROWS, *feature.shape)
    np.testing.assert_allclose(seen[:, 0], x[:, 1], rtol=1e-6)
    return seen[:, 1:]


def texts() -> np.ndarray:
    """The categories as scikit-learn takes them: a missing one is a category of its own."""
    places = rows()[:, [0, 2]]
    return np.where(np.isnan(places), 9, places).astype(int)


@pytest.mark.parametrize("smoothing", [0.0, 10.0])
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_target_is_that_of_scikit_learn(classes: int, smoothing: float) -> None:
    generator = np.random.default_rng(1)
    y = generator.integers(0, classes, ROWS) if classes else generator.normal(size=ROWS)
    kind = {0: "continuous", 2: "binary", 3: "multiclass"}[classes]
    encoder = TargetEncoder(smooth=smoothing, target_type=kind)
    expected = encoder.fit(texts()[TRAIN], y[TRAIN]).transform(texts())
    np.testing.assert_allclose(encoded("target", y, classes, smoothing=smoothing), expected)


def test_ordinal_is_that_of_scikit_learn() -> None:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    expected = encoder.fit(texts()[TRAIN]).transform(texts())
    seen = encoded("ordinal", np.zeros(ROWS), 0)
    np.testing.assert_array_equal(seen, expected)
    assert (seen[40:45, 0] == -1).all()  # the bucket of unseen categories
    assert seen[45, 1] == -1
    assert seen[3, 1] == 3  # missing is a category


def test_frequency_is_the_share_of_training_rows() -> None:
    seen = encoded("frequency", np.zeros(ROWS), 0)
    for column, places in enumerate(texts().T):
        expected = [np.mean(places[TRAIN] == place) for place in places]
        np.testing.assert_allclose(seen[:, column], expected)
    assert (seen[40:45, 0] == 0).all()


def test_codes_are_scaled_like_numbers_and_named_after_their_column() -> None:
    y = np.random.default_rng(1).normal(size=ROWS)
    fit = ENCODINGS.get("target").build(smoothing=2.0)
    feature = TABLE.prepared("standard", ROWS, "target")
    assert feature.names == ("n", "a", "b")
    fitted = feature.fit(
        rows(), TRAIN, "standard", np.dtype("f4"), encode=lambda p, c, r: fit(p, c, y[r, None])
    )
    fitted = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), fitted)
    seen = np.asarray(feature.normalize(jnp.asarray(rows()), fitted, np.dtype("f4")))
    raw = encoded("target", y, 0, smoothing=2.0)
    expected = StandardScaler().fit(raw[TRAIN]).transform(raw)
    np.testing.assert_allclose(seen[:, 1:], expected, atol=2e-6)
    # A network that takes categories apart does not get their codes.
    assert feature.taken_as({"n": "table", "c": "categories"}) is None
    assert feature.taken_as(("table_parts",)) is None
    assert feature.taken_as(("table",)) == feature
    several = TABLE.prepared("standard", ROWS, "target", 3)
    assert several.columns_by_name == {"n": (0,), "a": (1, 2, 3), "b": (4, 5, 6)}
