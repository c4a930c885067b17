"""Latents: a draw from the Gaussian that an encoder makes of each example, and its divergence from
the prior."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from research import rng
from research.models.layers.forward import Forward


class Draw(nn.Module):
    """A draw from N(mean, exp(log_variance)) for each example, [B, L], as mean + noise (Kingma &
    Welling 2014).

    In training by the example's key. In evaluation by a key made of what the example is (x [B,
    ...]), so that it has the same draw whatever is evaluated beside it, and a split's mean is
    unbiased.
    """

    @nn.compact
    def __call__(
        self, mean: jax.Array, log_variance: jax.Array, x: jax.Array, fwd: Forward
    ) -> jax.Array:
        keys = fwd.example_keys(self.make_rng("latent")) if fwd.train else rng.of_content(x)
        wide = jnp.promote_types(mean.dtype, jnp.float32)
        noise = jax.vmap(lambda key: jax.random.normal(key, mean.shape[1:], wide))(keys)
        return mean + jnp.exp(log_variance / 2) * noise.astype(mean.dtype)
