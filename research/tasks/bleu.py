"""BLEU of whole answers, by sacrebleu."""

import itertools
from collections.abc import Sequence

import numpy as np

from research.data.spec import PADDING

SPACE = "␣"  # a symbol that is a space, which would be lost between tokens


def bleu(
    answers: np.ndarray, references: np.ndarray, symbols: Sequence[str], end: str = ""
) -> float:
    """Corpus BLEU in percent (Papineni et al. 2002) of answers int [N, T] to references int [N, T].

    The tokens are the symbols, in sacrebleu's signature: tok:none, smooth:exp, n-grams of up to 4
    (Post 2018). Each row goes to its first -1, or to its first `end` (which is none of its tokens):
    what fills a row up does not count.
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
