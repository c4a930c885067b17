"""Generation: the likeliest symbols are those of a loop by hand, draws are of the seed and follow
the model."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research import rng
from research.data import progress_bar
from research.data.features.feature import PADDING
from research.errors import UserError
from research.training.apply import generation
from research.training.apply.generation import PIECE, Sampler, generate
from research.training.step import network
from tests.support.engine import lane
from tests.support.sequences import CONTEXT, PADDED, SYMBOLS, InMemorySource, run, spec, start, tiny

OWN = run()
CHUNK = start([OWN], 1)
LANE = lane(CHUNK.lanes, 0)
VARIABLES = jax.tree.map(lambda leaf: leaf[0] * 8, CHUNK.state.variables)  # far from uniform
PROMPT = [0, 1, 2, 3, 4, 0, 2, 2, 1]
RECURRENT = ["rnn", "jordan", "lstm", "gru", "min_gru", "latent_ar"]


def logits(tokens: np.ndarray) -> np.ndarray:
    return np.asarray(network.predict(OWN.program, VARIABLES, LANE, jnp.asarray(tokens[None])))[
        0, -1
    ]


def made(prompt: list[int], count: int, temperature: float, seed: int = 0) -> np.ndarray:
    tokens = np.array(prompt, np.int32)
    return generate(OWN.program, LANE, VARIABLES, tokens, Sampler(temperature, seed), count)


@pytest.mark.parametrize("name", [*RECURRENT, "ar"])
def test_the_likeliest_is_that_of_reading_the_text_again(name: str) -> None:
    """A carried state has seen all of the text, also what lies before the context; another network
    sees that alone."""
    own = run(**tiny(name))
    chunk = start([own], 1)
    held = lane(chunk.lanes, 0)
    variables = jax.tree.map(lambda leaf: 4 * leaf[0], chunk.state.variables)
    text = np.array(PROMPT + [0] * 6)
    predict = jax.jit(lambda x: network.predict(own.program, variables, held, x)[0])
    for place in range(len(PROMPT), len(text)):
        if name == "ar":
            text[place] = predict(text[None, place - CONTEXT : place])[-1].argmax()
        else:
            text[place] = predict(text[None])[
                place - 1
            ].argmax()  # what lies after a place it does not see
    got = generate(own.program, held, variables, np.array(PROMPT), Sampler(0.0, 0), 6)
    np.testing.assert_array_equal(got, text[len(PROMPT) :])


@pytest.mark.parametrize("length", [1, 4, CONTEXT, CONTEXT + 3])
def test_kept_keys_and_values_are_those_of_reading_the_text_again(length: int) -> None:
    """Beyond the context too, where only its last tokens are read."""
    own = run(**tiny("gpt"))
    chunk = start([own], 1)
    held = lane(chunk.lanes, 0)
    variables = jax.tree.map(lambda leaf: 8 * leaf[0], chunk.state.variables)
    predict = jax.jit(lambda x: network.predict(own.program, variables, held, x)[0])
    count, text = CONTEXT + 2, (PROMPT * 2)[:length]
    for place in range(count):
        seen = text[-CONTEXT:]
        logits = predict(np.array([seen + [0] * (CONTEXT - len(seen))]))[len(seen) - 1]
        text = [*text, int(jax.random.categorical(rng.at(np.uint32(5), "generate", place), logits))]
    prompt = np.array(text[:length])
    got = generate(own.program, held, variables, prompt, Sampler(1.0, 5), count)
    np.testing.assert_array_equal(got, text[length:])
    assert len(np.unique(got)) > 2


def test_states_that_are_carried_on_are_those_of_the_whole() -> None:
    """In two layers, piece after piece."""
    own = run(arch="lstm", arch__hidden=3, arch__layers=2)
    chunk = start([own], 1)
    held, variables = lane(chunk.lanes, 0), lane(chunk.state.variables, 0)
    tokens = jnp.array([PROMPT])
    whole = network.predict(own.program, variables, held, tokens)
    first, cache = network.decode_step(own.program, variables, held, tokens[:, :4], {})
    second, _ = network.decode_step(own.program, variables, held, tokens[:, 4:], cache)
    np.testing.assert_allclose(jnp.concatenate([first, second], 1), whole, rtol=1e-5, atol=1e-6)


def test_two_ways_foretell_nothing() -> None:
    """It would read from the end what it is to say next; an answer, with a source before it, as
    well as a text."""
    with pytest.raises(
        UserError, match=r"arch\.bidirectional=true reads what task=language_model predicts"
    ):
        run(arch__bidirectional=True)
    answers = InMemorySource(spec("sequence_to_sequence", 60, source=2), PADDED.data)
    with pytest.raises(
        UserError, match=r"arch\.bidirectional=true reads what task=sequence_to_sequence predicts"
    ):
        run(answers, arch__bidirectional=True)
    with pytest.raises(
        UserError, match="arch=transformer_encoder reads the values that task=sequence_to_sequence"
    ):
        run(answers, **tiny("transformer_encoder"))


def test_draws_are_of_the_seed_and_of_the_models_distribution() -> None:
    np.testing.assert_array_equal(made([1], 20, 1.0, seed=3), made([1], 20, 1.0, seed=3))
    assert (made([1], 20, 5.0, seed=3) != made([1], 20, 5.0, seed=4)).any()
    np.testing.assert_array_equal(made([1], 20, 1.0, seed=3)[:5], made([1], 5, 1.0, seed=3))
    for temperature in (1.0, 2.5):
        drawn = [int(made([2, 4], 1, temperature, seed=seed)[0]) for seed in range(1500)]
        expected = np.asarray(jax.nn.softmax(logits(np.array([2, 4], np.int32)) / temperature))
        found = np.bincount(drawn, minlength=len(SYMBOLS)) / len(drawn)
        assert (
            abs(found - expected) < 5 * np.sqrt(expected * (1 - expected) / len(drawn)) + 1e-3
        ).all()


def traced_call(traced: list[str], function: Callable[..., Any], *values: Any) -> Any:
    traced.append(function.__name__)
    return function(*values)


@pytest.mark.parametrize("name", ["gru", "gpt", "ar"])
def test_a_long_text_is_that_of_one_loop_whatever_its_pieces(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bits of one scan over all tokens. A longer text compiles nothing more."""
    own = run(**tiny(name))
    chunk = start([own], 1)
    held = lane(chunk.lanes, 0)
    variables = jax.tree.map(lambda leaf: 8 * leaf[0], chunk.state.variables)
    counts: list[int] = []
    count, prompt = 2 * PIECE + 3, np.array(PROMPT[:3])
    short = generate(own.program, held, variables, prompt, Sampler(1.0, 7), PIECE + 5)
    traced: list[str] = []
    for function in (network.predict, network.decode_step):
        spy = functools.partial(traced_call, traced, function)
        monkeypatch.setattr(generation, function.__name__, spy)
    text = generate(
        own.program, held, variables, prompt, Sampler(1.0, 7), count, on_tokens=counts.append
    )
    assert traced == []
    assert len(text) == sum(counts) == count
    assert max(counts) <= PIECE
    np.testing.assert_array_equal(short, text[: PIECE + 5])

    def read(window: jax.Array, position: jax.Array) -> tuple[jax.Array, jax.Array]:
        at = jnp.minimum(len(prompt) + position, window.shape[0] if name == "gru" else CONTEXT)
        token = Sampler(1.0, np.uint32(7)).draw(
            network.predict(own.program, variables, held, window[None])[0, at - 1], position
        )
        shifted = jnp.where(at == window.shape[0], jnp.roll(window, -1), window)
        index = jnp.where(at == window.shape[0], at - 1, at)
        return shifted.at[index].set(token), token

    # A network that carries its state has seen the whole text, any other its last tokens.
    length = len(prompt) + count + 1 if name == "gru" else CONTEXT
    window = jnp.full(length, PADDING, jnp.int32).at[: len(prompt)].set(prompt)
    _, expected = jax.lax.scan(read, window, jnp.arange(count))
    np.testing.assert_array_equal(text, expected)


def test_progress_goes_up_to_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_bar, "SECONDS", 1e-6)
    monkeypatch.setattr(progress_bar, "FILE_SECONDS", 0.0)
    prompt = np.array([1], np.int32)
    with progress_bar.progress(PIECE + 4, "generating", "character") as bar:
        generate(OWN.program, LANE, VARIABLES, prompt, Sampler(0.0, 0), PIECE + 4, bar.update)
    shown = capsys.readouterr().err
    assert "| 1/20 [" in shown
    assert "generating: 100%" in shown
    assert "| 20/20 [" in shown
