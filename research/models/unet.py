"""U-Net: down to coarse maps and up again, with a skip connection at each level."""

import math
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError
from research.models.layers.convolution import ConvUnit
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import Pool, Pooling
from research.models.layers.sites import ActivationName, Site
from research.models.layers.upsampling import Upsample, Upsampling, filled_up
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class UNet(nn.Module):
    """Levels of two 3×3 convolutions, [B, H, W, C] -> [B, H, W, outputs].

    Zero padding keeps the size of the maps; the paper's maps shrink. Images are padded with zeros
    to a multiple of the lowest level's stride.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(UNet(outputs=3), [24, 36, 1])  # 3 scores at each pixel
        ((24, 36, 3), 481779)
    """

    outputs: int
    per_step: bool = True
    levels: Annotated[Count, "2×2 pools on the way down; the paper's are 4"] = 3
    width: Annotated[Count, "channels of the first level, doubled by each; the paper's are 64"] = 16
    upsampling: Upsampling = "transposed"
    activation: ActivationName = "relu"
    pooling: Annotated[Pooling, "pooling of 2×2 windows"] = "max"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        height, width = x.shape[1:3]
        x = filled_up(x, 2**self.levels)
        beside = []
        for level in range(self.levels):
            x = self._level(x, level, fwd)
            beside.append(x)
            x = Pool(self.pooling)(x, fwd)
        x = self._level(x, self.levels, fwd)
        for level in reversed(range(self.levels)):
            # Filters of the stride's size do not overlap, as in the paper's 2×2 up-convolution.
            up = Upsample(
                self.width * 2**level, 2, self.upsampling, kernel=2, kernel_init=self.kernel_init
            )(x)
            x = self._level(jnp.concatenate([beside.pop(), up], axis=-1), level, fwd)
        return nn.Conv(self.outputs, (1, 1), kernel_init=initializer(self.kernel_init))(x)[
            :, :height, :width
        ]

    def _level(self, x: jax.Array, level: int, fwd: Forward) -> jax.Array:
        for _ in range(2):
            x = ConvUnit(
                self.width * 2**level, activation=self.activation, kernel_init=self.kernel_init
            )(x, fwd)
        return x


def _fits(config: Any, spec: Any) -> str | None:
    """The levels do not shrink the image below one pixel."""
    levels = int(config.arch["levels"])
    height, width, _ = spec.inputs.shape
    most = math.ceil(math.log2(max(height, width)))
    if levels > most:
        raise ShapeError(
            f"arch.levels={levels} is too deep for images of {height}x{width}; use at most {most}"
        )
    return None


ARCHITECTURES.add(
    Architecture(
        "unet",
        UNet,
        "U-Net: a class for each pixel, from coarse and fine feature maps",
        "Ronneberger, Fischer & Brox 2015, U-Net: convolutional networks for biomedical image"
        " segmentation",
        constraints=(_fits,),
        takes=("image",),
        answers=("pixel",),
        needs_facts=("per_step",),
        test_options={"levels": 1, "width": 2},
    )
)
