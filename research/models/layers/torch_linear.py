"""A linear map that begins as PyTorch's, for networks whose results were published with it."""

import math

import flax.linen as nn
import jax

from research.models.layers.dense import Dense

# U(±1/√D) for D inputs: a variance of 1/(3·D).
KERNEL_INIT = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")


class TorchLinear(nn.Module):
    """x W + b, [..., D] -> [..., features]; W and b begin as U(±1/√D).

    Example:
        >>> variables = TorchLinear(1000).init(jax.random.key(0), jax.numpy.ones((1, 4)))
        >>> dense = variables["params"]["Dense_0"]
        >>> print(abs(dense["kernel"]).max().round(2), abs(dense["bias"]).max().round(2))
        0.5 0.5
    """

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        bias_init = symmetric(1 / math.sqrt(x.shape[-1]))
        return Dense(self.features, kernel_init=KERNEL_INIT, bias_init=bias_init)(x)


def symmetric(bound: float) -> nn.initializers.Initializer:
    """The initialisation U(-bound, bound)."""

    def init(
        key: jax.Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike = float
    ) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init
