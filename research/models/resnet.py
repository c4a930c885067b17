"""Residual networks: CIFAR's and ImageNet's, plain ones without shortcuts, pre-activation and wide
ones."""

from typing import Annotated, Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.convolution import Conv, ConvNorm, NormAct
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import global_average, max_pool
from research.models.layers.sites import ActivationName, Branch, Site, normalization_has_bias
from research.options import Count
from research.registry import ACTIVATIONS, ARCHITECTURES, Architecture

Shortcut = Literal["identity", "projection", "linear", "normalized", "none"]
SHORTCUT_HELP = (
    "where the shape changes: identity (strided, zeros for new channels), projection (1×1,"
    " normalized), linear (1×1 with bias), normalized (norm, activation, 1×1); none: a plain"
    " network, no shortcut anywhere"
)
# Blocks in each stage of ImageNet's networks, by depth.
IMAGENET = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
# Channels of a bottleneck's last convolution, as a multiple of its others (He et al. 2016).
EXPANSION = 4


class ResidualBlock(nn.Module):
    """One residual block, [B, H, W, C] -> [B, H/stride, W/stride, C'], C' = channels (×4 with a
    bottleneck).

    depth: its position among the blocks, in (0, 1]. Regularizers of hidden units act between the
        convolutions.
    """

    channels: int
    stride: int
    bottleneck: bool
    preactivation: bool
    shortcut: Shortcut
    activation: str
    kernel_init: Init
    depth: float

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        branch, entry = self._branch(x, fwd)
        if self.shortcut != "none":
            branch = Branch(self.depth)(self._short(x, entry, branch.shape[-1], fwd), branch, fwd)
        return (
            branch if self.preactivation else ACTIVATIONS.get(self.activation).build()(branch, fwd)
        )

    def _branch(self, x: jax.Array, fwd: Forward) -> tuple[jax.Array, jax.Array]:
        """The residual branch, and the input of a projection shortcut."""
        channels = self.channels
        sizes = [(1, 1, channels), (3, self.stride, channels), (1, 1, channels * EXPANSION)]
        if not self.bottleneck:
            sizes = [(3, self.stride, channels), (3, 1, channels)]
        entry = x
        for layer, (kernel, stride, width) in enumerate(sizes):
            if self.preactivation:
                x = NormAct(self.activation)(x, fwd)
                # A projection reads the activated input, so that both paths start from the same
                # array.
                entry = entry if layer else x
                # Only between the convolutions, where wide residual networks have their dropout.
                x = Site("hidden")(x, fwd) if layer else x
                x = Conv(
                    width, kernel, stride, bias=not normalization_has_bias(fwd), **self._init()
                )(x)
            else:
                x = ConvNorm(width, kernel, stride, **self._init())(x, fwd)
                if layer < len(sizes) - 1:
                    x = Site("hidden")(ACTIVATIONS.get(self.activation).build()(x, fwd), fwd)
        return x, entry

    def _short(self, x: jax.Array, entry: jax.Array, channels: int, fwd: Forward) -> jax.Array:
        if x.shape[-1] == channels and self.stride == 1:
            return x
        if self.shortcut == "identity":
            # A shortcut without parameters, option A of He et al. 2016.
            return jnp.pad(
                x[:, :: self.stride, :: self.stride], [(0, 0)] * 3 + [(0, channels - x.shape[-1])]
            )
        if self.shortcut == "linear":
            return Conv(channels, 1, self.stride, kernel_init=self.kernel_init)(x)
        if self.shortcut == "normalized":
            x = NormAct(self.activation)(x, fwd)
            return Conv(channels, 1, self.stride, bias=False, kernel_init=self.kernel_init)(x)
        if self.preactivation:
            return Conv(channels, 1, self.stride, bias=False, kernel_init=self.kernel_init)(entry)
        return ConvNorm(channels, 1, self.stride, kernel_init=self.kernel_init)(x, fwd)

    def _init(self) -> dict[str, Any]:
        return {"activation": self.activation, "kernel_init": self.kernel_init}


class Stages(nn.Module):
    """Stages of blocks. From one to the next, channels double, and rows and columns halve."""

    blocks: tuple[int, ...]
    channels: int
    block: dict[str, Any]

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        index = 0
        for stage, count in enumerate(self.blocks):
            for block in range(count):
                # The first block of each later stage halves rows and columns.
                stride = 2 if stage and not block else 1
                depth = (index + 1) / sum(self.blocks)
                x = ResidualBlock(
                    self.channels * 2**stage,
                    stride,
                    depth=depth,
                    **self.block,
                    # The scope's name is part of stored parameters: it does not change.
                    name=f"Block_{index}",
                )(x, fwd)
                index += 1
        return x


class ResNet(nn.Module):
    """A stem, stages of residual blocks, the mean over all pixels and a linear head, [B, H, W, C]
    -> [B, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(ResNet(outputs=10, depth=20), [32, 32, 3], normalization="batch_norm")
        ((10,), 272474)
    """

    outputs: int
    depth: Annotated[
        Count,
        "layers with weights: 6n+2 (cifar; 9n+2 with bottlenecks), 18|34|50|101|152 (imagenet)",
    ] = 20
    layout: Annotated[
        Literal["cifar", "imagenet"], "three stages of 3×3, or four behind a 7×7 and a pool"
    ] = "cifar"
    block: Annotated[
        Literal["auto", "basic", "bottleneck"], "auto: bottleneck for imagenet from 50 layers on"
    ] = "auto"
    preactivation: Annotated[
        bool, "normalization and activation before each convolution, not after"
    ] = False
    shortcut: Annotated[Shortcut, SHORTCUT_HELP] = "projection"
    channels: Annotated[Count | None, "of the first stage; none: 16 (cifar) or 64 (imagenet)"] = (
        None
    )
    head_norm: Annotated[
        bool, "with preactivation: normalization and activation before the head"
    ] = True
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        channels = self.channels or (16 if self.layout == "cifar" else 64)
        x = self._stem(x, channels, fwd)
        x = Stages(
            stages(self.layout, self.depth, self._bottleneck()) or (), channels, self._block()
        )(x, fwd)
        if self.preactivation and self.head_norm:
            x = NormAct(self.activation)(x, fwd)
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(global_average(x))

    def _stem(self, x: jax.Array, channels: int, fwd: Forward) -> jax.Array:
        kernel, stride = (3, 1) if self.layout == "cifar" else (7, 2)
        init: dict[str, Any] = {"activation": self.activation, "kernel_init": self.kernel_init}
        if self.preactivation:
            # The first block begins with a normalization, so the stem has none.
            x = Conv(channels, kernel, stride, bias=not normalization_has_bias(fwd), **init)(x)
        else:
            x = ConvNorm(channels, kernel, stride, **init)(x, fwd)
            x = ACTIVATIONS.get(self.activation).build()(x, fwd)
        return x if self.layout == "cifar" else max_pool(x, 3, 2, 1)

    def _bottleneck(self) -> bool:
        return bottlenecks(self.block, self.layout, self.depth)

    def _block(self) -> dict[str, Any]:
        return {
            "bottleneck": self._bottleneck(),
            "preactivation": self.preactivation,
            "shortcut": self.shortcut,
            "activation": self.activation,
            "kernel_init": self.kernel_init,
        }


class WideResNet(nn.Module):
    """Pre-activation blocks of few layers and many channels, [B, H, W, C] -> [B, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(WideResNet(outputs=10), [32, 32, 3], normalization="batch_norm")  # 36.5 M
        ((10,), 36479194)
    """

    outputs: int
    depth: Annotated[Count, "6n+4: three stages of n blocks"] = 28
    width: Annotated[Count, "factor on the stages' channels 16, 32, 64"] = 10
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        x = Conv(
            16,
            bias=not normalization_has_bias(fwd),
            activation=self.activation,
            kernel_init=self.kernel_init,
        )(x)
        block = {
            "bottleneck": False,
            "preactivation": True,
            "shortcut": "projection",
            "activation": self.activation,
            "kernel_init": self.kernel_init,
        }
        x = Stages(((self.depth - 4) // 6,) * 3, 16 * self.width, block)(x, fwd)
        x = global_average(NormAct(self.activation)(x, fwd))
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(x)


def bottlenecks(block: str, layout: str, depth: int) -> bool:
    """Whether the blocks are bottlenecks.

    Args:
        block: auto, basic or bottleneck.
        layout: cifar or imagenet.
        depth: layers with weights.
    """
    return block == "bottleneck" or (block == "auto" and layout == "imagenet" and depth >= 50)


def stages(layout: str, depth: int, bottleneck: bool) -> tuple[int, ...] | None:
    """Blocks in each stage, or None where there is no such depth.

    Args:
        layout: cifar or imagenet.
        depth: layers with weights.
        bottleneck: whether the blocks are bottlenecks.
    """
    if layout == "imagenet":
        return IMAGENET.get(depth)
    layers = 9 if bottleneck else 6
    return (depth // layers,) * 3 if depth > 2 and depth % layers == 2 else None


def _depth(config: Any, spec: Any) -> str | None:
    """The layout offers this depth."""
    arch = config.arch
    if stages(
        arch["layout"], arch["depth"], bottlenecks(arch["block"], arch["layout"], arch["depth"])
    ):
        return _own_block(arch)
    if arch["layout"] == "imagenet":
        return (
            f"arch.depth={arch['depth']}: with layout=imagenet there are"
            f" {', '.join(map(str, IMAGENET))}"
        )
    n = 9 if arch["block"] == "bottleneck" else 6
    return (
        f"arch.depth={arch['depth']} is not {n}n+2; there are"
        f" {', '.join(str(n * k + 2) for k in (1, 2, 3, 5, 7, 9))} …"
    )


def _own_block(arch: Any) -> str | None:
    """ImageNet's depths count the layers of their own blocks."""
    block = "bottleneck" if bottlenecks("auto", arch["layout"], arch["depth"]) else "basic"
    if arch["layout"] == "imagenet" and arch["block"] not in ("auto", block):
        return (
            f"arch.block={arch['block']}: with layout=imagenet depth {arch['depth']} requires"
            f" {block} blocks; leave it out"
        )
    return None


def _head(config: Any, spec: Any) -> str | None:
    """`head_norm` applies only to pre-activation."""
    if config.arch["head_norm"] or config.arch["preactivation"]:
        return None
    return (
        "arch.head_norm is of arch.preactivation=true; a network without has no normalization"
        " there; leave it out"
    )


def _wide_depth(config: Any, spec: Any) -> str | None:
    """The depth is 6n+4."""
    depth = config.arch["depth"]
    return (
        None
        if depth > 4 and depth % 6 == 4
        else f"arch.depth={depth} is not 6n+4; there are 10, 16, 22, 28, 40 …"
    )


def channels_kept(config: Any, spec: Any) -> str | None:
    """The activation keeps the number of channels (maxout does not)."""
    if ACTIVATIONS.get(config.arch["activation"]).pieces == 1:
        return None
    return (
        f"arch.activation={config.arch['activation']} joins channels, which {config.arch.name}"
        " needs as they are"
    )


ARCHITECTURES.add(
    Architecture(
        "resnet",
        ResNet,
        "residual network; with shortcut=none a plain one",
        "He et al. 2016, Deep residual learning; Identity mappings in deep residual networks",
        version=2,
        constraints=(_depth, _head, channels_kept),
        takes=("image",),
        normalization="batch_norm",
        test_options={"depth": 8, "channels": 2},
    )
)
ARCHITECTURES.add(
    Architecture(
        "wide_resnet",
        WideResNet,
        "shallow and wide pre-activation residual network",
        "Zagoruyko & Komodakis 2016, Wide residual networks",
        version=2,
        constraints=(_wide_depth, channels_kept),
        takes=("image",),
        normalization="batch_norm",
        test_options={"depth": 10, "width": 1},
    )
)
