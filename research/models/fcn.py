"""Fully convolutional network: a class for each pixel of images of any size."""

import math
from typing import Annotated, Any, Literal

import flax.linen as nn
import jax

from research.errors import ShapeError
from research.models.layers.convolution import ConvUnit
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import Pool, Pooling
from research.models.layers.sites import ActivationName, Site
from research.models.layers.upsampling import Upsample, Upsampling, filled_up
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class FCN(nn.Module):
    """Stages of 3×3 convolutions, each ended by a 2×2 pool; 1×1 convolutions score the classes at
    each place.

    [B, H, W, C] -> [B, H, W, outputs]: the scores of the last stage, its heat map, are upsampled
    twofold and added to those of the stage before, down to `stride`; then they are upsampled to the
    image. Without a target per pixel (`per_step`) the output is the mean of the heat map, [B,
    outputs]. Images are padded with zeros to a multiple of the last stage's stride.

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(FCN(outputs=3), [24, 36, 1])  # 3 scores at each pixel
        ((24, 36, 3), 231202)
    """

    outputs: int
    per_step: bool = True
    channels: Annotated[
        tuple[Count, ...], "channels of each stage; each halves rows and columns"
    ] = (
        16,
        32,
        64,
        64,
        64,
    )
    convolutions: Annotated[Count, "convolutions of a stage"] = 2
    dense: Annotated[
        tuple[Count, ...], "widths of the 1×1 convolutions that stand for dense layers"
    ] = (128,)
    stride: Annotated[
        Literal["1", "2", "4", "8", "16", "32"],
        "of the finest scores: 32, 16 and 8 are FCN-32s, -16s and -8s",
    ] = "8"
    upsampling: Upsampling = "transposed"
    activation: ActivationName = "relu"
    pooling: Annotated[Pooling, "pooling of 2×2 windows"] = "max"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        height, width = x.shape[1:3]
        coarsest = 2 ** len(self.channels)
        maps = self._maps(filled_up(x, coarsest), fwd)
        scores = self._score(maps.pop())
        if not self.per_step:
            return scores.mean(axis=(1, 2))
        stride = coarsest
        while stride > int(self.stride):
            scores = self._grown(scores, 2) + self._score(maps.pop())
            stride = stride // 2
        # The zeros that filled_up adds lie behind, so a slice removes them.
        return self._grown(scores, stride)[:, :height, :width]

    def _maps(self, x: jax.Array, fwd: Forward) -> list[jax.Array]:
        """The maps from fine to coarse: the first stage's before its pool, then each stage's pool.

        The last one has passed the 1×1 convolutions.
        """
        maps: list[jax.Array] = []
        for channels in self.channels:
            for convolution in range(self.convolutions):
                x = ConvUnit(channels, activation=self.activation, kernel_init=self.kernel_init)(
                    x, fwd
                )
                # Only the first stage has a map of the image's own resolution, before its pool.
                maps += [x] if not maps and convolution == self.convolutions - 1 else []
            x = Pool(self.pooling)(x, fwd)
            maps.append(x)
        for units in self.dense:
            x = ConvUnit(units, kernel=1, activation=self.activation, kernel_init=self.kernel_init)(
                x, fwd
            )
        return [*maps[:-1], x]

    def _score(self, x: jax.Array) -> jax.Array:
        return nn.Conv(self.outputs, (1, 1), kernel_init=initializer(self.kernel_init))(x)

    def _grown(self, x: jax.Array, factor: int) -> jax.Array:
        return (
            # As in the paper, the upsampling begins as bilinear interpolation.
            x if factor == 1 else Upsample(self.outputs, factor, self.upsampling, bilinear=True)(x)
        )


def _grows(config: Any, spec: Any) -> str | None:
    """`stride` and `upsampling` apply only to a class for each pixel."""
    for option in ("stride", "upsampling"):
        if not spec.targets.shape and config.arch[option] != getattr(FCN, option):
            return (
                f"arch.{option} applies only to a class for each pixel; {spec.name} has one"
                " target per image;"
                " leave it out"
            )
    return None


def _reaches(config: Any, spec: Any) -> str | None:
    """`stride` is the stride of one of the stages."""
    stride = int(config.arch["stride"])
    stages = len(config.arch["channels"])
    if spec.targets.shape and stride > 2**stages:
        return (
            f"arch.stride={stride} is beyond the last of {stages} stages, whose stride is"
            f" {2**stages}"
        )
    return None


def _fits(config: Any, spec: Any) -> str | None:
    """The stages do not shrink the image below one pixel."""
    stages = len(config.arch["channels"])
    most = math.ceil(math.log2(max(spec.inputs.shape[:2])))
    if stages > most:
        raise ShapeError(
            f"arch.channels has {stages} stages, and each halves an image: too many for images"
            f" of {spec.inputs.shape[0]}x{spec.inputs.shape[1]}; give at most {most}"
        )
    return None


ARCHITECTURES.add(
    Architecture(
        "fcn",
        FCN,
        "fully convolutional network: a class for each pixel, for images of any size",
        "Long, Shelhamer & Darrell 2015, Fully convolutional networks for semantic segmentation",
        constraints=(_grows, _reaches, _fits),
        takes=("image",),
        answers=("example", "pixel"),
        needs_facts=("per_step",),
        test_options={"channels": (2, 3), "convolutions": 1, "dense": (4,), "stride": "2"},
    )
)
