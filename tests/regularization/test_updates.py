"""The update slot by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.regularization import updates
from tests.regularization import cases

PARAMS = {"dense": {"kernel": jnp.array([[2.0, -4.0]]), "bias": jnp.array([5.0, 5.0])}}
GRADS = {"dense": {"kernel": jnp.array([[3.0, 0.0]]), "bias": jnp.array([0.0, -4.0])}}


def update(transform: updates.Update, grads: updates.Tree = GRADS, **extra: object) -> updates.Tree:
    given = {"key": cases.KEY, "learning_rate": 0.1, "factor": 0.5, **extra}
    return transform.update(grads, transform.init(PARAMS), PARAMS, **given)[0]


def test_clip_norm_by_hand() -> None:
    """The norm over all parameters is 5."""
    clipped = update(updates.clip_norm(2.5))
    np.testing.assert_allclose(clipped["dense"]["kernel"], [[1.5, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(clipped["dense"]["bias"], [0.0, -2.0], rtol=1e-6)
    cases.assert_same_bits(update(updates.clip_norm(5.1)), GRADS)


def test_clip_value_by_hand() -> None:
    clipped = update(updates.clip_value(3.5))
    np.testing.assert_array_equal(clipped["dense"]["kernel"], [[3.0, 0.0]])
    np.testing.assert_array_equal(clipped["dense"]["bias"], [0.0, -3.5])


def test_gradient_noise_falls_with_the_step() -> None:
    """Over 20 000 entries the standard deviation is sqrt(η/(1 + t)^γ) to 2.5 % (5 standard
    errors)."""
    transform = updates.gradient_noise(0.3, 0.55)
    zeros = {"a": jnp.zeros(20_000), "b": jnp.zeros(20_000)}
    state = transform.init(zeros)
    for step in range(4):
        noise, state = transform.update(zeros, state, key=jax.random.fold_in(cases.KEY, step))
        for leaf in noise.values():
            np.testing.assert_allclose(leaf.std(), np.sqrt(0.3 / (1 + step) ** 0.55), rtol=0.025)
        assert abs(np.corrcoef(noise["a"], noise["b"])[0, 1]) < 5 / np.sqrt(20_000)
    assert state.step == 4


def test_decays_by_hand() -> None:
    """w = (2, -4), λ = 0.25, learning rate 0.1, factor 0.5, no gradient; biases never decay.

    weight_decay: w - 0.1·0.25·w. independent_decay: w - 0.5·0.25·w.
    """
    none = jax.tree.map(jnp.zeros_like, PARAMS)
    coupled_to_rate = jax.tree.map(lambda u: -0.1 * u, update(updates.weight_decay(0.25), none))
    independent = update(updates.independent_decay(0.25), none)
    for change, expected in ((coupled_to_rate, [[1.95, -3.9]]), (independent, [[1.75, -3.5]])):
        after = optax.apply_updates(PARAMS, change)
        np.testing.assert_allclose(after["dense"]["kernel"], expected, rtol=1e-6)
        np.testing.assert_array_equal(after["dense"]["bias"], PARAMS["dense"]["bias"])


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_decoupled_decay_is_not_l2_under_adam(rate: float) -> None:
    """Adam divides L2's gradient by its size: the first step is the learning rate, whatever the
    strength."""
    none = jax.tree.map(jnp.zeros_like, PARAMS)
    adam = optax.scale_by_adam()
    for strength in (0.1, 0.2):
        through_loss = jax.tree.map(lambda w, s=strength: s * w, PARAMS)
        step, _ = adam.update(through_loss, adam.init(PARAMS))
        np.testing.assert_allclose(rate * step["dense"]["kernel"], [[rate, -rate]], rtol=1e-5)
        beside, _ = adam.update(none, adam.init(PARAMS))
        decayed = update(updates.weight_decay(strength), beside)
        np.testing.assert_allclose(
            decayed["dense"]["kernel"], strength * PARAMS["dense"]["kernel"], rtol=1e-6
        )
