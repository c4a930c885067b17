"""The language model: counts, what the future and padding change, and its cache."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.models.layers.forward import Forward
from research.registry import ARCHITECTURES
from tests.support.sequences import run

EVALUATION = Forward()
V, B, T, CONTEXT = 7, 3, 8, 10
TINY = {"arch": "gpt", "arch.width": 8, "arch.heads": 2, "arch.layers": 1}
POSITIONS = ["learned", "sinusoidal", "rotary"]


def gpt(**options: Any) -> Any:
    small = {"layers": 2, "heads": 2, "width": 8, "context": CONTEXT}
    return ARCHITECTURES.get("gpt").build(
        outputs=V, vocabulary=V, per_step=True, **{**small, **options}
    )


def tokens(seed: int = 0, length: int = T) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, V, (B, length)).astype(np.int32)


def variables(model: Any, seed: int = 0) -> Any:
    """Random parameters, so large that every token's logits differ."""
    made = jax.jit(model.init)(jax.random.key(0), tokens(), EVALUATION)["params"]
    draw = np.random.default_rng(seed)
    return {
        "params": jax.tree.map(
            lambda w: w + 0.3 * draw.normal(size=w.shape).astype(np.float32), made
        )
    }


def count(**options: Any) -> int:
    model = ARCHITECTURES.get("gpt").build(outputs=65, vocabulary=65, **options)
    made = jax.eval_shape(
        lambda: model.init(jax.random.key(0), jnp.zeros((1, 1), jnp.int32), EVALUATION)
    )
    return sum(leaf.size for leaf in jax.tree.leaves(made["params"]))


def test_parameters_by_arithmetic() -> None:
    """By default nanoGPT's setting for a CPU, with 65 symbols: it says 0.80 M, without the
    positions."""
    block = 128 * 384 + 128 * 128 + 2 * 128 * 512 + 2 * 128
    assert count() == 65 * 128 + 64 * 128 + 4 * block + 128 == 804_096
    assert count() - 64 * 128 == 795_904
    biases = 384 + 128 + 512 + 128 + 2 * 128
    assert count(bias=True) == count() + 4 * biases + 128
    assert count(tied=False) == count() + 65 * 128
    assert count(positions="rotary") == count(positions="sinusoidal") == count() - 64 * 128
    gated = 3 * 128 * 341 - 2 * 128 * 512
    assert count(activation="silu", gated=True) == count() + 4 * gated
    large = 384 * 1152 + 384 * 384 + 2 * 384 * 1536 + 2 * 384  # nanoGPT's for a GPU says 10.65 M
    assert (
        count(layers=6, heads=6, width=384, context=256)
        == (65 + 256) * 384 + 6 * large + 384
        == 10_745_088
    )


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("order", ["pre", "post"])
def test_the_future_changes_nothing_before_it(positions: str, order: str) -> None:
    model = gpt(positions=positions, order=order)
    made, x = variables(model), tokens()
    apply = jax.jit(lambda x: model.apply(made, x, EVALUATION))
    whole = np.asarray(apply(x))
    for place in range(1, T):
        other = x.copy()
        other[:, place:] = (other[:, place:] + 1) % V
        got = np.asarray(apply(other))
        np.testing.assert_array_equal(got[:, :place], whole[:, :place])
        assert (got[:, place] != whole[:, place]).any(axis=-1).all()


def test_padding_and_other_examples_change_nothing_that_is_real() -> None:
    model = gpt()
    made, x = variables(model), tokens()
    apply = jax.jit(lambda x: model.apply(made, x, EVALUATION))
    whole = apply(x)
    padded = x.copy()
    padded[0, 5:], padded[1] = -1, padded[2]
    got = apply(padded)
    np.testing.assert_array_equal(got[0, :5], whole[0, :5])
    np.testing.assert_array_equal(got[2], whole[2])


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_cache_gives_what_the_whole_gives(positions: str) -> None:
    """Places one by one with a cache give the outputs of the whole; 2e-5 is float32 rounding of
    sums in another order."""
    model = gpt(positions=positions)
    made, x, cache = variables(model), tokens(), {}
    whole = jax.jit(lambda x: model.apply(made, x, EVALUATION))(x)
    step = jax.jit(
        lambda cache, x, at: model.apply({**made, **cache}, x, EVALUATION, at, mutable=["cache"])
    )
    for first, last in ((0, 3), (3, 4), (4, 5), (5, 8)):
        part, cache = step(cache, x[:, first:last], jnp.int32(first))
        np.testing.assert_allclose(part, whole[:, first:last], rtol=2e-5, atol=2e-5)


def test_what_does_not_fit_is_said_before_training() -> None:
    with pytest.raises(
        UserError,
        match=r"a sequence of 6 positions is longer than the context of 5; use arch.context=6",
    ):
        run(**TINY, arch__context=5)
    with pytest.raises(UserError, match=r"3 heads do not divide a width of 8; 1, 2, 4 would"):
        run(**{**TINY, "arch.heads": 3})
    with pytest.raises(
        UserError,
        match=r"arch=transformer_encoder reads the values that task=language_model predicts",
    ):
        run(**{**TINY, "arch": "transformer_encoder"})
