"""Encoder–decoders: the answer's future, teacher forcing against the cache, greedy and beam search,
gradients."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.models.decoding import beam_search
from research.registry import ARCHITECTURES
from tests.support.networks import EVALUATION, outputs

V, B, S, T, START = 4, 2, 4, 3, 3
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "transformer": ("transformer", {"layers": 1, "heads": 2, "width": 8, "context": 8}),
    "post": (
        "transformer",
        {
            "layers": 1,
            "heads": 2,
            "width": 8,
            "context": 4,
            "order": "post",
            "positions": "rotary",
            "tied": False,
        },
    ),
    "bahdanau": ("seq2seq", {"hidden": 6, "embedding": 4, "attention": "bahdanau"}),
    "luong": ("seq2seq", {"hidden": 6, "embedding": 4, "attention": "luong"}),
}


def tokens(seed: int = 0) -> np.ndarray:
    """Sources and the answers behind their start."""
    x = np.random.default_rng(seed).integers(0, V, (B, S + T)).astype(np.int32)
    x[:, S] = START
    return x


def pair(x: Any, steps: int = S) -> dict[str, Any]:
    """The sources and the answers of rows [B, S + T], as the networks read them."""
    return {"source": x[:, :steps], "answer": x[:, steps:]}


@functools.cache
def made(name: str, seed: int = 0) -> tuple[Any, Any]:
    """A model and random parameters, so large that its answers differ."""
    kind, options = MODELS[name]
    model = ARCHITECTURES.get(kind).build(
        outputs=V, vocabulary=V, per_step=True, source=S, **options
    )
    params = jax.jit(model.init)(jax.random.key(0), pair(tokens()), EVALUATION)["params"]
    draw = np.random.default_rng(seed)
    return model, jax.tree.map(
        lambda w: w + 0.4 * draw.normal(size=w.shape).astype(np.float32), params
    )


def forced(model: Any, params: Any) -> Any:
    return jax.jit(lambda x: model.apply({"params": params}, pair(x, model.source), EVALUATION))


@pytest.mark.parametrize("name", MODELS)
def test_an_answer_hangs_on_its_source_and_on_what_it_has_said(name: str) -> None:
    model, params = made(name)
    x = tokens()
    apply = forced(model, params)
    whole = np.asarray(apply(x))
    assert whole.shape == (B, S + T, V)
    assert not whole[:, :S].any()
    for place in range(S + T):
        other = x.copy()
        other[0, place] = (other[0, place] + 1) % V
        got = np.asarray(apply(other))
        np.testing.assert_array_equal(got[1:], whole[1:])
        if place >= S:  # bitwise
            np.testing.assert_array_equal(got[0, :place], whole[0, :place])
        first = max(place, S)
        assert (got[0, first] != whole[0, first]).any()


@pytest.mark.parametrize("name", ["transformer", "bahdanau", "luong"])
def test_padding_of_the_source_changes_nothing(name: str) -> None:
    """A source of two tokens and padding is answered as one of two tokens."""
    model, params = made(name)
    x = tokens()
    x[:, 2:S] = -1
    short = ARCHITECTURES.get(MODELS[name][0]).build(
        outputs=V, vocabulary=V, per_step=True, source=2, **MODELS[name][1]
    )
    whole = forced(model, params)(x)[:, S:]
    alone = forced(short, params)(np.concatenate([x[:, :2], x[:, S:]], axis=1))[:, 2:]
    np.testing.assert_allclose(whole, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["transformer", "bahdanau", "luong"])
def test_greedy_is_the_likeliest_token_after_what_was_said(name: str) -> None:
    model, params = made(name, 1)
    source = tokens(1)[:, :S]
    got, _ = jax.jit(functools.partial(beam_search, model, start=START, count=T, width=1))(
        params, source
    )
    said = np.full((B, 1), START, np.int32)
    apply = forced(model, params)
    for place in range(T):
        padded = np.pad(said, ((0, 0), (0, T - said.shape[1])))
        logits = apply(np.concatenate([source, padded], axis=1))[:, S + place]
        said = np.concatenate([said, np.asarray(logits.argmax(axis=-1))[:, None]], axis=1).astype(
            np.int32
        )
    np.testing.assert_array_equal(got[:, 0], said[:, 1:])


@pytest.mark.parametrize("name", ["transformer", "bahdanau"])
def test_a_wide_beam_finds_the_likeliest_of_all_answers(name: str) -> None:
    """As wide as there are answers of two tokens, it must."""
    model, params = made(name, 2)
    source = tokens(2)[:, :S]
    every = np.array(list(itertools.product(range(V), repeat=T)), np.int32)
    x = np.concatenate(
        [np.repeat(source, len(every), axis=0), np.full((B * len(every), 1), START)], axis=1
    )
    x = np.concatenate([x, np.tile(every, (B, 1))[:, :-1]], axis=1).astype(np.int32)
    log_probabilities = jax.nn.log_softmax(forced(model, params)(x)[:, S:]).reshape(
        B, len(every), T, V
    )
    picked = jnp.take_along_axis(log_probabilities, every[None, ..., None], axis=-1)[..., 0].sum(
        axis=-1
    )
    answers, scores = jax.jit(
        functools.partial(beam_search, model, start=START, count=T, width=V**2)
    )(params, source)
    order = np.argsort(-np.asarray(picked), axis=1)[:, :4]
    np.testing.assert_array_equal(answers[:, :4], every[order])
    np.testing.assert_allclose(
        scores[:, :4], np.take_along_axis(np.asarray(picked), order, 1), rtol=1e-4, atol=1e-5
    )


def test_a_recurrent_decoder_leaves_its_maps_where_they_are_asked_for() -> None:
    """Attention weights add up to 1, within float32 rounding."""
    model, params = made("luong")
    _, left = outputs(model, {"params": params}, pair(tokens()), mutable=["attention"])
    (weights,) = left["attention"]["weights"]
    assert weights.shape == (B, T, S)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


def test_parameters_by_arithmetic() -> None:
    def count(kind: str, **options: Any) -> int:
        model = ARCHITECTURES.get(kind).build(
            outputs=9, vocabulary=9, per_step=True, source=4, **options
        )
        x = pair(jnp.zeros((1, 6), jnp.int32))
        variables = jax.eval_shape(lambda: model.init(jax.random.key(0), x, EVALUATION))
        return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))

    attention, mlp, norm = 4 * 64 * 64 + 4 * 64, 2 * 64 * 256 + 256 + 64, 2 * 64
    layer = (attention + mlp + 2 * norm) + (2 * attention + mlp + 3 * norm)
    assert count("transformer", layers=2, heads=4, width=64) == 9 * 64 + 2 * layer + 2 * norm
    gru = lambda reads: 3 * 8 * (reads + 8 + 1) + 8  # noqa: E731
    shared = 9 * 4 + 2 * gru(4) + (8 * 8 + 8) + 16 * 8 + (24 * 8 + 8) + (8 * 9 + 9)
    assert count("seq2seq", hidden=8, embedding=4, attention="luong") == shared + gru(4)
    assert count("seq2seq", hidden=8, embedding=4) == shared + gru(4 + 16) + (8 * 8 + 8) + 8
