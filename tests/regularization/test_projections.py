"""The projection slot by hand, and the proximal step against scikit-learn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import ElasticNet

from research.regularization import penalties, projections

W = jnp.array([[3.0, 0.3, 0.0], [4.0, -0.4, 0.0]])  # units of norm 5, 0.5 and 0
RATE = jnp.float32(0.1)


def test_max_norm_by_hand() -> None:
    """A unit of norm 5 shrinks to 2, the others stay exactly; 1e-6: a root and a division."""
    bounded = projections.max_norm(2.0)(W, RATE)
    np.testing.assert_allclose(bounded, [[1.2, 0.3, 0.0], [1.6, -0.4, 0.0]], rtol=1e-6)
    np.testing.assert_array_equal(bounded[:, 1:], W[:, 1:])


def test_max_norm_of_a_convolution_bounds_each_filter() -> None:
    """Ones of norm 4 become 1/4; 1e-6: a root and a division."""
    filters = jnp.ones((2, 2, 4, 3))  # each filter has 16 weights, norm 4
    np.testing.assert_allclose(projections.max_norm(1.0)(filters, RATE), 0.25, rtol=1e-6)


def test_unit_norm_by_hand() -> None:
    """Each column that is not zero gets norm 1; 1e-6: a root and a division."""
    np.testing.assert_allclose(
        projections.unit_norm()(W, RATE), [[0.6, 0.6, 0.0], [0.8, -0.8, 0.0]], rtol=1e-6
    )


def test_l1_prox_by_hand() -> None:
    """The threshold is 0.1·4 = 0.4; what it reaches is exactly zero."""
    shrunk = projections.l1_prox(4.0)(W, RATE)
    np.testing.assert_allclose(shrunk, [[2.6, 0.0, 0.0], [3.6, 0.0, 0.0]], rtol=1e-6)
    assert (shrunk == 0).sum() == 4


@pytest.mark.parametrize("l2", [0.0, 0.3])
def test_l1_prox_finds_the_lasso_and_with_l2_the_elastic_net(l2: float) -> None:
    """scikit-learn minimises mean square/2 + α·ρ‖w‖₁ + ½α(1 - ρ)‖w‖², so α = λ₁ + λ₂ and ρ =
    λ₁/α."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 8))
    y = x @ np.array([2, -1, 0.2, 0, 0, 0, 0, 0.05]) + 0.3 * rng.normal(size=60)
    l1 = 0.25
    prox, penalty = projections.l1_prox(l1), penalties.l2(l2)

    def loss(w: jax.Array) -> jax.Array:
        return jnp.mean((x @ w[:, 0] - y) ** 2) / 2 + penalty(w)

    step = lambda _, w: prox(w - RATE * jax.grad(loss)(w), RATE)  # noqa: E731
    w = jax.lax.fori_loop(0, 500, step, jnp.zeros((8, 1)))[:, 0]
    reference = ElasticNet(
        alpha=l1 + l2, l1_ratio=l1 / (l1 + l2), fit_intercept=False, tol=1e-10, max_iter=10_000
    )
    expected = reference.fit(x, y).coef_
    np.testing.assert_array_equal(w == 0, expected == 0)
    assert 2 <= (expected == 0).sum() <= 6
    np.testing.assert_allclose(w, expected, atol=1e-5)
