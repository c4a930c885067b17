"""Convolution with normalization. The offset is the normalization's if it has one, else the
convolution's bias."""

from collections.abc import Sequence

import flax.linen as nn
import jax

from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.patches import convolve
from research.models.layers.pooling import fits
from research.models.layers.sites import Normalize, Site, normalization_has_bias
from research.registry import ACTIVATIONS

Padding = str | int | Sequence[tuple[int, int]]


class Conv(nn.Module):
    """A convolution of square filters, [B, H, W, C] -> [B, H', W', features].

    padding: zeros on each side, or `SAME` or `VALID`; None: half the (dilated) filter, which keeps
        H and W at stride 1.
    activation: the one that follows, for the initialisation.
    """

    features: int
    kernel: int = 3
    stride: int = 1
    dilation: int = 1
    padding: Padding | None = None
    bias: bool = True
    activation: str = "identity"
    kernel_init: Init = "auto"

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        # The same number of zeros on each side, as in PyTorch: `SAME` at stride 2 pads one side
        # more than the other, which moves the image.
        half = self.dilation * (self.kernel - 1) // 2
        if self.padding == "VALID":
            fits(x, 2 * half + 1, 0, f"convolution by {self.kernel}x{self.kernel}")
        return nn.Conv(
            self.features,
            (self.kernel, self.kernel),
            strides=self.stride,
            padding=half if self.padding is None else self.padding,
            kernel_dilation=self.dilation,
            use_bias=self.bias,
            kernel_init=initializer(self.kernel_init, self.activation),
            conv_general_dilated=convolve,
        )(x)


class ConvNorm(nn.Module):
    """A convolution, then the chosen normalization; a bias only where there is none."""

    features: int
    kernel: int = 3
    stride: int = 1
    padding: Padding | None = None
    activation: str = "identity"
    kernel_init: Init = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Conv(
            self.features,
            self.kernel,
            self.stride,
            padding=self.padding,
            # The normalization's offset takes the place of the bias; two would be redundant.
            bias=not normalization_has_bias(fwd),
            activation=self.activation,
            kernel_init=self.kernel_init,
        )(x)
        return Normalize()(x, fwd)


class ConvUnit(nn.Module):
    """A convolution, the chosen normalization, an activation, and the regularizers of hidden
    units."""

    features: int
    kernel: int = 3
    stride: int = 1
    padding: Padding | None = None
    activation: str = "relu"
    kernel_init: Init = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        activation = ACTIVATIONS.get(self.activation)
        x = ConvNorm(
            self.features * activation.pieces,
            self.kernel,
            self.stride,
            self.padding,
            self.activation,
            self.kernel_init,
        )(x, fwd)
        return Site("hidden")(activation.build()(x, fwd), fwd)


class NormAct(nn.Module):
    """The chosen normalization, then an activation that keeps the channels: what comes before a
    convolution."""

    activation: str = "relu"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        return ACTIVATIONS.get(self.activation).build()(Normalize()(x, fwd), fwd)
