"""A decoder-only transformer: a language model."""

from typing import Annotated, Any

import flax.linen as nn
import jax

from research.models.layers.attention import causal
from research.models.layers.blocks import Block, last_norm
from research.models.layers.forward import Forward
from research.models.layers.positions import PositionName, Positions
from research.models.layers.sites import Site
from research.models.layers.tokens import real
from research.models.layers.transformer_config import (
    TransformerConfig,
    embedding,
    with_transformer_options,
)
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class GPT(nn.Module):
    """Tokens int [B, T] -> logits [B, T, outputs] of the token that follows each place.

    start: int32 [], the place of x[:, 0] in a generation. Keys and values of earlier places are
        read from the collection `cache` and not computed again; the cache must begin at place 0.

    Example:
        >>> from research.models.sizes import sizes
        >>> config = TransformerConfig(layers=2, heads=2, width=8, bias=False)
        >>> sizes(GPT(outputs=65, vocabulary=65, config=config, context=16), [16], tokens=True)
        ((16, 65), 2224)
    """

    outputs: int
    vocabulary: int
    config: TransformerConfig
    per_step: bool = True
    context: Annotated[Count, "longest sequence"] = 64
    positions: Annotated[PositionName, "position encoding"] = "learned"
    tied: Annotated[bool, "share the token embedding with the output layer"] = True

    caches = True

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward, start: jax.Array | None = None) -> jax.Array:
        config = self.config
        fwd = fwd.over(real(x))
        tokens = embedding(config, self.vocabulary, self.positions, self.tied)
        h = Positions(self.positions, self.context)(tokens.embed(x), start)
        # After the positions, as GPT-2 has its dropout.
        h = Site("input")(h, fwd)
        # Padding lies at the end, so the causal mask hides it from all real tokens.
        mask = causal(x.shape[1])
        for number in range(1, config.layers + 1):
            h = Block(config, number, self.positions == "rotary", self.context)(
                h, fwd, mask=mask, start=start
            )
        h = last_norm(config, h)
        return tokens.logits(h) if self.tied else config.dense(self.outputs)(h)


def _ties_tokens(config: Any, spec: Any) -> str | None:
    """With `tied`, the targets are tokens."""
    if config.arch["tied"] and len(spec.targets.classes) != len(spec.inputs.vocabulary):
        return (
            f"{spec.name} has {len(spec.inputs.vocabulary)} symbols and {len(spec.targets.classes)}"
            " classes; use arch.tied=false"
        )
    return None


# Without biases by default, as nanoGPT.
build, options = with_transformer_options(GPT, bias=False)
ARCHITECTURES.add(
    Architecture(
        "gpt",
        build,
        "decoder-only transformer, a language model; by default nanoGPT's setting for a CPU",
        "Radford et al. 2019; Karpathy 2022, nanoGPT",
        options=options,
        constraints=(_ties_tokens,),
        takes=("tokens",),
        answers=("step",),
        needs_facts=("vocabulary", "per_step"),
        test_options={"layers": 2, "heads": 2, "width": 8, "context": 16},
    )
)
