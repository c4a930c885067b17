"""Answers: greedy ones take the likeliest token after the network's own; more beams find likelier
answers."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from research.data.spec import Arrays
from research.training.apply import decode as decode_lib
from research.training.apply.decode import decode
from research.training.step import network
from tests.support.engine import InMemorySource, lane
from tests.support.sequences import CONTEXT, SYMBOLS, run, spec, start, tiny


def made(
    name: str, end: str = ""
) -> tuple[np.ndarray, Callable[..., Any], Callable[[np.ndarray], np.ndarray]]:
    """Nine sources, the network's answers to them by so many beams, and its logits of whole
    examples."""
    tokens = np.random.default_rng(0).integers(0, 5, (40, CONTEXT), np.int32)
    tokens[:, 2] = 4  # the source's end
    source = InMemorySource(
        spec("sequence_to_sequence", 40, source=2, end=end),
        Arrays(tokens, tokens, np.zeros(0, np.int32)),
    )
    own = run(source, **tiny(name))
    chunk = start([own], 1, source)
    held = lane(chunk.lanes, 0)
    variables = jax.tree.map(lambda leaf: 5 * leaf[0], chunk.state.variables)
    blanked = np.where(np.arange(CONTEXT) > 2, 3, tokens[:9])  # the right answers are not read
    answers = functools.partial(decode, own.program, held, variables, blanked)
    return (
        blanked[:, :3],
        answers,
        jax.jit(lambda x: network.predict(own.program, variables, held, x)),
    )


def log_probabilities(
    logits: Callable[[np.ndarray], np.ndarray], sources: np.ndarray, said: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What the network makes of its own answers [N, T]: the log-probabilities of all tokens, and of
    the answers."""
    full = np.concatenate([sources, said[:, :-1]], axis=1)
    every = np.asarray(jax.nn.log_softmax(logits(full)[:, 2:]))
    return every, np.take_along_axis(every, said[..., None], axis=-1)[..., 0].sum(-1)


def test_each_part_of_the_examples_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_lib, "ROWS", 4)
    reported: list[int] = []
    _, answers, _ = made("seq2seq")
    answers(report=reported.append)
    assert reported == [4, 4, 1]


@pytest.mark.parametrize("name", ["seq2seq", "gru"])
def test_an_answer_is_the_likeliest_after_itself(name: str) -> None:
    """Greedy answers are exact; 1e-5 is float32 rounding of a sum of log probabilities, by steps
    and at once."""
    sources, answers, logits = made(name)
    (said,), (scores,) = (values.swapaxes(0, 1) for values in answers(1))
    every, expected = log_probabilities(logits, sources, said)
    assert said.shape == (9, CONTEXT - 2)
    assert len(np.unique(said, axis=0)) > 1
    np.testing.assert_array_equal(said, every.argmax(-1))
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)


def test_more_beams_find_likelier_answers() -> None:
    """Scores are those of the whole answer; 1e-5 is float32 rounding of a sum of log
    probabilities."""
    sources, answers, logits = made("seq2seq")
    said, scores = answers(4)
    assert said.shape == (9, 4, CONTEXT - 2)
    assert (np.diff(scores) <= 0).all()
    for beam in range(4):
        _, expected = log_probabilities(logits, sources, said[:, beam])
        np.testing.assert_allclose(scores[:, beam], expected, rtol=1e-5, atol=1e-6)
    assert (scores[:, 0] > answers(1)[1][:, 0] + 1e-3).any()


@pytest.mark.parametrize(("name", "beams"), [("seq2seq", 3), ("gru", 1)])
def test_nothing_comes_after_the_end_and_it_costs_nothing(name: str, beams: int) -> None:
    """Scores are those up to the end; 1e-5 is float32 rounding of a sum of log probabilities."""
    sources, answers, logits = made(name, end=SYMBOLS[1])
    said, scores = answers(beams)
    over = np.cumsum(said == 1, axis=-1) - (said == 1) > 0  # behind the first end
    assert over.any()
    assert (said[over] == 1).all()
    for beam in range(beams):
        every, _ = log_probabilities(logits, sources, said[:, beam])
        each = np.take_along_axis(every, said[:, beam, :, None], axis=-1)[..., 0]
        expected = np.where(over[:, beam], 0, each).sum(-1)
        np.testing.assert_allclose(scores[:, beam], expected, rtol=1e-5, atol=1e-6)
