"""Sequences of symbols."""

import dataclasses
from collections.abc import Mapping
from typing import Any

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

    Example:
        >>> TokenSequence((16,), vocabulary=('a', 'b', ' ')).describe()
        'tokens [16]'
    """

    kind = "tokens"
    dtype = jnp.int32
    counted = "tokens"
    numeric = False

    vocabulary: tuple[str, ...] = ()
    even: bool = False
    source: int = 0
    end: str = ""

    def named(self, kinds: Mapping[str, str]) -> Feature | None:
        """Its source and its answer, if it has them."""
        # Imported here: a pair is made of sequences.
        from research.data.features.token_pair import TokenPair

        if kinds != {"source": self.kind, "answer": self.kind} or not self.source:
            return None
        asked = TokenSequence((self.source,), self.vocabulary, self.even)
        steps = self.shape[0] - self.source
        answered = TokenSequence((steps,), self.vocabulary, self.even, end=self.end)
        return TokenPair(self.shape, asked=asked, answered=answered, packed=True)

    @property
    def tokens(self) -> "TokenSequence":
        """It is one."""
        return self

    @property
    def of_table(self) -> dict[str, Any]:
        """The symbols."""
        return {"vocabulary": self.vocabulary}

    @property
    def facts(self) -> dict[str, Any]:
        """How many symbols there are, and how many of the tokens are the source."""
        return {"vocabulary": len(self.vocabulary) or None, "source": self.source}

    @property
    def channels(self) -> tuple[int, ...]:
        """Tokens are not scaled."""
        return ()

    @property
    def ragged(self) -> bool:
        """Whether sequences are over early."""
        return not self.even
