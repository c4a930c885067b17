"""BLEU of whole answers, by sacrebleu."""

from collections.abc import Sequence

import numpy as np

from research.data.spec import PADDING

SPACE = "␣"  # a symbol that is a space, which would be lost between tokens


def bleu(answers: np.ndarray, references: np.ndarray, symbols: Sequence[str]) -> float:
    """Corpus BLEU in percent (Papineni et al. 2002) of answers int [N, T] to references int [N, T], -1 past their end.

    The tokens are the symbols, in sacrebleu's signature: tok:none, smooth:exp, n-grams of up to 4 (Post 2018). An
    answer is as long as its reference is filled up to be.
    """
    from sacrebleu import corpus_bleu  # slow to import

    written = [symbol if symbol.strip() else SPACE for symbol in symbols]

    def texts(rows: np.ndarray) -> list[str]:
        return [" ".join(written[token] for token in row if token != PADDING) for row in rows]

    found = corpus_bleu(texts(answers), [texts(references)], tokenize="none", force=True)
    return float(found.score)
