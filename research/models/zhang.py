"""The small AlexNet and Inception of Zhang et al. 2017, for images of 28×28."""

from typing import Annotated, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.convolution import ConvUnit
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import global_average, max_pool
from research.models.layers.sites import ActivationName, HiddenDense, Site
from research.options import Count
from research.registry import ARCHITECTURES, Architecture

# The small Inception's stages: for each module, the channels of its 1×1 and its 3×3 convolution.
# DOWN has the channels of the convolution in each downsampling between two stages.
STAGES = (((32, 32), (32, 48)), ((112, 48), (96, 64), (80, 80), (48, 96)), ((176, 160), (176, 160)))
DOWN = (80, 96)
PAPER = "Zhang et al. 2017, Understanding deep learning requires rethinking generalization"


class AlexNetSmall(nn.Module):
    """Two modules of a 5×5 convolution, a 3×3 pool and local response normalization; dense layers;
    [B, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(AlexNetSmall(outputs=10), [28, 28, 3])
        ((10,), 1387786)
    """

    outputs: int
    channels: Annotated[tuple[Count, ...], "channels of the convolutions"] = (64, 64)
    dense: Annotated[tuple[Count, ...], "widths of the dense hidden layers"] = (384, 192)
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        for channels in self.channels:
            x = ConvUnit(channels, 5, activation=self.activation, kernel_init=self.kernel_init)(
                x, fwd
            )
            x = local_response_norm(max_pool(x, 3, 2, 1))
        x = x.reshape(x.shape[0], -1)
        for width in self.dense:
            x = HiddenDense(width, self.activation, self.kernel_init)(x, fwd)
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(x)


class Inception(nn.Module):
    """1×1 and 3×3 convolutions side by side, [B, H, W, C] -> [B, H, W, narrow + wide]."""

    narrow: int
    wide: int
    activation: str
    kernel_init: Init

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        sizes = ((self.narrow, 1), (self.wide, 3))
        convolved = [
            ConvUnit(channels, kernel, activation=self.activation, kernel_init=self.kernel_init)(
                x, fwd
            )
            for channels, kernel in sizes
        ]
        return jnp.concatenate(convolved, axis=-1)


class Downsample(nn.Module):
    """A 3×3 convolution and a 3×3 max-pool side by side, both of stride 2: [B, H/2, W/2, channels +
    C]."""

    channels: int
    activation: str
    kernel_init: Init

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        conv = ConvUnit(
            self.channels, 3, 2, activation=self.activation, kernel_init=self.kernel_init
        )(x, fwd)
        return jnp.concatenate([conv, max_pool(x, 3, 2, 1)], axis=-1)


class InceptionSmall(nn.Module):
    """Inception modules in three stages and the mean over all places, [B, H, W, C] -> [B,
    outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(InceptionSmall(outputs=10), [28, 28, 3])
        ((10,), 1649402)
    """

    outputs: int
    width: Annotated[Count, "channels, in percent of the paper's"] = 100
    stages: Annotated[Literal["1", "2", "3"], "stages between downsamplings"] = "3"
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        def channels(count: int) -> int:
            # A narrow network still has a channel in every path.
            return max(1, count * self.width // 100)

        x = ConvUnit(channels(96), activation=self.activation, kernel_init=self.kernel_init)(
            Site("input")(x, fwd), fwd
        )
        for stage, modules in enumerate(STAGES[: int(self.stages)]):
            if stage:
                x = Downsample(channels(DOWN[stage - 1]), self.activation, self.kernel_init)(x, fwd)
            for narrow, wide in modules:
                x = Inception(channels(narrow), channels(wide), self.activation, self.kernel_init)(
                    x, fwd
                )
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(global_average(x))


def local_response_norm(
    x: jax.Array, radius: int = 4, bias: float = 1.0, alpha: float = 0.001 / 9, beta: float = 0.75
) -> jax.Array:
    """x / (bias + alpha Σ x²)^beta, with the sum over the channels at most `radius` away.

    The constants are those of TensorFlow's CIFAR-10 network, on which Zhang et al. 2017 built.

    Args:
        x: [..., C].
        radius: channels on either side.
        bias: added to the sum.
        alpha: factor of the sum.
        beta: exponent.

    Reference: Krizhevsky et al. 2012.
    """
    # Zeros beyond the first and the last channel, so that every sum has the same number of terms.
    squares = jnp.pad(jnp.square(x), [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    near = sum(squares[..., offset : offset + x.shape[-1]] for offset in range(2 * radius + 1))
    return x / (bias + alpha * near) ** beta


ARCHITECTURES.add(
    Architecture(
        "alexnet_small",
        AlexNetSmall,
        "two convolutions with pools and local response normalization, two dense layers",
        PAPER,
        takes=("image",),
        test_options={"channels": (2, 2), "dense": (4,)},
    )
)
ARCHITECTURES.add(
    Architecture(
        "inception_small",
        InceptionSmall,
        "1×1 and 3×3 convolutions side by side, in three stages",
        PAPER,
        takes=("image",),
        normalization="batch_norm(scale=false)",
        test_options={"width": 5, "stages": "1"},
    )
)
