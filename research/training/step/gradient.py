"""The gradient of an update: what is minimised, and its derivative, accumulated over a batch."""

import dataclasses
import functools
import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from research import param_tree, rng
from research.kernels import kernel_leaves, map_kernels_with_key
from research.models.layers.forward import Forward
from research.models.layers.sites import SITE
from research.tasks.objectives.game import Player
from research.tasks.objectives.turn import Apply, ForwardPass, Keys, PlayerBatch
from research.training.setup import program as program_lib
from research.training.setup.program import Program
from research.training.step import network, objective
from research.training.step.augment import AugmentedBatch
from research.training.step.state import Lane, LaneState, Tree


class LossResult(NamedTuple):
    """What a player's loss leaves beside its gradient.

    batch_stats: the network's running statistics after the pass. outputs: [B, ..., K], or None.
    loss: of the global batch without penalties, []. metrics: likewise, those of the objective.
    """

    batch_stats: Tree
    outputs: Any
    loss: jax.Array
    metrics: dict[str, jax.Array]


def loss_and_gradient(
    program: Program,
    player: Player,
    state: LaneState,
    lane: Lane,
    batch: AugmentedBatch,
    params: Tree,
) -> tuple[LossResult, Tree]:
    """A player's loss of the global batch and its gradient, accumulated over the parts of the
    batch.

    Args:
        program: what the lanes have in common.
        player: the player.
        state: the lane's state, with the parameters of the other players.
        lane: the lane's inputs.
        batch: the examples.
        params: the player's parameters, where the gradient is taken; None in the places of others.

    Returns:
        The loss with what it leaves, and the gradient.
    """
    count = program.config.accumulate

    def differentiate(part: AugmentedBatch) -> tuple[LossResult, Tree]:
        # Each device differentiates its share of the objective. What flows back through a sum over
        # devices is summed over them too, so the devices' gradients add up to the objective's.
        objective_of = functools.partial(player_loss, program, player, state, lane, part)
        (_, result), grads = jax.value_and_grad(objective_of, has_aux=True)(params)
        return result, grads

    def summed(result: LossResult, grads: Tree) -> tuple[LossResult, Tree]:
        shares = (result.loss, result.metrics, grads)
        loss, metrics, gradient = _over(shares, batch.fwd.axis)
        gradient = param_tree.zero_where(program.config.freeze, gradient)
        return result._replace(loss=loss, metrics=metrics), gradient

    if count == 1:
        return summed(*differentiate(batch))

    def add(total: Tree, rows: Tree) -> Any:
        index, weight, shares, x, targets = rows
        # Totals stay the whole batch's, so that the parts' losses add up to its mean.
        fwd = dataclasses.replace(batch.fwd, index=index, weight=weight, shares=shares)
        part = batch._replace(fwd=fwd, x=x, targets=targets)
        result, grads = differentiate(part)
        total = jax.tree.map(jnp.add, total, (result.loss, grads))
        return total, (result.batch_stats, result.outputs, result.metrics)

    whole = batch.fwd.index, batch.fwd.weight, batch.fwd.shares, batch.x, batch.targets
    rows = jax.tree.map(lambda leaf: leaf.reshape(count, -1, *leaf.shape[1:]), whole)
    zeros = jnp.zeros((), program.dtype), jax.tree.map(jnp.zeros_like, params)
    # Scanned, so that the activations of only one part are in memory (unless it is unrolled).
    unroll = _slow_in_loops(state.variables.params)
    (loss, grads), (stats, outputs, metrics) = jax.lax.scan(add, zeros, rows, unroll=unroll)
    result = LossResult(
        batch_stats=_mean_stats(batch.fwd, stats, count),
        outputs=jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), outputs),
        loss=loss,
        metrics=jax.tree.map(lambda leaf: leaf.sum(axis=0), metrics),
    )
    return summed(result, grads)


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


def player_loss(
    program: Program,
    player: Player,
    state: LaneState,
    lane: Lane,
    batch: AugmentedBatch,
    params: Tree,
) -> tuple[jax.Array, LossResult]:
    """This pass's share of what a player minimises: its loss, and the penalties.

    Args:
        program: the lane's program.
        player: who owns `params`.
        state: the lane's state.
        lane: its inputs.
        batch: the augmented examples of this pass.
        params: the player's parameters.

    Returns:
        The share with the penalties, and the share without them beside what the pass leaves.
    """
    everyone = param_tree.merge(params, state.variables.params)
    kernels = network.joined_kernels(program, lane, everyone)
    # Penalties are of the kernels themselves, so noise goes into a copy that only the network sees.
    noisy = kernels
    for member in program.members("parameters", "kernels"):
        key = rng.at(lane.noise_seed, f"{member.name}{player.suffix}", state.step)
        noisy = map_kernels_with_key(program_lib.regularizer(member, lane), noisy, key)

    # All parts on all devices have the same parameters, so each takes its share of what is only
    # theirs.
    fwd = batch.fwd
    passes = program.config.accumulate * (1 if fwd.axis is None else jax.lax.axis_size(fwd.axis))

    def once(value: jax.Array) -> jax.Array:
        return value if passes == 1 else value / passes

    examples = PlayerBatch(
        x=batch.x,
        targets=batch.targets,
        losses=lambda outputs: objective.losses(program, outputs, batch.targets),
        mean=fwd.loss,
        once=once,
    )
    keys = _keys(player, state, lane, fwd)
    game = program_lib.game_of(program.config.objective, lane.hparams)
    apply = _network(program, player, state, lane, fwd)
    loss, aux = game.loss(player.name, apply, noisy, examples, keys)
    forward = aux.forward
    penalty = jnp.zeros(()) if forward is None else forward.penalty
    for member in program.members("loss", "kernels"):
        amount = program_lib.regularizer(member, lane)
        owned = kernel_leaves(param_tree.select(player.owns, kernels))
        penalty = penalty + once(sum(amount(w) for w in owned))
    result = LossResult(
        batch_stats=state.variables.batch_stats if forward is None else forward.batch_stats,
        outputs=None if forward is None else forward.outputs,
        loss=loss,
        metrics=aux.metrics,
    )
    return loss + penalty, result


def _network(program: Program, player: Player, state: LaneState, lane: Lane, fwd: Forward) -> Apply:
    """The network in training, as the losses of the player apply it."""
    names = [member.name for member in program.members("activations")] + list(network.LAYER_STREAMS)
    numbers = itertools.count()

    def apply(
        params: Tree, *inputs: Any, method: str | None = None, batch_stats: Tree = None
    ) -> ForwardPass:
        statistics = state.variables.batch_stats if batch_stats is None else batch_stats
        # Each pass of an update has draws of its own; the first has those of the update.
        number = next(numbers)
        suffix = player.suffix + (f"/{number}" if number else "")
        keys = {name: rng.at(lane.noise_seed, name + suffix, state.step) for name in names}

        def run(params: Tree, *inputs: Any) -> Any:
            return program.model.apply(
                {"params": params, "batch_stats": statistics},
                *inputs,
                fwd,
                rngs=keys,
                mutable=["batch_stats", "penalties"],
                method=method,
            )

        # Activations are recomputed in the backward pass; only the sites' values are stored.
        if program.config.remat:
            run = jax.checkpoint(run, policy=jax.checkpoint_policies.save_only_these_names(SITE))
        outputs, collections = run(*network.cast_to_compute(program, (params, *inputs)))
        # Under bfloat16 the loss is still computed in float32: a mean of many small terms would
        # round.
        return ForwardPass(
            outputs=jax.tree.map(lambda leaf: leaf.astype(program.dtype), outputs),
            batch_stats=collections.get("batch_stats", statistics),
            penalty=sum(jax.tree.leaves(collections.get("penalties", {})), start=jnp.zeros(())),
        )

    return apply


def _keys(player: Player, state: LaneState, lane: Lane, fwd: Forward) -> Keys:
    """The random keys of an update of the player."""

    def of_batch(name: str) -> jax.Array:
        return rng.at(lane.noise_seed, f"objective/{name}{player.suffix}", state.step)

    return Keys(of_batch, lambda name: fwd.example_keys(of_batch(name)))


def _over(tree: Tree, axis: str | None) -> Tree:
    """The sum over the devices of the axis."""
    return tree if axis is None else jax.lax.psum(tree, axis)
