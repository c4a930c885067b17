"""LeNet-5."""

from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.convolution import ConvUnit
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import Pool, Pooling
from research.models.layers.sites import ActivationName, HiddenDense, Site
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class LeNet5(nn.Module):
    """Convolutions of 5×5 and 2×2 pools, twice, then two dense layers, [B, H, W, C] -> [B,
    outputs].

    The first convolution keeps the size (the paper's images of 28×28 are padded to 32×32), the
    second does not.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(LeNet5(outputs=10), [28, 28, 1])
        ((10,), 61706)
    """

    outputs: int
    channels: Annotated[tuple[Count, ...], "channels of the convolutions"] = (6, 16)
    dense: Annotated[tuple[Count, ...], "widths of the dense hidden layers"] = (120, 84)
    activation: ActivationName = "relu"
    pooling: Annotated[Pooling, "pooling of 2×2 windows; the paper uses average"] = "max"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        for layer, channels in enumerate(self.channels):
            padding = "VALID" if layer else "SAME"
            x = ConvUnit(channels, 5, 1, padding, self.activation, self.kernel_init)(x, fwd)
            x = Pool(self.pooling)(x, fwd)
        x = x.reshape(x.shape[0], -1)
        for width in self.dense:
            x = HiddenDense(width, self.activation, self.kernel_init)(x, fwd)
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(x)


ARCHITECTURES.add(
    Architecture(
        "lenet5",
        LeNet5,
        "two 5×5 convolutions with pools, two dense layers",
        "LeCun et al. 1998, Gradient-based learning applied to document recognition",
        takes=("image",),
        test_options={"channels": (2, 3), "dense": (4,)},
    )
)
