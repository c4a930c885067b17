"""Which leaves are kernels, and maps over them."""

import jax
import jax.numpy as jnp
import numpy as np

from research import kernels

KEY = jax.random.key(8, impl="threefry2x32")

TREE = {
    "Dense_0": {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)},
    "BatchNorm_0": {"scale": jnp.ones(3)},
    "Dense_1": {"kernel": {"direction": jnp.ones((3, 2)), "scale": jnp.ones(2)}},
}


def test_kernels_by_path() -> None:
    assert kernels.kernel_mask(TREE) == {
        "Dense_0": {"kernel": True, "bias": False},
        "BatchNorm_0": {"scale": False},
        "Dense_1": {"kernel": {"direction": False, "scale": True}},
    }
    assert [w.shape for w in kernels.kernel_leaves(TREE)] == [(2, 3), (2,)]


def test_map_kernels_takes_more_trees() -> None:
    twice = jax.tree.map(lambda w: 2 * w, TREE)
    added = kernels.map_kernels(lambda w, v: w + v, TREE, twice)
    np.testing.assert_array_equal(added["Dense_0"]["kernel"], 3)
    np.testing.assert_array_equal(added["Dense_0"]["bias"], 1)


def test_a_kernels_key_does_not_depend_on_the_others() -> None:
    draw = lambda w, key: jax.random.normal(key, w.shape)  # noqa: E731
    all_of_them = kernels.map_kernels_with_key(draw, TREE, KEY)
    alone = kernels.map_kernels_with_key(draw, {"Dense_0": TREE["Dense_0"]}, KEY)
    np.testing.assert_array_equal(all_of_them["Dense_0"]["kernel"], alone["Dense_0"]["kernel"])
