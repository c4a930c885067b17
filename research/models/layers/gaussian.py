"""Samples of the Gaussian that an encoder predicts for each example."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from research import rng
from research.models.layers.forward import Forward


class GaussianSample(nn.Module):
    """A sample of N(mean, exp(log_variance)) per example, [B, L], as mean + noise.

    In training it depends on the example's key. In evaluation it depends on the example's content,
    x [B, ...], so that it does not change with what is evaluated beside it.

    Reference: Kingma & Welling 2014 (the reparametrization).
    """

    @nn.compact
    def __call__(
        self, mean: jax.Array, log_variance: jax.Array, x: jax.Array, fwd: Forward
    ) -> jax.Array:
        keys = fwd.example_keys(self.make_rng("latent")) if fwd.train else rng.of_content(x)
        # In float32 at least: bfloat16 has too few values for the tails of a normal distribution.
        wide = jnp.promote_types(mean.dtype, jnp.float32)
        noise = jax.vmap(lambda key: jax.random.normal(key, mean.shape[1:], wide))(keys)
        return mean + jnp.exp(log_variance / 2) * noise.astype(mean.dtype)
