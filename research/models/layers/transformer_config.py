"""The options that all transformers share, and the parts that they determine."""

import dataclasses
import math
from collections.abc import Callable
from typing import Annotated, Any, Literal

import flax.linen as nn

from research.models.layers.attention import Attention
from research.models.layers.dense import Dense
from research.models.layers.positions import PositionName
from research.models.layers.sites import ActivationName
from research.models.layers.tokens import Tokens
from research.options import Count, Option, options_of

# PyTorch's epsilon; flax's default is 1e-6.
EPSILON = 1e-5
# The standard deviation of GPT-2 and BERT.
SD = 0.02
# Fields that are not options.
GIVEN = (
    "outputs",
    "config",
    "vocabulary",
    "source_vocabulary",
    "per_step",
    "padded",
    "source",
)


@dataclasses.dataclass(frozen=True)
class TransformerConfig:
    """Width, heads and the order of a transformer's blocks. Kernels are drawn from N(0, 0.02²).

    Those that end a residual branch are drawn smaller by 1/√(the number of branches), as in GPT-2
    (Radford et al. 2019), so that the sum over all of them keeps its scale.
    """

    layers: Annotated[Count, "blocks"] = 4
    heads: Annotated[Count, "attention heads; they must divide the width"] = 4
    width: Annotated[Count, "units of the residual stream"] = 128
    hidden: Annotated[
        Count | None, "hidden units of a block's MLP; none: 4 times the width, 8/3 if gated"
    ] = None
    activation: ActivationName = "gelu"
    gated: Annotated[
        bool, "multiply the MLP's hidden units by a linear map; with activation=silu: SwiGLU"
    ] = False
    norm: Annotated[Literal["layer", "rms"], "normalization of the residual stream"] = "layer"
    order: Annotated[
        Literal["pre", "post"], "normalize before each branch, or after it is added"
    ] = "pre"
    bias: Annotated[bool, "biases in the linear maps and the normalization"] = True

    @property
    def mlp_width(self) -> int:
        """Hidden units of a block's MLP; a gated one has as many weights as one that is not
        (Shazeer 2020)."""
        if self.hidden is not None:
            return self.hidden
        return self.width * 8 // 3 if self.gated else 4 * self.width

    def normalization(self) -> nn.Module:
        """[..., D] -> [..., D], over the units."""
        if self.norm == "rms":
            return nn.RMSNorm(EPSILON, use_fast_variance=False)
        # Two-pass variance: flax's fast one is E[x²] - E[x]², which cancels for a large mean.
        return nn.LayerNorm(EPSILON, use_bias=self.bias, use_fast_variance=False)

    def dense(self, features: int) -> nn.Dense:
        return Dense(features, self.bias, kernel_init=nn.initializers.normal(SD))

    def last_init(self, branches: int) -> nn.initializers.Initializer:
        """Of the kernel that ends one of `branches` residual branches."""
        return nn.initializers.normal(SD / math.sqrt(branches))

    def attention(self, branches: int, name: str, **options: Any) -> Attention:
        kernel_init = nn.initializers.normal(SD)
        return Attention(
            self.heads,
            self.bias,
            kernel_init=kernel_init,
            out_init=self.last_init(branches),
            name=name,
            **options,
        )


def embedding(
    config: TransformerConfig, vocabulary: int, positions: PositionName, tied: bool = False
) -> Tokens:
    """The token vectors of a network with these positions.

    Besides sinusoidal positions, whose entries are of the order of 1, they have the same scale
    (Vaswani
    et al. 2017, section 3.4).

    Args:
        config: the transformer's options.
        vocabulary: number of tokens.
        positions: the position encoding.
        tied: whether the output layer shares the vectors.
    """
    if positions == "sinusoidal":
        root = math.sqrt(config.width)
        return Tokens(vocabulary, config.width, tied, sd=1 / root, scale=root)
    return Tokens(vocabulary, config.width, tied, sd=SD)


def with_transformer_options(
    module: Callable[..., nn.Module], **defaults: Any
) -> tuple[Callable[..., nn.Module], tuple[Option, ...]]:
    """The builder and the options of a flax module with a field `config`.

    The options are those of the config and the module's own.

    defaults: defaults of the config that differ for this module.
    """
    shared = [
        dataclasses.replace(option, default=defaults.get(option.name, option.default))
        for option in options_of(TransformerConfig)
    ]
    names = {option.name for option in shared}

    def build(**options: Any) -> nn.Module:
        chosen = {name: value for name, value in options.items() if name in names}
        fields = {name: value for name, value in options.items() if name not in names}
        return module(config=TransformerConfig(**{**defaults, **chosen}), **fields)

    # Lists and examples read the builder's docstring and module.
    build.__doc__ = module.__doc__
    build.__module__ = module.__module__
    return build, (*shared, *options_of(module, given=GIVEN))
