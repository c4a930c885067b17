"""Slot normalization: flax modules `module(x, fwd) -> x` on x [B, ..., C], with a scale and (but
for RMS) a bias.

All use the two-pass variance and ε = 1e-5.
"""

from typing import Annotated, Literal

import jax
from flax import linen as nn

from research.errors import ShapeError
from research.models.layers.batch_norm import GlobalBatchNorm
from research.models.layers.forward import Forward
from research.options import Count, Probability
from research.regularization.constraints import feature_maps
from research.regularization.member import member

# PyTorch's epsilon; flax's default is 1e-6.
EPSILON = 1e-5


class BatchNorm(nn.Module):
    """Over the global batch and all places; running statistics in the collection `batch_stats`."""

    momentum: float
    scale: bool

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        """Normalizes x [B, ..., C] over the batch and all positions."""
        # The scope's name is part of stored parameters: it does not change.
        return GlobalBatchNorm(self.momentum, EPSILON, self.scale, name="BatchNorm_0")(x, fwd)


class LastAxisNorm(nn.Module):
    """Over the channels C of each place."""

    kind: Literal["layer", "rms"]

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        """Normalizes x [..., C] over its last axis."""
        layer = nn.LayerNorm if self.kind == "layer" else nn.RMSNorm
        # Two passes: flax's fast variance is E[x²] - E[x]², which cancels for a large mean.
        return layer(epsilon=EPSILON, use_fast_variance=False)(x)


class GroupNorm(nn.Module):
    """Over the places and the channels of each group; groups=None: each channel alone.

    The steps of a sequence [B, T, C] are normalized one by one: over all of them, each would see
    what comes after it.
    """

    groups: int | None

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        """Normalizes x [B, ..., C] over groups of channels and all positions."""
        channels = x.shape[-1]
        alone = x.ndim < 4 and self.groups in (None, x.shape[-1])
        if self.groups is None and alone:
            # Dense layers behind feature maps: over one position, every output would be zero.
            return x
        if self.groups is not None and (alone or channels % self.groups):
            fitting = ", ".join(str(count) for count in range(2, channels) if channels % count == 0)
            wrong = (
                f"leaves each of {channels} units alone, which makes all zero"
                if alone
                else "does not divide"
            )
            of = "" if alone else f" a layer of {channels} units or channels"
            instead = f"write --regularization=group_norm=G with G one of {fitting or 1}"
            raise ShapeError(
                f"group_norm={self.groups} {wrong}{of};"
                f" {instead if channels > 1 else 'use another normalization'}"
            )
        return nn.GroupNorm(
            num_groups=self.groups or channels,
            epsilon=EPSILON,
            reduction_axes=(-1,) if x.ndim == 3 else None,
            use_fast_variance=False,
        )(x)


@member(
    "normalization",
    "any",
    paper="Ioffe & Szegedy 2015, Batch normalization: accelerating deep network training",
    neutral=None,
)
def batch_norm(
    # PyTorch's momentum of 0.1 is the share that is replaced: the same average.
    momentum: Annotated[Probability, "share of the running statistics kept each step"] = 0.9,
    scale: Annotated[bool, "learn a scale per channel, besides the offset"] = True,
) -> BatchNorm:
    """Normalizes each channel over the batch; evaluation uses running statistics.

    Example:
        >>> x = jnp.array([[1.0, 10.0], [3.0, 30.0]])
        >>> y, _ = batch_norm().init_with_output(jax.random.key(0), x, Forward(train=True))
        >>> print(np.array(y).round(2))
        [[-1. -1.]
         [ 1.  1.]]
    """
    return BatchNorm(momentum, scale)


@member("normalization", "any", paper="Ba et al. 2016, Layer normalization", neutral=None)
def layer_norm() -> LastAxisNorm:
    """Normalizes over the channels (units) of each position of each example.

    Example:
        >>> x = jnp.array([[1.0, 3.0], [10.0, 30.0]])
        >>> y, _ = layer_norm().init_with_output(jax.random.key(0), x, Forward())
        >>> print(np.array(y).round(2))
        [[-1.  1.]
         [-1.  1.]]
    """
    return LastAxisNorm("layer")


@member(
    "normalization",
    "any",
    paper="Wu & He 2018, Group normalization",
    neutral=None,
    test_options={"groups": 2},
    version=2,
)
def group_norm(groups: Annotated[Count, "groups of channels; must divide them"] = 32) -> GroupNorm:
    """Normalizes over a group of channels and all positions of an image; each step of a sequence
    by itself.

    Example:
        >>> x = jnp.array([[1.0, 3.0, 10.0, 30.0]])
        >>> y, _ = group_norm(2).init_with_output(jax.random.key(0), x, Forward())
        >>> print(np.array(y).round(2))
        [[-1.  1. -1.  1.]]
    """
    return GroupNorm(groups)


@member(
    "normalization",
    "image",
    paper=(
        "Ulyanov et al. 2016, Instance normalization: the missing ingredient for fast stylization"
    ),
    neutral=None,
    constraints=(feature_maps,),
)
def instance_norm() -> GroupNorm:
    """Normalizes each channel of each example over its positions; dense layers have none and
    stay unchanged.

    Example:
        >>> x = jnp.array([1.0, 3.0, 10.0, 30.0]).reshape(1, 1, 4, 1)  # one image of four places
        >>> y, _ = instance_norm().init_with_output(jax.random.key(0), x, Forward())
        >>> print(np.array(y.flatten()).round(2))
        [-0.87 -0.7  -0.09  1.66]
    """
    return GroupNorm(None)


@member(
    "normalization",
    "any",
    paper="Zhang & Sennrich 2019, Root mean square layer normalization",
    neutral=None,
    has_bias=False,
    version=2,
)
def rms_norm() -> LastAxisNorm:
    """Divides by the root mean square over the channels (units) of each position; no mean, no bias.

    Example:
        >>> x = jnp.array([[3.0, 4.0]])
        >>> y, _ = rms_norm().init_with_output(jax.random.key(0), x, Forward())
        >>> print(np.array(y).round(2))
        [[0.85 1.13]]
    """
    return LastAxisNorm("rms")
