"""Blocks of a transformer: PyTorch's outputs with its weights, counts, and where regularizers find
their places."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import research.catalogue  # noqa: F401
from research.models.layers.attention import causal, padding
from research.models.layers.blocks import Block, CrossBlock, FeedForward, pooled
from research.models.layers.forward import Forward
from research.models.layers.transformer_config import TransformerConfig, with_transformer_options
from tests.models.torch_weights import attention_params, dense, normal
from tests.support.networks import EVALUATION, outputs, started

B, T, S, D, HEADS, HIDDEN = 3, 5, 7, 12, 4, 20
REAL = np.arange(S) < np.array([[7], [4], [2]])


def config(**options: Any) -> TransformerConfig:
    return TransformerConfig(
        **{
            "layers": 1,
            "heads": HEADS,
            "width": D,
            "hidden": HIDDEN,
            "activation": "relu",
            **options,
        }
    )


def randomized(layer: torch.nn.Module) -> None:
    torch.manual_seed(0)
    for weight in layer.parameters():
        torch.nn.init.normal_(weight, std=0.4)


def norm(theirs: torch.nn.LayerNorm) -> Any:
    return {"scale": theirs.weight.detach().numpy(), "bias": theirs.bias.detach().numpy()}


@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_an_encoder_layer_is_pytorchs(order: str, activation: str) -> None:
    """Outputs are PyTorch's under each mask; 1e-5 is float32 rounding of sums in another order."""
    theirs = torch.nn.TransformerEncoderLayer(
        D, HEADS, HIDDEN, 0.0, activation, batch_first=True, norm_first=order == "pre"
    )
    randomized(theirs)
    params = {
        "attention": attention_params(theirs.self_attn),
        "mlp": {"Dense_0": dense(theirs.linear1), "Dense_1": dense(theirs.linear2)},
        "LayerNorm_0": norm(theirs.norm1),
        "LayerNorm_1": norm(theirs.norm2),
    }
    x = normal(B, S, D)
    block = Block(config(order=order, activation=activation), 1)
    for mask, theirs_mask in (
        (None, {}),
        (padding(REAL), {"src_key_padding_mask": torch.tensor(~REAL)}),
        (causal(S), {"src_mask": torch.tensor(~np.asarray(causal(S))[0])}),
    ):
        expected = theirs(torch.tensor(x), **theirs_mask).detach().numpy()
        got = block.apply({"params": params}, x, EVALUATION, mask=mask)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("order", ["pre", "post"])
def test_a_decoder_layer_is_pytorchs(order: str) -> None:
    """Outputs are PyTorch's; 1e-5 is float32 rounding of sums in another order."""
    theirs = torch.nn.TransformerDecoderLayer(
        D, HEADS, HIDDEN, 0.0, batch_first=True, norm_first=order == "pre"
    )
    randomized(theirs)
    params = {
        "attention": attention_params(theirs.self_attn),
        "cross_attention": attention_params(theirs.multihead_attn, cross=True),
        "mlp": {"Dense_0": dense(theirs.linear1), "Dense_1": dense(theirs.linear2)},
        **{f"LayerNorm_{i}": norm(getattr(theirs, f"norm{i + 1}")) for i in range(3)},
    }
    x, memory = normal(B, T, D), normal(B, S, D, seed=1)
    expected = theirs(
        torch.tensor(x),
        torch.tensor(memory),
        tgt_mask=torch.tensor(~np.asarray(causal(T))[0]),
        memory_key_padding_mask=torch.tensor(~REAL),
    )
    got = CrossBlock(config(order=order), 1).apply(
        {"params": params}, x, memory, EVALUATION, mask=causal(T), memory_mask=padding(REAL)
    )
    np.testing.assert_allclose(got, expected.detach().numpy(), rtol=1e-5, atol=1e-5)


def test_swiglu_by_hand() -> None:
    """(silu(x W) · x V) U, with W and V in one kernel."""
    x, kernel, last = normal(1, 2, 4), normal(4, 6, seed=1), normal(3, 4, seed=2)
    params = {"Dense_0": {"kernel": kernel}, "Dense_1": {"kernel": last}}
    mlp = FeedForward(config(width=4, hidden=3, activation="silu", gated=True, bias=False), 2)
    h = x @ kernel
    expected = (h[..., :3] / (1 + np.exp(-h[..., :3])) * h[..., 3:]) @ last
    np.testing.assert_allclose(mlp.apply({"params": params}, x, EVALUATION), expected, rtol=1e-5)


def test_a_gated_mlp_has_as_many_weights() -> None:
    assert (
        3 * TransformerConfig(width=384, gated=True).mlp_width
        == 2 * TransformerConfig(width=384).mlp_width
    )
    assert TransformerConfig(width=12, hidden=5, gated=True).mlp_width == 5


@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_the_normalization_is_pytorchs(kind: str) -> None:
    """Outputs are PyTorch's; 1e-5 is float32 rounding of sums in another order."""
    x = 3 + 2 * normal(B, T, D)
    theirs = torch.nn.LayerNorm(D) if kind == "layer" else torch.nn.RMSNorm(D, eps=1e-5)
    got, variables = (
        TransformerConfig(norm=kind).normalization().init_with_output(jax.random.key(0), x)
    )
    np.testing.assert_allclose(got, theirs(torch.tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-5)
    assert set(variables["params"]) == ({"scale", "bias"} if kind == "layer" else {"scale"})


def test_kernels_that_end_branches_start_smaller() -> None:
    """GPT-2's deviations; 2 % is seven standard errors of the smallest kernel, of 65,536 values."""
    block = Block(TransformerConfig(layers=8, heads=4, width=256), 1)
    params = started(block, jnp.zeros((1, 1, 256)))["params"]
    for kernel, sd in (
        (params["attention"]["qkv"], 0.02),
        (params["attention"]["out"], 0.02 / 4),
        (params["mlp"]["Dense_0"], 0.02),
        (params["mlp"]["Dense_1"], 0.02 / 4),
    ):
        assert float(np.std(kernel["kernel"])) == pytest.approx(sd, rel=0.02)


def test_stochastic_depth_drops_a_branch_at_its_place() -> None:
    """At a rate of 1/2, branch i of 4 is dropped with probability i/8; both kinds, by example."""
    rate = 0.5
    fwd = Forward(
        train=True,
        members=(("stochastic_depth", ()),),
        values={"stochastic_depth": {"rate": jnp.float32(rate)}},
        index=jnp.arange(4000),
    )
    two = TransformerConfig(
        layers=2, heads=1, width=2, hidden=1, order="pre", activation="identity", gated=False
    )
    for number in (1, 2):
        block = Block(two, number)
        params = jax.tree.map(jnp.zeros_like, started(block, jnp.zeros((1, 1, 2)))["params"])
        params["attention"]["out"]["bias"] = jnp.array([1.0, 0])
        params["mlp"]["Dense_1"]["bias"] = jnp.array([0, 1.0])
        rngs = {"stochastic_depth": jax.random.key(number)}
        out = np.asarray(
            outputs(block, {"params": params}, jnp.zeros((4000, 1, 2)), fwd, rngs=rngs)
        )[:, 0]
        for branch in (0, 1):
            dropped = rate * (2 * number - 1 + branch) / 4
            values, counts = np.unique(out[:, branch], return_counts=True)
            np.testing.assert_allclose(values, [0, 1 / (1 - dropped)], rtol=1e-6)
            assert abs(counts[0] / 4000 - dropped) < 5 * (dropped * (1 - dropped) / 4000) ** 0.5


def test_the_mean_over_real_places() -> None:
    """The mean of the places that are no padding, within float32 rounding."""
    x = normal(3, S, 2)
    got = pooled(x, REAL)
    for row, length in enumerate((7, 4, 2)):
        np.testing.assert_allclose(got[row], x[row, :length].mean(axis=0), rtol=1e-5, atol=1e-6)
    assert not np.asarray(pooled(x, np.zeros((3, S), bool))).any()


def test_options_of_a_design_are_flat() -> None:
    build, options = with_transformer_options(lambda config, outputs=1: config, bias=False)
    assert {o.name: o.default for o in options}["bias"] is False
    assert build().bias is False
    assert build(bias=True, width=8) == TransformerConfig(width=8)
