"""Attention: PyTorch's outputs with its weights, what masks hide, the cache, and rotary
positions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.models.layers.attention import Attention, causal, padding
from research.models.layers.forward import Forward
from research.models.layers.positions import Positions, rotated, sinusoidal
from research.models.layers.tokens import Tokens
from tests.models.torch_weights import attention_params, normal
from tests.support.networks import EVALUATION, outputs

B, T, S, D, HEADS = 3, 5, 7, 12, 4


def pair(seed: int = 0) -> tuple[torch.nn.MultiheadAttention, Any]:
    """PyTorch's attention with random weights, and these as ours for self-attention and for
    attention to a memory."""
    torch.manual_seed(seed)
    theirs = torch.nn.MultiheadAttention(D, HEADS, batch_first=True)
    for weight in theirs.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return theirs, attention_params(theirs)


MASKS = {
    "none": None,
    "causal": np.asarray(causal(T)),
    "padding": np.asarray(padding(np.arange(T) < np.array([[5], [3], [1]]))),
    "both": np.asarray(causal(T) & padding(np.arange(T) < np.array([[5], [3], [1]]))),
}


@pytest.mark.parametrize("name", MASKS)
def test_self_attention_is_pytorchs(name: str) -> None:
    """Outputs and weights are PyTorch's; 1e-5: float32 products summed in another order."""
    theirs, params = pair()
    x, mask = normal(B, T, D), MASKS[name]
    hidden = None
    if mask is not None:  # theirs says what is not seen, by example and head
        hidden = torch.tensor(~np.repeat(np.broadcast_to(mask, (B, T, T)), HEADS, axis=0))
    expected, maps = theirs(*[torch.tensor(x)] * 3, attn_mask=hidden, average_attn_weights=False)
    got, left = Attention(HEADS).apply(
        {"params": params}, x, EVALUATION, mask=mask, mutable=["attention"]
    )
    np.testing.assert_allclose(got, expected.detach().numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        left["attention"]["weights"][0], maps.detach().numpy(), rtol=1e-5, atol=1e-6
    )


def test_attention_to_a_memory_is_pytorchs() -> None:
    """Queries from x, keys from a padded memory, as in PyTorch; 1e-5: float32 sums in another
    order."""
    theirs, _ = pair(1)
    x, memory, real = (
        normal(B, T, D),
        normal(B, S, D, seed=1),
        np.arange(S) < np.array([[7], [4], [2]]),
    )
    query, keys, hidden = (torch.tensor(array) for array in (x, memory, ~real))
    expected, _ = theirs(query, keys, keys, key_padding_mask=hidden)
    params = {"params": attention_params(theirs, cross=True)}
    got = Attention(HEADS).apply(params, x, EVALUATION, memory=memory, mask=padding(real))
    np.testing.assert_allclose(got, expected.detach().numpy(), rtol=1e-5, atol=1e-5)


def test_maps_are_left_only_where_they_are_asked_for() -> None:
    """Rows of weights add up to 1 within float32's rounding, and the future has exactly 0."""
    variables = Attention(HEADS).init(
        jax.random.key(0), normal(B, T, D), EVALUATION, mutable=["params"]
    )
    out = Attention(HEADS).apply(variables, normal(B, T, D), EVALUATION)
    assert isinstance(out, jax.Array)
    _, left = Attention(HEADS).apply(
        variables, normal(B, T, D), EVALUATION, mask=causal(T), mutable=["attention"]
    )
    (maps,) = left["attention"]["weights"]
    np.testing.assert_allclose(maps.sum(axis=-1), 1, rtol=1e-6)
    np.testing.assert_array_equal(maps[..., np.triu_indices(T, 1)[0], np.triu_indices(T, 1)[1]], 0)


@pytest.mark.parametrize("rotary", [False, True])
def test_the_future_changes_nothing_before_it(rotary: bool) -> None:
    attention = Attention(HEADS, rotary=rotary)
    x = normal(B, T, D)
    variables = attention.init(jax.random.key(0), x, EVALUATION, mutable=["params"])
    apply = jax.jit(lambda x: attention.apply(variables, x, EVALUATION, mask=causal(T)))
    for place in range(1, T):
        other = np.concatenate([x[:, :place], 1e3 * normal(B, T - place, D, seed=place)], axis=1)
        np.testing.assert_array_equal(apply(x)[:, :place], apply(other)[:, :place])
        assert (apply(x)[:, place] != apply(other)[:, place]).any()


def test_padding_changes_nothing_that_is_real() -> None:
    """Padding of any value changes no bit; without it shapes differ, so 1e-5: sums in another
    order."""
    attention, lengths = Attention(HEADS), np.array([5, 3, 1])
    x, real = normal(B, T, D), np.arange(T) < lengths[:, None]
    variables = attention.init(jax.random.key(0), x, EVALUATION, mutable=["params"])
    other = np.where(real[..., None], x, 1e3)
    apply = jax.jit(lambda x: attention.apply(variables, x, EVALUATION, mask=padding(real)))
    np.testing.assert_array_equal(np.asarray(apply(x))[real], np.asarray(apply(other))[real])
    alone = attention.apply(variables, x[1:2, :3], EVALUATION)
    np.testing.assert_allclose(apply(x)[1:2, :3], alone, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("rotary", [False, True])
def test_a_cache_gives_what_the_whole_gives(rotary: bool) -> None:
    """Pieces read with a cache are the whole; 1e-5: sums of other lengths in float32."""
    attention, x = Attention(HEADS, rotary=rotary, context=T + 2), normal(B, T, D)
    variables = attention.init(jax.random.key(0), x, EVALUATION, mutable=["params"])
    whole = np.asarray(outputs(attention, variables, x, mask=causal(T)))
    cache: Any = {}
    for first, last in ((0, 2), (2, 3), (3, 5)):
        part, cache = outputs(
            attention,
            {**variables, **cache},
            x[:, first:last],
            start=jnp.int32(first),
            mutable=["cache"],
        )
        np.testing.assert_allclose(part, whole[:, first:last], rtol=1e-5, atol=1e-8)


def test_weights_are_dropped_and_the_others_scaled() -> None:
    """Weights are 0 or 1/(1 - rate), within float32's rounding; the share of zeros within 5
    deviations."""
    rate = 0.25
    fwd = Forward(
        train=True,
        members=(("attention_dropout", ()),),
        values={"attention_dropout": {"rate": jnp.float32(rate)}},
        index=jnp.arange(400),
    )
    attention = Attention(1, bias=False)
    params = {
        "qkv": {"kernel": np.eye(T, 3 * T, 2 * T)},
        "out": {"kernel": np.eye(T)},
    }  # equal weights; values are x
    x = np.broadcast_to(T * np.eye(T, dtype=np.float32), (400, T, T))
    key = {"attention_dropout": jax.random.key(2)}
    out = np.asarray(
        outputs(attention, {"params": params}, x, fwd, rngs=key)
    )  # the weights themselves, times T
    np.testing.assert_allclose(np.unique(out), [0, 1 / (1 - rate)], rtol=1e-6)
    assert abs((out == 0).mean() - rate) < 5 * (rate * (1 - rate) / out.size) ** 0.5
    np.testing.assert_allclose(
        outputs(attention, {"params": params}, x), np.ones_like(x), rtol=1e-6
    )
    # An example's weights hang on its place in the global batch alone.
    some = fwd.replace(index=jnp.array([7, 300]))
    np.testing.assert_array_equal(
        outputs(attention, {"params": params}, x[:2], some, rngs=key), out[[7, 300]]
    )


def test_the_softmax_is_float32_in_bfloat16() -> None:
    attention, x = Attention(HEADS), jnp.asarray(normal(B, T, D), jnp.bfloat16)
    params = jax.tree.map(
        lambda leaf: leaf.astype(jnp.bfloat16),
        attention.init(jax.random.key(0), x, EVALUATION)["params"],
    )
    out, left = attention.apply({"params": params}, x, EVALUATION, mutable=["attention"])
    assert out.dtype == jnp.bfloat16
    assert left["attention"]["weights"][0].dtype == jnp.float32


def test_what_does_not_fit_is_said() -> None:
    x = normal(B, T, D)
    with pytest.raises(UserError, match="5 heads do not divide a width of 12; 3, 4, 6 would"):
        Attention(5).init(jax.random.key(0), x, EVALUATION)
    for shape in [(T, T), (B, T, T + 1), (2, T, T), (B, 2, T), (B, HEADS, T, T)]:
        with pytest.raises(
            UserError, match=r"mask has the shape .* it must be \[3 or 1, 5 or 1, 5\]"
        ):
            Attention(HEADS).init(jax.random.key(0), x, EVALUATION, mask=jnp.ones(shape, bool))
    for kind in ("learned", "sinusoidal", "rotary"):
        with pytest.raises(
            UserError, match=r"a sequence of 5 positions is longer than the context of 4"
        ):
            Positions(kind, 4).init(jax.random.key(0), x)


# Positions
# --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [2, 8, 9])
def test_rotary_products_depend_on_the_distance_alone(width: int) -> None:
    """q·k depends on the distance alone; 1e-5: float32 angles up to 64 lose a digit."""
    q, k = normal(1, 1, 2, width), normal(1, 1, 2, width, seed=1)

    def product(at_query: int, at_key: int) -> np.ndarray:
        turned = rotated(q, jnp.array([at_query])), rotated(k, jnp.array([at_key]))
        return np.asarray(jnp.einsum("bthd,bthd->h", *turned))

    np.testing.assert_allclose(product(0, 0), np.einsum("bthd,bthd->h", q, k), rtol=1e-6)
    for distance in (-3, 0, 4):
        for place in (5, 20, 60):
            np.testing.assert_allclose(
                product(place, place + distance), product(3, 3 + distance), rtol=1e-5, atol=1e-6
            )
    assert not np.allclose(product(0, 1), product(0, 2), rtol=1e-3)


def test_rotary_turns_each_pair_by_its_own_angle() -> None:
    """Two units at place 3: by 3 radians; the second of two pairs by 3/100."""
    x = jnp.array([1.0, 1, 0, 0]).reshape(1, 1, 1, 4)  # pairs (0, 2) and (1, 3)
    expected = [np.cos(3), np.cos(0.03), np.sin(3), np.sin(0.03)]
    np.testing.assert_allclose(rotated(x, jnp.array([3]))[0, 0, 0], expected, rtol=1e-6)


def test_sinusoidal_positions_by_hand() -> None:
    """sin and cos of position / 10000**(i/d); 1e-5: float32 powers and sines."""
    table = sinusoidal(4, 4)
    np.testing.assert_allclose(table[0], [0, 1, 0, 1])
    np.testing.assert_allclose(
        table[3], [np.sin(3), np.cos(3), np.sin(0.03), np.cos(0.03)], rtol=1e-5
    )
    assert sinusoidal(4, 5).shape == (4, 5)


def test_learned_positions_start_where_they_are_told() -> None:
    x = normal(2, 3, 4)
    whole, variables = Positions("learned", 8).init_with_output(
        jax.random.key(0), jnp.zeros((2, 8, 4))
    )
    table = variables["params"]["embedding"]
    assert table.shape == (8, 4)
    np.testing.assert_array_equal(whole[0], table)
    np.testing.assert_array_equal(
        Positions("learned", 8).apply(variables, x, jnp.int32(2)), x + table[2:5]
    )


# Tokens
# -----------------------------------------------------------------------------------------------


def test_tied_tokens_are_the_heads_kernel() -> None:
    """Embedding is a column of the head's kernel, exactly; logits within 1e-5, a float32
    product."""
    tokens = Tokens(5, 3, tied=True)
    variables = tokens.init(jax.random.key(0), jnp.zeros((1, 1), jnp.int32), method="embed")
    kernel = np.asarray(variables["params"]["kernel"])
    assert kernel.shape == (3, 5)
    x = jnp.array([[4, 0, -1]])
    np.testing.assert_array_equal(
        tokens.apply(variables, x, method="embed")[0], kernel.T[[4, 0, 0]]
    )
    np.testing.assert_allclose(
        tokens.apply(variables, normal(1, 2, 3), method="logits"), normal(1, 2, 3) @ kernel, 1e-5
    )
    untied = Tokens(5, 3).init(jax.random.key(0), x, method="embed")
    assert jax.tree.map(jnp.shape, untied["params"]) == {"embedding": (5, 3)}
