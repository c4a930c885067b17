"""BLEU: sacrebleu's own, by hand, and symbols that are spaces."""

import numpy as np
import pytest

from research.tasks.bleu import bleu

sacrebleu = pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")
SYMBOLS = ("a", "b", "c", " ", "d")


def test_by_hand() -> None:
    """Of `a b c d d` for `a b c d a` 4 of 5 tokens are right, 3 of 4 pairs, 2 of 3 triples, 1 of 2
    fours."""
    got = bleu(np.array([[0, 1, 2, 4, 4]]), np.array([[0, 1, 2, 4, 0]]), SYMBOLS)
    assert got == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_is_sacrebleus_on_symbols_joined_by_spaces() -> None:
    """The score is sacrebleu's, within float64 rounding."""
    draw = np.random.default_rng(0)
    said, right = draw.integers(0, 3, (2, 20, 8))
    said[:, 2:] = right[:, 2:]
    right[3, 6:] = -1
    texts = [[" ".join("abc"[t] for t in row if t >= 0) for row in rows] for rows in (said, right)]
    expected = sacrebleu.BLEU(tokenize="none", force=True).corpus_score(texts[0], [texts[1]]).score
    assert 0 < expected < 100
    assert bleu(said, right, SYMBOLS) == pytest.approx(expected)


def test_a_space_is_a_token() -> None:
    """An exact answer has 100, within float64 rounding of a logarithm and its exponential."""
    right = np.array([[0, 3, 1, 3, 2]])
    assert bleu(right, right, SYMBOLS) == pytest.approx(100)
    assert bleu(np.array([[0, 4, 1, 3, 2]]), right, SYMBOLS) < 60


def test_what_fills_a_row_up_does_not_count() -> None:
    """`a b c` and `a b` and their ends: neither right blanks behind both, nor tokens behind an end,
    make it better."""
    right = np.array([[0, 1, 2, 3, 3, 3], [2, 1, 0, 4, 1, 3]])
    said = np.array([[0, 1, 3, 3, 3, 3], [2, 1, 0, 4, 1, 3]])
    behind = np.array([[0, 1, 3, 2, 0, 1], [2, 1, 0, 4, 1, 3]])
    cut = (
        sacrebleu.BLEU(tokenize="none", force=True)
        .corpus_score(["a b", "c b a d b"], [["a b c", "c b a d b"]])
        .score
    )
    assert (
        bleu(said, right, SYMBOLS, end=" ")
        == bleu(behind, right, SYMBOLS, end=" ")
        == pytest.approx(cut)
    )
    padded = np.array([[0, 1, 2, 3, -1, -1], [2, 1, 0, 4, 1, 3]])
    assert bleu(said, padded, SYMBOLS, end=" ") == pytest.approx(cut)
    assert bleu(said, right, SYMBOLS) != pytest.approx(cut)
