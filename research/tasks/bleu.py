"""BLEU of whole answers, by sacrebleu."""

import itertools
from collections.abc import Sequence

import numpy as np

from research.data.features.feature import PADDING

# A symbol that is a space, which would be lost between tokens.
SPACE = "␣"


def bleu(
    answers: np.ndarray, references: np.ndarray, symbols: Sequence[str], end: str = ""
) -> float:
    """Corpus BLEU in percent (Papineni et al. 2002).

    The tokens are the symbols, in sacrebleu's signature tok:none, smooth:exp, with n-grams of up to
    4
    (Post 2018). Each row counts up to its first -1 or its first `end`, without either: what fills a
    row
    up does not count.

    Args:
        answers: int [N, T], what the model wrote.
        references: int [N, T], the right answers.
        symbols: the vocabulary by token.
        end: the symbol that ends an answer; "": none.
    """
    from sacrebleu import corpus_bleu  # slow to import

    # An answer after its end symbol is whatever the decoder went on to write.
    stops = {PADDING, symbols.index(end)} if end else {PADDING}
    written = [symbol if symbol.strip() else SPACE for symbol in symbols]

    def texts(rows: np.ndarray) -> list[str]:
        return [" ".join(written[token] for token in _upto(row, stops)) for row in rows]

    score = corpus_bleu(texts(answers), [texts(references)], tokenize="none", force=True)
    return float(score.score)


def _upto(row: np.ndarray, stops: set[int]) -> list[int]:
    return list(itertools.takewhile(lambda token: token not in stops, row.tolist()))
