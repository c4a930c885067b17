"""The gradient of an update: what is minimised, and its derivative, accumulated over a batch."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp

from research import rng
from research.kernels import kernel_leaves, map_kernels_with_key
from research.models.layers.forward import Forward
from research.models.layers.sites import SITE
from research.training.setup import program as program_lib
from research.training.setup.program import Program
from research.training.step import network, objective, param_tree
from research.training.step.state import Lane, LaneState, Tree


def loss_and_gradient(
    program: Program,
    state: LaneState,
    lane: Lane,
    params: Tree,
    fwd: Forward,
    x: jax.Array,
    targets: jax.Array,
) -> tuple[tuple[Tree, jax.Array, jax.Array], Tree]:
    """The loss of the global batch and its gradient, accumulated over the parts of the batch.

    Args:
        program: what the lanes have in common.
        state: the lane's state.
        lane: the lane's inputs.
        params: where the gradient is taken.
        fwd: which rows of the global batch this device has.
        x: the network's inputs, [B, ...].
        targets: the encoded targets, [B, ..., C].

    Returns:
        (batch statistics, outputs [B, ..., K], the loss without penalties []), and the gradient.
    """
    count = program.config.accumulate

    def differentiate(fwd: Forward, x: jax.Array, targets: jax.Array) -> Any:
        # Each device differentiates its share of the objective. What flows back through a sum over
        # devices is summed over them too, so the devices' gradients add up to the objective's.
        objective_of = functools.partial(_objective, program, state, lane, fwd)
        (_, auxiliary), grads = jax.value_and_grad(objective_of, has_aux=True)(params, x, targets)
        return auxiliary, grads

    if count == 1:
        (stats, outputs, loss), gradient = differentiate(fwd, x, targets)
        loss, gradient = _over((loss, gradient), fwd.axis)
        return (stats, outputs, loss), param_tree.zero_where(program.config.freeze, gradient)

    def add(total: Tree, rows: Tree) -> Any:
        index, weight, shares, x, targets = rows
        # Totals stay the whole batch's, so that the parts' losses add up to its mean.
        part = dataclasses.replace(fwd, index=index, weight=weight, shares=shares)
        (stats, outputs, loss), grads = differentiate(part, x, targets)
        return jax.tree.map(jnp.add, total, (loss, grads)), (stats, outputs)

    whole = fwd.index, fwd.weight, fwd.shares, x, targets
    rows = jax.tree.map(lambda leaf: leaf.reshape(count, -1, *leaf.shape[1:]), whole)
    zeros = jnp.zeros((), program.dtype), jax.tree.map(jnp.zeros_like, params)
    # Scanned, so that the activations of only one part are in memory (unless it is unrolled).
    total, (stats, outputs) = jax.lax.scan(add, zeros, rows, unroll=_slow_in_loops(params))
    loss, gradient = _over(total, fwd.axis)
    gradient = param_tree.zero_where(program.config.freeze, gradient)
    return (_mean_stats(fwd, stats, count), outputs.reshape(-1, *outputs.shape[2:]), loss), gradient


def _slow_in_loops(params: Tree) -> bool:
    """Whether the network convolves on a CPU, where a convolution in a loop is several times
    slower.

    The loop is then unrolled. XLA schedules its parts side by side, so they save no memory.
    """
    return jax.default_backend() == "cpu" and any(w.ndim > 2 for w in kernel_leaves(params))


def _mean_stats(fwd: Forward, stats: Tree, parts: int) -> Tree:
    """The mean of the parts' batch statistics [parts, ...], weighted by their real examples."""
    if fwd.weight is None:
        return jax.tree.map(lambda leaf: leaf.mean(axis=0), stats)
    shares = _over(fwd.weight.reshape(parts, -1).sum(axis=1), fwd.axis) / fwd.total
    return jax.tree.map(lambda leaf: jnp.tensordot(shares, leaf, 1), stats)


def _objective(
    program: Program,
    state: LaneState,
    lane: Lane,
    fwd: Forward,
    params: Tree,
    x: jax.Array,
    targets: jax.Array,
) -> tuple[jax.Array, tuple[Any, ...]]:
    """This pass's share of what is minimised: the loss of its examples and the penalties.

    Returns:
        The share, and (batch statistics, outputs [B, ..., K], its share of the loss alone).
    """
    kernels = network.joined_kernels(program, lane, params)
    # Penalties are of the kernels themselves, so noise goes into a copy that only the network sees.
    noisy = kernels
    for member in program.members("parameters", "kernels"):
        key = rng.at(lane.seed, member.name, state.step)
        noisy = map_kernels_with_key(program_lib.regularizer(member, lane), noisy, key)

    names = [member.name for member in program.members("activations")] + list(network.LAYER_STREAMS)

    def apply(params: Tree, x: jax.Array) -> tuple[jax.Array, dict[str, Tree]]:
        return program.model.apply(  # type: ignore[return-value]
            {"params": params, "batch_stats": state.variables.batch_stats},
            x,
            fwd,
            rngs={name: rng.at(lane.seed, name, state.step) for name in names},
            mutable=["batch_stats", "penalties"],
        )

    # Activations are recomputed in the backward pass; only the sites' values are stored.
    if program.config.remat:
        apply = jax.checkpoint(apply, policy=jax.checkpoint_policies.save_only_these_names(SITE))
    outputs, collections = apply(*network.cast_to_compute(program, (noisy, x)))
    # Under bfloat16 the loss is still computed in float32: a mean of many small terms would round.
    outputs = outputs.astype(program.dtype)
    loss = fwd.loss(objective.losses(program, outputs, targets))
    penalty = sum(jax.tree.leaves(collections.get("penalties", {})), start=jnp.zeros(()))
    # All parts on all devices have the same kernels, so each takes its share of their penalty.
    passes = program.config.accumulate * (1 if fwd.axis is None else jax.lax.axis_size(fwd.axis))
    for member in program.members("loss", "kernels"):
        amount = program_lib.regularizer(member, lane)
        of_kernels = sum(amount(w) for w in kernel_leaves(kernels))
        penalty = penalty + (of_kernels if passes == 1 else of_kernels / passes)
    return loss + penalty, (
        collections.get("batch_stats", state.variables.batch_stats),
        outputs,
        loss,
    )


def _over(tree: Tree, axis: str | None) -> Tree:
    """The sum over the devices of the axis."""
    return tree if axis is None else jax.lax.psum(tree, axis)
