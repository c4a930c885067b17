"""Sequences of symbols."""

import dataclasses

import jax.numpy as jnp

from research.data.features.feature import Feature, feature


@feature
@dataclasses.dataclass(frozen=True)
class TokenSequence(Feature):
    """Tokens, int32 [N, T], places in a vocabulary with PADDING behind their end. They are never
    scaled or noised.

    vocabulary: the symbols. even: none of the sequences is over before its last step. source: how
        many of the first tokens are given; the others are the answer to them, one place late,
        behind a token that starts it. end: the symbol that ends an answer which is shorter than
        others, "" if answers are equally long.
    """

    kind = "tokens"
    dtype = jnp.int32
    counted = "tokens"
    numeric = False

    vocabulary: tuple[str, ...] = ()
    even: bool = False
    source: int = 0
    end: str = ""

    @property
    def channels(self) -> tuple[int, ...]:
        """Tokens are not scaled."""
        return ()

    @property
    def ragged(self) -> bool:
        """Whether sequences are over early."""
        return not self.even
