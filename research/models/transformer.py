"""The encoder–decoder transformer: from a sequence of tokens to another."""

from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.attention import causal, padding
from research.models.layers.blocks import Block, CrossBlock
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

# What encoder-decoders take: a source, and its answer so far.
PAIR = {"source": "tokens", "answer": "tokens"}
PAIR_FACTS = ("vocabulary", "source_vocabulary", "per_step", "source")


class Transformer(nn.Module):
    """A source int [B, S] and an answer int [B, T], by name, -> logits [B, T, outputs].

    The answer is shifted by one place behind a start token; in training it is the right answer
    (teacher forcing). One table of token vectors serves both where they share a vocabulary, and the
    head too if `tied` (Vaswani et al. 2017, section 3.4). source: how many places without an output
    the targets have before those of the answer; the logits there are zero.

    For answers token by token (research/models/decoding.py), `begin` reads the source and `advance`
    takes the last token.

    Example:
        >>> from research.models.sizes import sizes
        >>> config = TransformerConfig(layers=1, heads=2, width=8)
        >>> model = Transformer(outputs=28, vocabulary=28, source=7, config=config)
        >>> sizes(model, {"source": [7], "answer": [8]}, tokens=True)
        ((15, 28), 2304)
    """

    outputs: int
    vocabulary: int
    source: int
    config: TransformerConfig
    source_vocabulary: int | None = None
    per_step: bool = True
    context: Annotated[Count, "longest source, and longest answer"] = 64
    positions: Annotated[PositionName, "position encoding"] = "sinusoidal"
    tied: Annotated[bool, "share the token embedding with the output layer"] = True

    def setup(self) -> None:
        config = self.config
        rotary = self.positions == "rotary"
        numbers = range(1, self.config.layers + 1)
        self.tokens = embedding(config, self.vocabulary, self.positions, self.tied)
        if self.source_vocabulary is not None:
            self.source_tokens = embedding(config, self.source_vocabulary, self.positions)
        # Two tables where they are learned: the places of a source and of an answer differ in
        # meaning.
        self.source_positions = Positions(self.positions, self.context)
        self.target_positions = Positions(self.positions, self.context)
        # A site's name keys its draws, so the two sequences never share a mask.
        self.source_site = Site("input")
        self.target_site = Site("input")
        self.encoder = [Block(config, number, rotary) for number in numbers]
        self.decoder = [CrossBlock(config, number, rotary, self.context) for number in numbers]
        # Post-order blocks end with a norm already.
        if config.order == "pre":
            self.encoder_norm = config.normalization()
            self.decoder_norm = config.normalization()
        if not self.tied:
            self.head = config.dense(self.outputs)

    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        source = x["source"]
        logits = self.decode(x["answer"], self.encode(source, fwd), real(source), fwd)
        return jnp.pad(logits, ((0, 0), (self.source, 0), (0, 0)))

    def encode(self, source: jax.Array, fwd: Forward) -> jax.Array:
        """Source int [B, S] -> its memory [B, S, D]."""
        fwd = fwd.over(real(source))
        table = self.tokens if self.source_vocabulary is None else self.source_tokens
        h = self.source_site(self.source_positions(table.embed(source)), fwd)
        for block in self.encoder:
            h = block(h, fwd, mask=padding(real(source)))
        return self.encoder_norm(h) if self.config.order == "pre" else h

    def decode(
        self,
        target: jax.Array,
        memory: jax.Array,
        seen: jax.Array,
        fwd: Forward,
        start: jax.Array | None = None,
    ) -> jax.Array:
        """The logits of the token after each token of an answer, [B, T, outputs].

        Args:
            target: the answer's tokens, int [B, T].
            memory: the encoded source, [B, S, D].
            seen: which places of the source are real, bool [B, S].
            fwd: the forward pass.
            start: int32 [], the place of target[:, 0] in the answer; see Attention.
        """
        fwd = fwd.over(real(target))
        h = self.target_site(self.target_positions(self.tokens.embed(target), start), fwd)
        # The answer's padding lies at its end, where the causal mask hides it.
        for block in self.decoder:
            h = block(
                h, memory, fwd, mask=causal(target.shape[1]), memory_mask=padding(seen), start=start
            )
        h = self.decoder_norm(h) if self.config.order == "pre" else h
        return self.tokens.logits(h) if self.tied else self.head(h)

    def begin(self, source: jax.Array) -> Any:
        """The carry of a generation for a source int [B, S]; its leaves are [B, ...]."""
        return self.encode(source, Forward()), real(source)

    def advance(self, carry: Any, token: jax.Array, index: jax.Array) -> tuple[jax.Array, Any]:
        """The logits [B, outputs] after one token of the answer, and the carry.

        Args:
            carry: the encoded source, and which of its positions are real.
            token: the answer's token, int [B].
            index: int32 [], the token's position in the answer.
        """
        memory, seen = carry
        return self.decode(token[:, None], memory, seen, Forward(), index)[:, 0], carry


build, options = with_transformer_options(Transformer)
ARCHITECTURES.add(
    Architecture(
        "transformer",
        build,
        "encoder-decoder transformer: reads one sequence of tokens and writes another",
        "Vaswani et al. 2017",
        options=options,
        takes=PAIR,
        answers=("step",),
        needs_facts=PAIR_FACTS,
        test_options={"layers": 1, "heads": 2, "width": 8, "context": 16},
    )
)
