"""The normalization slot against NumPy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.layers.forward import Forward
from research.regularization import normalization
from tests.regularization import cases

X = 2 + 3 * cases.array(4, 3, 3, 4)


def apply(module: Any, x: jax.Array) -> np.ndarray:
    return np.asarray(
        module.apply(
            module.init(cases.KEY, x, Forward()), x, Forward(train=True), mutable=["batch_stats"]
        )[0]
    )


def normalized(x: jax.Array, axes: tuple[int, ...]) -> np.ndarray:
    wide = np.asarray(x, np.float64)
    return (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + 1e-5)


@pytest.mark.parametrize(
    ("module", "axes"),
    [
        (normalization.batch_norm(), (0, 1, 2)),
        (normalization.layer_norm(), (3,)),
        (normalization.group_norm(1), (1, 2, 3)),
        (normalization.group_norm(4), (1, 2)),
        (normalization.instance_norm(), (1, 2)),
    ],
)
def test_what_is_averaged_over(module: Any, axes: tuple[int, ...]) -> None:
    """Mean 0 and variance 1 over these axes; 3e-6: float32 sums beside float64, values up to 3."""
    np.testing.assert_allclose(apply(module, X), normalized(X, axes), atol=3e-6)


def test_rms_norm_keeps_the_mean() -> None:
    """x / rms(x), without a shift; 1e-5: a float32 sum and root beside float64."""
    wide = np.asarray(X, np.float64)
    expected = wide / np.sqrt((wide**2).mean(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(apply(normalization.rms_norm(), X), expected, rtol=1e-5)


def test_group_norm_shares_statistics_within_a_group() -> None:
    """Statistics over positions and the channels of a group; 3e-6 as above."""
    grouped = normalized(X.reshape(4, 3, 3, 2, 2), (1, 2, 4)).reshape(X.shape)
    np.testing.assert_allclose(apply(normalization.group_norm(2), X), grouped, atol=3e-6)


def test_group_norm_must_divide_the_channels() -> None:
    with pytest.raises(
        UserError, match="group_norm=3 does not divide a layer of 4 units or channels"
    ):
        apply(normalization.group_norm(3), X)


@pytest.mark.parametrize("shape", [(4, 6), (4, 5, 6)])
def test_group_norm_needs_more_than_one_unit_a_group(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        UserError, match=r"leaves each of 6 units alone, which makes all zero; .* one of 2, 3"
    ):
        apply(normalization.group_norm(6), cases.array(*shape))
    assert apply(normalization.group_norm(3), cases.array(*shape)).std() > 0.5


def test_the_steps_of_a_sequence_are_normalized_alone() -> None:
    """No step reads another's statistics; 3e-6 as above."""
    x = cases.array(2, 5, 6)
    grouped = normalized(x.reshape(2, 5, 3, 2), (3,)).reshape(x.shape)
    np.testing.assert_allclose(apply(normalization.group_norm(3), x), grouped, atol=3e-6)


def test_instance_norm_leaves_dense_layers_alone() -> None:
    dense = cases.array(4, 6)
    np.testing.assert_array_equal(apply(normalization.instance_norm(), dense), dense)


@pytest.mark.parametrize("build", [normalization.batch_norm, normalization.layer_norm])
def test_variance_survives_a_large_mean(build: Any) -> None:
    """The one-pass variance E[x²] - E[x]² has no digits left at a mean of 10 000 standard
    deviations."""
    x = 1e4 + cases.array(64, 64)
    axis = 0 if build is normalization.batch_norm else 1
    np.testing.assert_allclose(apply(build(), x), normalized(x, (axis,)), atol=2e-2)


def test_batch_norm_leaves_padding_out() -> None:
    """With rows of weight 0, whatever is in them, the real ones are normalized as if alone, and so
    are the averages."""
    module, weight = normalization.batch_norm(), jnp.array([1.0, 0.0, 1.0, 1.0])
    variables = module.init(cases.KEY, X, Forward())
    padded, stats = module.apply(
        variables, X.at[1].set(1e6), Forward(train=True, weight=weight), mutable=["batch_stats"]
    )
    alone, expected = module.apply(
        variables, X[weight > 0], Forward(train=True), mutable=["batch_stats"]
    )
    np.testing.assert_allclose(padded[weight > 0], alone, atol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), stats, expected)


def test_batch_norm_needs_more_than_one_value() -> None:
    with pytest.raises(UserError, match="batch norm over one value per channel gives only zeros"):
        apply(normalization.batch_norm(), cases.array(1, 6))
    assert np.isfinite(apply(normalization.batch_norm(), cases.array(1, 3, 3, 6))).all()


def test_running_statistics_by_lane() -> None:
    """r ← m·r + (1 - m)·batch, from mean 0 and variance 1, with momentum m a lane value; evaluation
    uses r."""
    x = jnp.array([[1.0], [3.0]])  # mean 2, variance 1

    def lane(momentum: Any) -> tuple[Any, Any]:
        module = normalization.batch_norm(momentum)
        variables = module.init(cases.KEY, x, Forward())
        for _ in range(2):
            variables = {
                **variables,
                **module.apply(variables, x, Forward(train=True), mutable=["batch_stats"])[1],
            }
        return variables["batch_stats"], module.apply(variables, x, Forward())

    stats, evaluated = jax.jit(jax.vmap(lane))(jnp.array([0.0, 0.5, 0.9]))
    means = np.array([2.0, 1.5, 0.38])
    np.testing.assert_allclose(stats["BatchNorm_0"]["mean"].ravel(), means, rtol=1e-6)
    np.testing.assert_allclose(stats["BatchNorm_0"]["var"].ravel(), 1, rtol=1e-6)
    np.testing.assert_allclose(
        evaluated[..., 0], np.array([[1.0, 3.0]]) - means[:, None], atol=3e-5
    )
