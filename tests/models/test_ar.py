"""Autoregressive windows and the n-gram, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.models.layers.forward import Forward
from research.registry import ARCHITECTURES
from tests.support.sequences import PADDED, run

EVALUATION = Forward()


def test_a_linear_window_by_hand() -> None:
    """A weighted sum of the last three values by hand; small whole numbers and halves are exact in
    float32."""
    model = ARCHITECTURES.get("ar").build(outputs=1, per_step=True, order=3)
    x = jnp.array([[1.0, 2.0, 4.0, 8.0]])
    params = {"head": {"kernel": jnp.array([[1.0], [10.0], [100.0]]), "bias": jnp.array([0.5])}}
    expected = [1.5, 2 + 10 + 0.5, 4 + 20 + 100 + 0.5, 8 + 40 + 200 + 0.5]
    np.testing.assert_allclose(model.apply({"params": params}, x, EVALUATION)[0, :, 0], expected)
    last = ARCHITECTURES.get("ar").build(outputs=1, order=3)
    np.testing.assert_allclose(last.apply({"params": params}, x, EVALUATION), [[248.5]])


def test_a_neural_window_has_its_layers() -> None:
    model = ARCHITECTURES.get("ar").build(
        outputs=2, vocabulary=5, per_step=True, order=3, hidden=(4,)
    )
    params = model.init(jax.random.key(0), jnp.zeros((1, 6), jnp.int32), EVALUATION)["params"]
    assert jax.tree.map(jnp.shape, params["HiddenDense_0"]["Dense_0"]["kernel"]) == (15, 4)
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 16 * 4 + 5 * 2


def test_an_ngram_has_a_row_for_each_run_of_tokens() -> None:
    """Rows are (present, before) in base 4, of 3 symbols and the sign before the first token."""
    model = ARCHITECTURES.get("ngram").build(outputs=3, vocabulary=3, per_step=True, order=2)
    table = jnp.arange(48.0).reshape(16, 3)
    x = jnp.array([[2, 0, 0, 1]])
    got = model.apply({"params": {"kernel": table}}, x, EVALUATION)[0]
    np.testing.assert_array_equal(
        got, table[jnp.array([3 * 4 + 0, 1 * 4 + 3, 1 * 4 + 1, 2 * 4 + 1])]
    )
    last = ARCHITECTURES.get("ngram").build(outputs=3, vocabulary=3, order=2)
    padded = jnp.pad(x, ((0, 0), (0, 2)), constant_values=-1)
    np.testing.assert_array_equal(
        last.apply({"params": {"kernel": table}}, padded, EVALUATION), got[-1:]
    )


def test_an_ngram_says_what_it_cannot() -> None:
    with pytest.raises(
        UserError, match=r"arch\.order=12 of 5 symbols is a table of 6\^12 rows of 5; at most 67,1"
    ):
        run(PADDED, arch="ngram", arch__order=12)


def test_an_ngram_of_numbers_by_hand() -> None:
    """Of 3 cells the bounds are -1 and 1; what lies outside [-3, 3] is in the nearest."""
    model = ARCHITECTURES.get("ngram").build(outputs=1, per_step=True, order=1, bins=3)
    table = jnp.arange(4.0)[:, None]  # the first row is before the first step's
    x = jnp.array([[-9.0, -1.1, -0.9, 0.9, 1.1, 9.0]])
    got = model.apply({"params": {"kernel": table}}, x, EVALUATION)[0, :, 0]
    np.testing.assert_array_equal(got, [1, 1, 2, 2, 3, 3])
    with pytest.raises(
        UserError, match=r"arch\.bins applies only to numbers, and memory has tokens"
    ):
        run(PADDED, arch="ngram", arch__bins=4)
