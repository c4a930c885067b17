"""Losses against values worked by hand."""

import jax
import jax.numpy as jnp
import numpy as np

import research.catalogue  # noqa: F401
from research.registry import LOSSES
from research.tasks import losses

Z = jnp.array([[2.0, 1.0, -1.0], [0.0, 0.5, 3.0]])
T = jnp.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def test_cross_entropy() -> None:
    """log Σexp by hand; of soft targets the mean over classes. 1e-6 is eight roundings of
    float32."""
    expected = [np.log(np.exp([0, -1, -3]).sum()), np.log(np.exp([-0.5, 0, 2.5]).sum())]
    np.testing.assert_allclose(losses.cross_entropy(Z, T), expected, rtol=1e-6)
    soft = jnp.array([[0.7, 0.2, 0.1]])
    mixed = sum(
        s * losses.cross_entropy(Z[:1], jnp.eye(3)[k : k + 1]) for k, s in enumerate(soft[0])
    )
    np.testing.assert_allclose(losses.cross_entropy(Z[:1], soft), mixed, rtol=1e-6)


def test_binary_cross_entropy_is_the_softmax_of_zero_and_z() -> None:
    """One score is two, the first of them 0; 1e-6 is eight roundings of float32."""
    z = jnp.array([[3.0], [-2.0], [0.0], [90.0]])
    t = jnp.array([[0.0, 1.0], [0.0, 1.0], [0.3, 0.7], [1.0, 0.0]])
    two = losses.binary_scores(z, 2)
    np.testing.assert_array_equal(two[:, 0], 0)
    np.testing.assert_allclose(
        losses.binary_cross_entropy(z, t), losses.cross_entropy(two, t), rtol=1e-6
    )


def test_perceptron_and_hinge() -> None:
    """Right by a margin of 1; wrong by 2.5."""
    np.testing.assert_allclose(losses.perceptron(Z, T), [0, 2.5])
    np.testing.assert_allclose(losses.hinge(Z, T), [0, 3.5])
    np.testing.assert_allclose(losses.hinge(jnp.array([[1.0, 0.6, 0.0]]), T[:1]), [0.6], rtol=1e-6)
    np.testing.assert_array_equal(
        jax.grad(lambda z: losses.perceptron(z, T).sum())(Z), [[0, 0, 0], [0, -1, 1]]
    )
    np.testing.assert_array_equal(
        jax.grad(lambda z: losses.hinge(z, T).sum())(Z), [[0, 0, 0], [0, -1, 1]]
    )


def test_hinge_on_mixed_targets() -> None:
    """The classes of the largest share, more than one where shares are equal to rounding, count as
    right."""
    z = jnp.array([[2.0, 1.5, -1.0], [2.0, 1.5, -1.0]])
    t = jnp.array([[0.6, 0.4, 0.0], [0.5, 0.5 + 1e-7, 0.0]])
    np.testing.assert_allclose(losses.hinge(z, t), [1 + 1.5 - 1.8, 0], rtol=1e-6)
    np.testing.assert_allclose(losses.hinge(-z, t), [1 + 1 + 1.8, 1 + 1 + 1.75], rtol=1e-6)


def test_regression() -> None:
    """Values and slopes by hand, all of which float32 holds exactly."""
    z, t = jnp.array([[1.5], [-3.0], [0.25]]), jnp.array([[1.0], [0.0], [0.25]])
    np.testing.assert_allclose(losses.squared(z, t), [0.25, 9, 0])
    np.testing.assert_allclose(losses.absolute(z, t), [0.5, 3, 0])
    np.testing.assert_allclose(losses.huber(z, t), [0.125, 2.5, 0])
    for loss, slope in (
        (losses.squared, [1, -6, 0]),
        (losses.absolute, [1, -1, 0]),
        (losses.huber, [0.5, -1, 0]),
    ):
        np.testing.assert_allclose(jax.grad(lambda z, loss=loss: loss(z, t).sum())(z)[:, 0], slope)


def test_every_loss_is_finite_with_a_finite_gradient() -> None:
    for entry in LOSSES:
        width = {"binary_cross_entropy": 2, "quadratic": 100}.get(entry.name, 3)
        for scale in (0.0, 1.0, 1e4):
            z = scale * jnp.linspace(-1, 1, 4 * entry.outputs(width)).reshape(4, -1)
            t = (
                jax.nn.one_hot(jnp.arange(4) % width, width)
                if "classification" in entry.tasks
                else 0 * z
            )
            both = jax.jit(jax.value_and_grad(lambda z, e=entry, t=t: e.build()(z, t).sum()))(z)
            assert all(np.isfinite(found).all() for found in both), entry.name
