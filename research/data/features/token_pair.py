"""A sequence of tokens and the answer to it, each over a vocabulary of its own."""

import dataclasses
from typing import Any

import numpy as np

from research.data.features.feature import Feature, Fitted, feature
from research.data.features.named_inputs import NamedInputs
from research.data.features.token_sequence import TokenSequence


@feature
@dataclasses.dataclass(frozen=True)
class TokenPair(NamedInputs):
    """Sources int32 [N, S], and answers int32 [N, T], one place late, behind a token that starts
    them (teacher forcing).

    asked, answered: the two sequences. packed: both are stored as one row [N, S + T], and the
    targets have S places before those of the answer.

    Example:
        >>> asked = TokenSequence((4,), vocabulary=('0', '1'))
        >>> answered = TokenSequence((9,), vocabulary=('o', 'n', 'e'))
        >>> TokenPair(asked=asked, answered=answered).describe()
        'source (tokens [4]) and answer (tokens [9])'
    """

    kind = "token_pair"
    counted = "tokens"

    asked: TokenSequence = TokenSequence()
    answered: TokenSequence = TokenSequence()
    packed: bool = False

    @property
    def parts(self) -> dict[str, Feature]:
        """The source and the answer."""
        return {"source": self.asked, "answer": self.answered}

    @property
    def facts(self) -> dict[str, Any]:
        """How many symbols the answers have, and the source, where it has others."""
        asked, answered = self.asked.vocabulary, self.answered.vocabulary
        return {
            "vocabulary": len(answered),
            "source_vocabulary": len(asked) if asked != answered else None,
            "source": self.source,
        }

    @property
    def channels(self) -> tuple[int, ...]:
        """Tokens are not scaled."""
        return ()

    @property
    def tokens(self) -> TokenSequence:
        """Both as one row, with the symbols of answers."""
        answered = self.answered
        steps = answered.shape[0] + self.source
        return dataclasses.replace(answered, shape=(steps,), source=self.source)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The steps and the symbols of a source that is stored apart."""
        return () if self.packed else (*self.asked.shape, len(self.asked.vocabulary))

    @property
    def source(self) -> int:
        """How many of the targets' places stand before those of the answer."""
        return self.asked.shape[0] if self.packed else 0

    def fitted_like(self, dtype: np.dtype) -> Fitted:
        """Tokens are not scaled: the shapes are []."""
        return self.answered.fitted_like(dtype)

    def fit(self, x: Any, train: np.ndarray, scaling: str, dtype: np.dtype, **more: Any) -> Fitted:
        """Nothing is fitted to tokens.

        Args:
            x: raw examples.
            train: the training rows, int [n].
            scaling: a method of data/scaling.py.
            dtype: of the program.
            **more: unused.
        """
        return self.answered.fit(x, train, scaling, dtype)

    def normalize(self, x: Any, fitted: Fitted, dtype: np.dtype) -> Any:
        """The tokens of source and answer, int32 [B, S] and [B, T], by name.

        Args:
            x: raw examples, stored as one row or apart.
            fitted: unused.
            dtype: of the program.
        """
        if isinstance(x, dict):
            return x
        steps = self.asked.shape[0]
        return {"source": x[:, :steps], "answer": x[:, steps:]}
