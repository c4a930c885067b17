"""The loss slot by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.regularization import penalties

W = jnp.array([[1.0, -2.0], [0.0, 3.0]])  # ‖w‖₁ = 6, ‖w‖² = 14


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (penalties.l1(0.1), 0.6),
        (penalties.l2(0.1), 0.7),
        (penalties.elastic_net(0.1, 0.2), 2.0),
        (penalties.activity_penalty(0.1), 0.7),
        (penalties.activity_penalty(0.1, "l1"), 0.6),
    ],
)
def test_by_hand(penalty: penalties.Penalty, expected: float) -> None:
    """The penalty of four weights by hand; 1e-6 is eight roundings of float32."""
    np.testing.assert_allclose(penalty(W), expected, rtol=1e-6)


def test_gradients_by_hand() -> None:
    """λw and λ·sign(w), with 0 at zero; 1e-6 is eight roundings of float32."""
    np.testing.assert_allclose(jax.grad(penalties.l2(0.1))(W), 0.1 * W, rtol=1e-6)
    signs = jnp.array([[1, -1], [0, 1]])  # the subgradient at zero is zero
    np.testing.assert_allclose(jax.grad(penalties.l1(0.1))(W), 0.1 * signs, rtol=1e-6)
