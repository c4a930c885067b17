"""The parameters slot: weight normalization, and masks by kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.kernels import map_kernels_with_key
from research.regularization import weights
from tests.regularization import cases


@pytest.mark.parametrize("shape", [(5, 3), (3, 3, 2, 4)])
def test_weight_norm_starts_at_the_kernel(shape: tuple[int, ...]) -> None:
    """Split and joined, a kernel is itself; 1e-6: a root, a division and a product in float32."""
    w = cases.array(*shape)
    split, join = weights.weight_norm()
    parts = split(w)
    np.testing.assert_allclose(
        parts["scale"], np.linalg.norm(np.asarray(w).reshape(-1, shape[-1]), axis=0), rtol=1e-6
    )
    np.testing.assert_allclose(join(parts), w, rtol=1e-6)


def test_weight_norm_by_hand() -> None:
    """scale·v/‖v‖ of norms 5 and 2; 1e-6: a root and a division in float32."""
    join = weights.weight_norm().join
    w = join({"direction": jnp.array([[3.0, 0.0], [4.0, 2.0]]), "scale": jnp.array([10.0, -1.0])})
    np.testing.assert_allclose(w, [[6.0, 0.0], [8.0, -1.0]], rtol=1e-6)


def test_weight_norm_gradient_is_orthogonal_to_the_direction() -> None:
    """∂L/∂v·v = 0, within float32's rounding of five products of size 1; ∂L/∂scale by the chain
    rule."""
    split, join = weights.weight_norm()
    parts = split(cases.array(5, 3))
    gradient = jax.grad(lambda p: jnp.sum(jnp.sin(join(p))))(parts)
    np.testing.assert_allclose(
        jnp.sum(gradient["direction"] * parts["direction"], axis=0), 0, atol=1e-6
    )
    cosines = jnp.cos(join(parts)) * parts["direction"] / parts["scale"]
    np.testing.assert_allclose(gradient["scale"], jnp.sum(cosines, axis=0), rtol=1e-5)


def test_weight_norm_trains_a_unit_that_starts_at_zero() -> None:
    """A zero kernel has a direction, so its scale has a gradient; 1e-6: four terms of 1/2 in
    float32."""
    split, join = weights.weight_norm()
    w = jnp.zeros((4, 2))
    np.testing.assert_array_equal(join(split(w)), w)
    gradient = jax.grad(lambda p: jnp.sum(join(p)))(split(w))
    np.testing.assert_allclose(gradient["scale"], 2.0, rtol=1e-6)  # 4 entries of 1/√4


def test_each_kernel_has_its_own_mask() -> None:
    tree = {
        "a": {"kernel": jnp.ones((8, 8)), "bias": jnp.ones(8)},
        "b": {"kernel": jnp.ones((8, 8))},
    }
    dropped = map_kernels_with_key(weights.dropconnect(0.5), tree, cases.KEY)
    np.testing.assert_array_equal(dropped["a"]["bias"], 1)
    assert set(np.unique(dropped["a"]["kernel"])) == {0.0, 2.0}
    assert (dropped["a"]["kernel"] != dropped["b"]["kernel"]).any()
