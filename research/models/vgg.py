"""VGG: stacks of 3×3 convolutions between 2×2 pools."""

from typing import Annotated, Literal

import flax.linen as nn
import jax

from research.models.layers.convolution import ConvUnit
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import Pool, Pooling, global_average
from research.models.layers.sites import ActivationName, HiddenDense, Site
from research.options import Count
from research.registry import ARCHITECTURES, Architecture

# Convolutions in each of the five stages, by the count of layers with weights (the paper's columns
# A, B, D and E).
STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


class VGG(nn.Module):
    """Five stages of 3×3 convolutions, each ended by a 2×2 pool, [B, H, W, C] -> [B, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(VGG(outputs=10), [32, 32, 3])
        ((10,), 14982474)
    """

    outputs: int
    depth: Annotated[
        Literal["11", "13", "16", "19"], "layers with weights in the paper's network"
    ] = "16"
    width: Annotated[Count, "channels of the first stage; they double up to eight times that"] = 64
    dense: Annotated[
        tuple[Count, ...], "widths of the dense hidden layers; the paper's are 4096,4096"
    ] = (512,)
    head: Annotated[
        Literal["flatten", "average"], "what the dense layers read: all positions, or their mean"
    ] = "flatten"
    activation: ActivationName = "relu"
    pooling: Annotated[Pooling, "pooling of 2×2 windows"] = "max"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        for stage, count in enumerate(STAGES[int(self.depth)]):
            for _ in range(count):
                # The paper's last two stages have the same width.
                channels = self.width * min(2**stage, 8)
                x = ConvUnit(channels, activation=self.activation, kernel_init=self.kernel_init)(
                    x, fwd
                )
            x = Pool(self.pooling)(x, fwd)
        x = global_average(x) if self.head == "average" else x.reshape(x.shape[0], -1)
        for width in self.dense:
            x = HiddenDense(width, self.activation, self.kernel_init)(x, fwd)
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(x)


ARCHITECTURES.add(
    Architecture(
        "vgg",
        VGG,
        "stages of 3×3 convolutions between pools",
        "Simonyan & Zisserman 2015, Very deep convolutional networks for large-scale image"
        " recognition",
        takes=("image",),
        test_options={"depth": "11", "width": 1, "dense": (4,)},
    )
)
