"""The activations slot by hand; its moments are laws."""

import jax
import jax.numpy as jnp
import numpy as np
import torch

from research import rng
from research.regularization import dropout
from tests.regularization import cases


def test_dropout_keeps_or_drops_by_unit() -> None:
    x = jnp.arange(1.0, 2001.0)
    kept = np.asarray(dropout.dropout(0.75)(x, cases.KEY) / x)
    assert set(np.unique(kept)) == {0.0, 4.0}
    assert abs((kept == 0).mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 2000)


def test_alpha_dropout_is_pytorchs_and_keeps_the_moments() -> None:
    """PyTorch's numbers at units that are dropped and kept. 200,000 units of mean 0 and variance 1
    lie above SELU's limit; their mean errs by 0.0022, and their variance by less."""
    root = np.sqrt(3)
    x = np.random.default_rng(0).uniform(-root, root, 200_000).astype(np.float32)
    result = np.asarray(dropout.alpha_dropout(0.2)(jnp.asarray(x), cases.KEY))
    torch.manual_seed(0)
    theirs = torch.nn.functional.alpha_dropout(torch.tensor(x), 0.2, training=True)
    expected = theirs.numpy()
    np.testing.assert_allclose(result.min(), expected.min(), rtol=1e-6)
    for value in (result, expected):
        assert abs((value == value.min()).mean() - 0.2) < 5 * np.sqrt(0.2 * 0.8 / x.size)
    both = (result > result.min()) & (expected > expected.min())
    np.testing.assert_allclose(result[both], expected[both], rtol=1e-5, atol=1e-6)
    assert abs(result.mean()) < 0.011
    assert abs(result.var() - 1) < 0.02


def test_an_example_draws_the_same_wherever_it_lies() -> None:
    """By its index in the global batch: half a batch gives half of the result."""
    x = cases.array(8, 5)
    keys = rng.per_example(cases.KEY, jnp.arange(8))
    apply = jax.vmap(dropout.dropout(0.5))
    np.testing.assert_array_equal(
        apply(x, keys)[4:], apply(x[4:], rng.per_example(cases.KEY, jnp.arange(4, 8)))
    )


def test_stochastic_depth_survives_by_depth() -> None:
    """At rate 0.6 and depth d a branch survives with probability 1 - 0.6·d, whole and divided by
    it."""
    keys = rng.per_example(cases.KEY, jnp.arange(4000))
    branch = jnp.ones(3)
    for depth in (0.25, 0.5, 1.0):
        result = np.asarray(
            jax.vmap(lambda key, d=depth: dropout.stochastic_depth(0.6)(branch, key, d))(keys)
        )
        assert (result == result[:, :1]).all()
        survival = 1 - 0.6 * depth
        np.testing.assert_allclose(result.max(), 1 / survival, rtol=1e-6)
        assert abs((result[:, 0] > 0).mean() - survival) < 5 * np.sqrt(
            survival * (1 - survival) / 4000
        )
