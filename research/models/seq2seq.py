"""Recurrent encoder–decoders with attention: from a sequence of tokens to another."""

from typing import Annotated, Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.gru import cell
from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.recurrent import Cells
from research.models.layers.sites import Site
from research.models.layers.tokens import Tokens, real
from research.models.transformer import PAIR, PAIR_FACTS
from research.options import Count
from research.registry import ARCHITECTURES, Architecture

Score = Literal["bahdanau", "luong"]


class Seq2Seq(nn.Module):
    """GRUs with attention: a source int [B, S] and an answer int [B, T], by name, -> logits [B, T,
    outputs], as in Transformer.

    The encoder reads the source in both directions. The decoder starts from the last state of the
    backward one.

    attention: bahdanau: before each step the decoder's last state scores the source by
        v·tanh(W s + U h), and the step reads the context. luong: the new state scores it by s·W h,
        and the context joins the state in the readout.

    Example:
        >>> from research.models.sizes import sizes
        >>> model = Seq2Seq(outputs=28, vocabulary=28, source=7, hidden=8, embedding=4)
        >>> sizes(model, {"source": [7], "answer": [8]}, tokens=True)
        ((15, 28), 2188)
    """

    outputs: int
    vocabulary: int
    source: int
    source_vocabulary: int | None = None
    per_step: bool = True
    hidden: Annotated[Count, "units of the encoder, each way, and of the decoder"] = 128
    embedding: Annotated[Count, "width of the tokens' vectors"] = 64
    attention: Annotated[Score, "attention of the decoder to the source"] = "bahdanau"

    def setup(self) -> None:
        self.tokens = Tokens(self.vocabulary, self.embedding, sd=1.0)
        if self.source_vocabulary is not None:
            self.source_tokens = Tokens(self.source_vocabulary, self.embedding, sd=1.0)
        # A site's name keys its draws, so two sequences have two sites and never share a mask.
        self.source_site = Site("input")
        self.target_site = Site("input")
        self.memory_site = Site("hidden")
        self.readout_site = Site("hidden")
        self.forwards = Cells(cell, self.hidden, gates=3, state_bias=True)
        self.backwards = Cells(cell, self.hidden, gates=3, state_bias=True, reverse=True)
        self.first = Dense(self.hidden)
        self.keys = Dense(self.hidden, use_bias=False)
        scanned = nn.scan(
            Step,
            variable_broadcast="params",
            split_rngs={"params": False},
            in_axes=(1, nn.broadcast),
            out_axes=1,
        )
        self.step = scanned(self.hidden, self.attention)
        self.head = Dense(self.outputs)

    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        memory = self.encode(x["source"], fwd)
        logits, _ = self.decode(x["answer"], memory, fwd)
        return jnp.pad(logits, ((0, 0), (self.source, 0), (0, 0)))

    def encode(self, source: jax.Array, fwd: Forward) -> Any:
        """Source int [B, S] -> (the decoder's first state [B, H], (memory [B, S, 2H], its keys [B,
        S, H], real))."""
        seen = real(source)
        fwd = fwd.over(seen)
        table = self.tokens if self.source_vocabulary is None else self.source_tokens
        x = self.source_site(table.embed(source), fwd)
        ways = self.forwards(x, seen, fwd), self.backwards(x, seen, fwd)
        memory = self.memory_site(jnp.concatenate(ways, axis=-1), fwd)
        # The backward layer has read the whole source at its first place.
        return jnp.tanh(self.first(ways[1][:, 0])), (memory, self.keys(memory), seen)

    def decode(self, target: jax.Array, encoded: Any, fwd: Forward) -> tuple[jax.Array, jax.Array]:
        """The logits [B, T, outputs] of an answer, and the last state.

        The attention weights are left in the collection `attention`.

        Args:
            target: the answer's tokens before each output, int [B, T].
            encoded: the decoder's first state, and the encoded source.
            fwd: the forward pass.
        """
        state, memory = encoded
        fwd = fwd.over(real(target))
        state, (readout, weights) = self.step(
            state, self.target_site(self.tokens.embed(target), fwd), memory
        )
        self.sow("attention", "weights", weights)
        return self.head(self.readout_site(readout, fwd)), state

    def begin(self, source: jax.Array) -> Any:
        """The carry of a generation for a source int [B, S]; its leaves are [B, ...]."""
        return self.encode(source, Forward())

    def advance(self, carry: Any, token: jax.Array, index: jax.Array) -> tuple[jax.Array, Any]:
        """The logits [B, outputs] after one token of the answer, and the new carry.

        Args:
            carry: the decoder's state, and the encoded source.
            token: the answer's token, int [B].
            index: the token's position in the answer, not used.
        """
        logits, state = self.decode(token[:, None], carry, Forward())
        return logits[:, 0], (state, carry[1])


class Step(nn.Module):
    """One step of the decoder: (state [B, H], token's vector [B, E]) -> (state, (readout [B, H],
    weights [B, S]))."""

    hidden: int
    score: Score

    @nn.compact
    def __call__(self, state: jax.Array, x: jax.Array, memory: Any) -> Any:
        values, keys, seen = memory
        gru = nn.GRUCell(self.hidden)
        if self.score == "bahdanau":
            query = Dense(self.hidden)(state)
            scores = Dense(1, use_bias=False)(jnp.tanh(query[:, None] + keys))[..., 0]
        else:
            state, _ = gru(state, x)
            scores = jnp.einsum("bh,bsh->bs", state, keys)
        # Float32 and a finite minimum for the reasons given in layers/attention.py.
        wide = scores.astype(jnp.promote_types(scores.dtype, jnp.float32))
        weights = jax.nn.softmax(jnp.where(seen, wide, jnp.finfo(wide.dtype).min))
        context = jnp.einsum("bs,bsd->bd", weights.astype(values.dtype), values)
        if self.score == "bahdanau":
            state, _ = gru(state, jnp.concatenate([x, context], axis=-1))
        readout = jnp.tanh(Dense(self.hidden)(jnp.concatenate([state, context], axis=-1)))
        return state, (readout, weights)


ARCHITECTURES.add(
    Architecture(
        "seq2seq",
        Seq2Seq,
        "GRU encoder-decoder with attention: reads one sequence of tokens and writes another",
        "Bahdanau et al. 2015; Luong et al. 2015",
        takes=PAIR,
        answers=("step",),
        needs_facts=PAIR_FACTS,
        test_options={"hidden": 6, "embedding": 4},
    )
)
