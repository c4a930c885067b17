"""Batch normalization against PyTorch's, in training and in evaluation."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import research.catalogue  # noqa: F401
from research.models.layers.forward import Forward
from research.regularization.normalization import EPSILON
from research.regularization.normalization import batch_norm as built
from tests.models.torch_weights import batch_norm, channels_first, channels_last, normal

MOMENTUM, BATCHES, CHANNELS = 0.8, 5, 3
SHAPES = {"images": (4, 5, 6, CHANNELS), "vectors": (7, CHANNELS)}
TRAINING, EVALUATION = Forward(train=True), Forward()


def batches(shape: tuple[int, ...]) -> list[np.ndarray]:
    """Batches each with a mean and a scale of its own."""
    return [(1 + place) * normal(*shape, seed=place) + place for place in range(BATCHES)]


def pair(shape: tuple[int, ...]) -> tuple[Any, Any]:
    """PyTorch's layer, whose momentum is the share of what is new, and our variables with its
    weights."""
    theirs = (torch.nn.BatchNorm2d if len(shape) == 4 else torch.nn.BatchNorm1d)(
        CHANNELS, EPSILON, 1 - MOMENTUM
    )
    torch.manual_seed(0)
    for weight in theirs.parameters():
        torch.nn.init.normal_(weight)
    stats = {"mean": jnp.zeros(CHANNELS), "var": jnp.ones(CHANNELS)}
    return theirs, {
        "params": {"BatchNorm_0": batch_norm(theirs)},
        "batch_stats": {"BatchNorm_0": stats},
    }


@pytest.mark.parametrize("kind", SHAPES)
def test_outputs_and_running_statistics_are_pytorchs(kind: str) -> None:
    """After several batches, and then in evaluation.

    By definition the running variances differ: ours averages the batch's own variance, over its n
    values, PyTorch's the unbiased one, n / (n - 1) times as large. What both have of their common
    start, 1, shrinks alike.
    """
    shape, layer = SHAPES[kind], built(MOMENTUM)
    theirs, variables = pair(shape)
    for x in batches(shape):
        expected = theirs(channels_first(x))
        got, changed = layer.apply(variables, x, TRAINING, mutable=["batch_stats"])
        variables = {**variables, **changed}
        np.testing.assert_allclose(got, channels_last(expected), rtol=1e-5, atol=1e-5)
    stats = variables["batch_stats"]["BatchNorm_0"]
    np.testing.assert_allclose(stats["mean"], theirs.running_mean, rtol=1e-5, atol=1e-5)
    values, start = np.prod(shape[:-1]), MOMENTUM**BATCHES
    unbiased = (stats["var"] - start) * values / (values - 1) + start
    np.testing.assert_allclose(unbiased, theirs.running_var, rtol=1e-5)

    theirs.eval()
    theirs.running_var.copy_(torch.tensor(np.asarray(stats["var"])))
    x = normal(*shape, seed=9)
    got = layer.apply(variables, x, EVALUATION)
    np.testing.assert_allclose(got, channels_last(theirs(channels_first(x))), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("train", [True, False], ids=["training", "evaluation"])
def test_gradients_are_pytorchs(train: bool) -> None:
    """Gradients are PyTorch's; 1e-5 is float32 rounding of sums in another order."""
    shape, weights = SHAPES["images"], normal(*SHAPES["images"], seed=3)
    theirs, variables = pair(shape)
    theirs.train(train)
    x = normal(*shape)
    leaf = channels_first(x).requires_grad_()
    (theirs(leaf) * channels_first(weights)).sum().backward()

    def ours(params: Any, x: jax.Array) -> jax.Array:
        fwd = TRAINING if train else EVALUATION
        y, _ = built(MOMENTUM).apply(
            {**variables, "params": params}, x, fwd, mutable=["batch_stats"]
        )
        return jnp.sum(y * weights)

    params, inputs = jax.grad(ours, (0, 1))(variables["params"], x)
    np.testing.assert_allclose(inputs, channels_last(leaf.grad), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        params["BatchNorm_0"]["scale"], theirs.weight.grad, rtol=1e-5, atol=1e-5
    )
    np.testing.assert_allclose(
        params["BatchNorm_0"]["bias"], theirs.bias.grad, rtol=1e-5, atol=1e-5
    )


def test_a_frozen_one_normalizes_by_its_running_statistics() -> None:
    """As PyTorch's in `eval()` and Keras's with `trainable=False`: in training it is what it is in
    evaluation."""
    shape = SHAPES["images"]
    x, variables = normal(*shape), pair(shape)[1]
    stats = {"BatchNorm_0": {"mean": jnp.arange(3.0), "var": jnp.array([1.0, 4.0, 9.0])}}
    variables = {**variables, "batch_stats": stats}
    frozen = dataclasses.replace(TRAINING, frozen="^BatchNorm_0/")
    got, changed = built(MOMENTUM).apply(variables, x, frozen, mutable=["batch_stats"])
    np.testing.assert_array_equal(got, built(MOMENTUM).apply(variables, x, EVALUATION))
    for name, value in changed["batch_stats"]["BatchNorm_0"].items():
        np.testing.assert_array_equal(value, stats["BatchNorm_0"][name])
