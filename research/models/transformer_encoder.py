"""A transformer encoder: a classifier of token sequences and of series of numbers."""

from typing import Annotated, Any, Literal

import flax.linen as nn
import jax

from research.models.layers.attention import padding
from research.models.layers.blocks import Block, last_norm, pooled
from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.positions import PositionName, Positions
from research.models.layers.sequence_input import NEXT_STEP_TASKS, unpadded
from research.models.layers.sites import Site
from research.models.layers.tokens import real
from research.models.layers.transformer_config import (
    TransformerConfig,
    embedding,
    with_transformer_options,
)
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class TransformerEncoder(nn.Module):
    """Tokens int [B, T] or numbers [B, T, F] -> [B, outputs], or [B, T, outputs] if `per_step`.

    Padding is masked. vocabulary: None if the inputs are numbers. padded: series may end early,
    with NaN after their end.

    Example:
        >>> from research.models.sizes import sizes
        >>> config = TransformerConfig(layers=2, heads=2, width=8)
        >>> model = TransformerEncoder(outputs=2, config=config, context=100)
        >>> sizes(model, [100, 3])  # a series of 100 steps of 3 numbers
        ((2,), 1810)
    """

    outputs: int
    config: TransformerConfig
    vocabulary: int | None = None
    per_step: bool = False
    padded: bool = False
    context: Annotated[Count, "longest sequence"] = 64
    positions: Annotated[PositionName, "position encoding"] = "sinusoidal"
    pooling: Annotated[
        Literal["mean", "first"],
        "what the classifier reads: the mean over positions, or the first position",
    ] = "mean"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        config = self.config
        seen = None
        if self.vocabulary is None:
            x, seen = unpadded(x) if self.padded else (x, None)
            # Regularizers of the input act on the numbers themselves. Tokens have none, so there
            # they act on the vectors, positions included.
            h = config.dense(config.width)(Site("input")(x, fwd))
        else:
            seen = real(x)
            h = embedding(config, self.vocabulary, self.positions).embed(x)
        fwd = fwd.over(seen)
        h = Positions(self.positions, self.context)(h)
        if self.vocabulary is not None:
            h = Site("input")(h, fwd)
        mask = None if seen is None else padding(seen)
        for number in range(1, config.layers + 1):
            h = Block(config, number, self.positions == "rotary")(h, fwd, mask=mask)
        h = last_norm(config, h)
        if not self.per_step:
            h = pooled(h, seen) if self.pooling == "mean" else h[:, 0]
        return Dense(self.outputs, kernel_init=nn.initializers.normal(0.02))(h)


def _sees_no_target(config: Any, spec: Any) -> str | None:
    """The targets are not the next steps of the inputs."""
    if spec.targets.shape and config.task in NEXT_STEP_TASKS:
        return (
            f"arch=transformer_encoder reads the values that task={config.task} predicts; use"
            " arch=gpt or arch=tcn"
        )
    return None


def _one_answer(config: Any, spec: Any) -> str | None:
    """`pooling` applies only where a sequence has one target."""
    if spec.targets.shape and config.arch["pooling"] != TransformerEncoder.pooling:
        return (
            f"arch.pooling is of one answer a sequence; {spec.name} has one at each step; leave"
            " it out"
        )
    return None


build, options = with_transformer_options(TransformerEncoder)
ARCHITECTURES.add(
    Architecture(
        "transformer_encoder",
        build,
        "transformer encoder: attention between all positions of a sequence",
        "Vaswani et al. 2017",
        options=options,
        constraints=(_sees_no_target, _one_answer),
        takes=("tokens", "series", "padded series"),
        answers=("example", "step"),
        needs_facts=("vocabulary", "per_step", "padded"),
        test_options={"layers": 2, "heads": 2, "width": 8, "context": 16},
    )
)
