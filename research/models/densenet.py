"""DenseNet: every layer of a block reads all earlier ones."""

from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.convolution import Conv, NormAct
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import average_pool, global_average
from research.models.layers.sites import ActivationName, Site, normalization_has_bias
from research.models.resnet import channels_kept
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class DenseLayer(nn.Module):
    """Norm, activation, 1×1, norm, activation, 3×3; input and result are joined, [..., C] -> [...,
    C + growth]."""

    growth: int
    bottleneck: int
    activation: str
    kernel_init: Init

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        h = x
        for channels, kernel in ((self.growth * self.bottleneck, 1), (self.growth, 3)):
            h = Site("hidden")(NormAct(self.activation)(h, fwd), fwd)
            h = Conv(
                channels,
                kernel,
                # Where a normalization with an offset follows, the bias would be redundant.
                bias=not normalization_has_bias(fwd),
                activation=self.activation,
                kernel_init=self.kernel_init,
            )(h)
        return jnp.concatenate([x, h], axis=-1)


class DenseNet(nn.Module):
    """Dense blocks with transitions that halve channels, rows and columns, [B, H, W, C] -> [B,
    outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(DenseNet(outputs=10), [32, 32, 3], normalization="batch_norm")
        ((10,), 239146)
    """

    outputs: int
    blocks: Annotated[tuple[Count, ...], "layers in each block"] = (6, 6, 6, 6)
    growth: Annotated[Count, "channels that a layer adds"] = 16
    bottleneck: Annotated[Count, "channels of a layer's 1×1 convolution, times the growth"] = 2
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Conv(self.growth * self.bottleneck, kernel_init=self.kernel_init)(Site("input")(x, fwd))
        for block, layers in enumerate(self.blocks):
            for _ in range(layers):
                x = DenseLayer(self.growth, self.bottleneck, self.activation, self.kernel_init)(
                    x, fwd
                )
            x = NormAct(self.activation)(x, fwd)
            if block < len(self.blocks) - 1:
                half = x.shape[-1] // 2
                x = Conv(
                    half,
                    1,
                    bias=not normalization_has_bias(fwd),
                    activation=self.activation,
                    kernel_init=self.kernel_init,
                )(x)
                x = average_pool(x)
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(global_average(x))


ARCHITECTURES.add(
    Architecture(
        "densenet",
        DenseNet,
        "dense blocks: each layer reads the outputs of all earlier ones",
        "Huang et al. 2017, Densely connected convolutional networks",
        version=2,
        constraints=(channels_kept,),
        takes=("image",),
        normalization="batch_norm",
        test_options={"blocks": (1, 1), "growth": 2},
    )
)
