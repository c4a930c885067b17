"""What a run with saved parameters says to a prompt: how a text goes on, or the answer to a
sequence."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from launch.cli.saved_run import SavedRun
from research.data import text
from research.data.features.feature import PADDING
from research.data.features.token_pair import TokenPair
from research.data.progress_bar import progress
from research.data.spec import DataSpec
from research.data.strings import BLANK, START
from research.errors import UserError
from research.training.apply.generation import Sampler, generate


def continued(saved: SavedRun, prompt: str, sampler: Sampler, length: int) -> str:
    """The prompt and what follows it.

    Args:
        saved: the run.
        prompt: the beginning of the text.
        sampler: how the next character is chosen.
        length: how many characters follow.
    """
    vocabulary = saved.run.program.spec.inputs.tokens.vocabulary
    tokens = text.encode(prompt, vocabulary, "--prompt")
    with progress(length, "generating", "character") as bar:
        following = generate(
            saved.run.program, saved.lane, saved.variables, tokens, sampler, length, bar.update
        )
    return prompt + text.decode(following, vocabulary)


def answers(saved: SavedRun, prompt: str) -> Iterator[str]:
    """The answer to the prompt; with several beams an answer per beam, the best first, each after
    its log-probability."""
    spec = saved.run.program.spec
    tokens = spec.inputs.tokens
    apart = isinstance(spec.inputs, TokenPair) and not spec.inputs.packed
    x = _asked(spec.inputs, prompt) if apart else _packed(spec, prompt)
    (replies,), (scores,) = saved.answers(x)
    for reply, score in zip(replies, scores, strict=True):
        decoded = text.decode(reply, tokens.vocabulary).rstrip()
        if tokens.end.strip():
            decoded = decoded.partition(tokens.end)[0]
        yield decoded if len(replies) == 1 else f"{score:9.4f}  {decoded}"


def _asked(pair: Any, prompt: str) -> dict[str, np.ndarray]:
    """A prompt as the source of a TokenPair, and the start of its answer."""
    (steps,) = pair.asked.shape
    if len(prompt) > steps:
        raise UserError(f"--prompt has {len(prompt)} symbols, and a source has at most {steps}")
    source = np.full((1, steps), PADDING, np.int32)
    source[0, : len(prompt)] = text.encode(prompt, pair.asked.vocabulary, "--prompt")
    answer = np.full((1, *pair.answered.shape), PADDING, np.int32)
    answer[0, 0] = pair.answered.vocabulary.index(START)
    return {"source": source, "answer": answer}


def _packed(spec: DataSpec, prompt: str) -> np.ndarray:
    """A prompt as a row of a source, and the start of its answer."""
    given = len(prompt)
    tokens = spec.inputs.tokens
    width = tokens.source
    # Sources of unequal length were padded with blanks; without a blank there is no shorter source.
    padded = BLANK in tokens.vocabulary
    if given > width or (given < width and not padded):
        most = "at most " if padded else ""
        raise UserError(
            f"--prompt has {given} symbols, and a source of {spec.name} has {most}{width}"
        )
    x = np.full((1, *tokens.shape), PADDING, np.int32)
    x[0, :width] = text.encode(prompt.ljust(width, BLANK), tokens.vocabulary, "--prompt")
    x[0, width] = text.encode(START, tokens.vocabulary, spec.name)[0]
    return x
