"""Collect: the head of an update, which makes its batch."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from research import rng
from research.tasks.objectives.turn import Keys, Policy
from research.training.devices import batch_layout
from research.training.setup import program as program_lib
from research.training.setup.program import Program
from research.training.step import network
from research.training.step.state import Lane, LaneState, Tree, Variables


def collect(
    program: Program,
    state: LaneState,
    lane: Lane,
    rows: dict[str, jax.Array],
    axis: str | None = None,
) -> tuple[LaneState, dict[str, Any]]:
    """The batch of an update, and the state after it was made.

    By default it is the rows that were gathered. A learner in an environment steps it here, so that
    a rollout and its update are one compiled program.

    Args:
        program: what the lanes have in common.
        state: the lane's state.
        lane: the lane's inputs.
        rows: the gathered rows of the step; of an environment only the learning rate's factor.
        axis: the mapped axis, if each device has a share of the batch.
    """
    game = program_lib.game_of(program.config.objective, lane.hparams)
    if game.collect is None:
        return state, rows
    # Every device steps all environments, so that all end with one state; each takes its examples.
    keys = _keys(lane, state.step, program.environments)
    policy = _policy(program, lane, state.variables)
    world, examples = game.collect(program.world(lane), policy, state.world, keys)
    x, masks = _share(program, examples, axis)
    return dataclasses.replace(state, world=world), {**rows, "x": x, **masks}


def initial_world(program: Program, lane: Lane) -> Tree:
    """The environments before the first step, leaves [environments, ...]; None without any."""
    if program.game.collect is None:
        return None
    keys = _keys(lane, 0, program.environments).of_examples("reset")
    return jax.vmap(program.world(lane).reset)(keys)


def evaluate_episodes(
    program: Program, variables: Variables, lane: Lane, episodes: jax.Array
) -> dict[str, jax.Array]:
    """What the objective measures in episodes, [B] by name.

    Args:
        program: what the lanes have in common.
        variables: the lane's variables.
        lane: the lane's inputs.
        episodes: their numbers, int32 [B]. All runs play the same episodes, so that what differs
            between runs is not luck.
    """
    game = program_lib.game_of(program.config.objective, lane.hparams)
    assert game.evaluate is not None
    keys = rng.per_example(rng.stream(0, "evaluation"), episodes)
    policy = _policy(program, lane, variables)
    return game.evaluate(program.world(lane), policy, keys)


def _policy(program: Program, lane: Lane, variables: Variables) -> Policy:
    """The network in evaluation: observations [B, ...] -> outputs [B, K]."""
    return lambda observations: network.predict(program, variables, lane, observations)


def _keys(lane: Lane, step: jax.Array | int, count: int) -> Keys:
    """The random keys of collecting a batch in `count` environments."""

    def of_batch(name: str) -> jax.Array:
        return rng.at(lane.noise_seed, f"collect/{name}", step)

    return Keys(of_batch, lambda name: rng.per_example(of_batch(name), jnp.arange(count)))


def _share(program: Program, examples: Tree, axis: str | None) -> tuple[Tree, dict[str, jax.Array]]:
    """This device's examples of a batch that every device has, and the masks of batch_layout."""
    devices = 1 if axis is None else jax.lax.axis_size(axis)
    place = 0 if axis is None else jax.lax.axis_index(axis)
    batch = program.sizes.batch
    every = batch_layout.example_positions(batch, program.parts, devices)
    if every.shape == (1, batch):
        return examples, {}
    positions = jnp.asarray(every)[place]
    masks = {"index": positions}
    if every.size > batch:
        masks["weight"] = (positions < batch).astype(program.dtype)
    chosen = jnp.minimum(positions, batch - 1)
    return jax.tree.map(lambda leaf: leaf[chosen], examples), masks
