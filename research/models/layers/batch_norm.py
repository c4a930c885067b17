"""Batch normalization over the global batch, which may be spread over devices and have padding."""

import math
import re

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError
from research.models.layers.forward import Forward


class GlobalBatchNorm(nn.Module):
    """Batch normalization with a learned bias and, by default, scale, [B, ..., C] -> [B, ..., C].

    Training uses the mean and the two-pass variance over the real steps of real examples on all
    devices. Evaluation uses their moving averages, in the collection `batch_stats`. Statistics are
    float32 at least. The moving variance averages the biased variances (n); PyTorch's averages the
    unbiased ones (n - 1).

    A frozen layer (the pattern `fwd.frozen` matches the name of its mean) normalizes by its moving
    averages in training too and does not update them, like Keras with `trainable=False`.

    With `fwd.recompute` it leaves the statistics of its batch in the collection `recomputed`.

    Raises:
        ShapeError: if n is 1.
    """

    momentum: float
    epsilon: float
    has_scale: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        channels = x.shape[-1:]
        # Float32 whatever the compute dtype: in bfloat16 a moving average loses its small changes.
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, channels, jnp.float32)
        running_var = self.variable("batch_stats", "var", jnp.ones, channels, jnp.float32)
        scale = (
            self.param("scale", nn.initializers.ones, channels, jnp.float32)
            if self.has_scale
            else 1.0
        )
        bias = self.param("bias", nn.initializers.zeros, channels, jnp.float32)
        mean = running_mean.value
        var = running_var.value
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        frozen = (
            fwd.frozen is not None
            and re.search(fwd.frozen, "/".join((*self.path, "mean"))) is not None
        )
        by_batch = (fwd.train or fwd.recompute) and not frozen
        if (
            by_batch
            and not self.is_initializing()
            # Only where one device has the whole batch is its size known while tracing.
            and fwd.axis is None
            and math.prod(x.shape[:-1]) == 1
        ):
            raise ShapeError(
                "batch norm over one value per channel gives only zeros: a batch, or a part of"
                " it, has one"
                " example; use a larger --batch_size, a smaller --accumulate or another"
                " normalization"
            )
        if by_batch:
            mean = _mean(wide, fwd)
            # Two passes: E[x²] - E[x]² cancels where the mean is large beside the spread, and may
            # be negative.
            var = _mean(jnp.square(wide - mean), fwd)
            if fwd.recompute:
                self.variable("recomputed", "mean", lambda: mean).value = mean
                self.variable("recomputed", "var", lambda: var).value = var
            # Initialisation passes a placeholder, which must not enter the statistics.
            elif not self.is_initializing():
                running_mean.value = self.momentum * running_mean.value + (1 - self.momentum) * mean
                running_var.value = self.momentum * running_var.value + (1 - self.momentum) * var
        # Both factors are per channel, so they are joined before they meet the activations.
        y = (wide - mean) * (jax.lax.rsqrt(var + self.epsilon) * scale) + bias
        return y.astype(jnp.result_type(x, bias))


def _mean(x: jax.Array, fwd: Forward) -> jax.Array:
    """The mean [C] of x [B, ..., C] over the real steps, or all places, of all devices' real
    examples; 0 of none."""
    axes = tuple(range(x.ndim - 1))
    steps = fwd.real_steps(x)
    if fwd.axis is None and fwd.weight is None and steps is None:
        # The common case needs no mask.
        return x.mean(axes)
    weight = jnp.ones(x.shape[0], x.dtype) if fwd.weight is None else fwd.weight
    real = weight.reshape(-1, *[1] * (x.ndim - 1)) > 0
    if steps is None:
        count = weight.sum()
        places = x.shape[1:-1]
    else:
        real = real & steps
        count = jnp.sum(real, dtype=x.dtype)
        places = x.shape[2:-1]
    # A select, not a product by 0: padding may hold NaN. Sums and counts are added apart, so that a
    # device with fewer real examples weighs less.
    total, count = fwd.over_devices((jnp.where(real, x, 0).sum(axes), count))
    # A batch of padding alone has the mean 0, not 0/0.
    return total / (jnp.maximum(count, 1) * math.prod(places))
