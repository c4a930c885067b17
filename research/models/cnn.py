"""A small convolutional network."""

from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import max_pool
from research.models.layers.sites import ActivationName, HiddenConv, HiddenDense, Site
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class CNN(nn.Module):
    """Blocks of a convolution and a 2×2 max-pool, a dense layer and a linear head, [B, H, W, C] ->
    [B, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(CNN(outputs=10), [28, 28, 1])
        ((10,), 421642)
    """

    outputs: int
    channels: Annotated[tuple[Count, ...], "channels of the convolution in each block"] = (32, 64)
    kernel: Annotated[Count, "side of the convolutions' filters"] = 3
    dense: Annotated[tuple[Count, ...], "widths of the dense hidden layers"] = (128,)
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        for channels in self.channels:
            x = max_pool(
                HiddenConv(channels, self.activation, self.kernel, self.kernel_init)(x, fwd)
            )
        x = x.reshape(x.shape[0], -1)
        for width in self.dense:
            x = HiddenDense(width, self.activation, self.kernel_init)(x, fwd)
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(x)


ARCHITECTURES.add(
    Architecture(
        "cnn",
        CNN,
        "two blocks of convolution and max-pool, then a dense layer",
        "LeCun et al. 1998",
        version=2,
        takes=("image",),
        test_options={"channels": (2, 3), "dense": (4,)},
    )
)
