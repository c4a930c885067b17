"""Statistics: those of batch norm for averaged parameters, recomputed from training rows.

An average of parameters has other activations than the parameters that it averages, so the average
of their running statistics does not fit it. PyTorch's `update_bn` does the same for its averages.

Reference: Izmailov et al., Averaging weights leads to wider optima and better generalization, 2018.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict

from research.training.setup.program import Program, regularizer
from research.training.step import network, update
from research.training.step.state import Lane, LaneState, Tree, Variables


def are_recomputed(program: Program) -> bool:
    """Whether the program evaluates averaged parameters with statistics of their own."""
    return _are_asked_for(program) and has_one_network(program)


def notes(program: Program) -> Iterator[str]:
    """What a reader must know where the statistics that are asked for cannot be recomputed."""
    if not _are_asked_for(program) or has_one_network(program):
        return
    why = "several players call the network"
    if program.spec.inputs.collected:
        why = "an environment has no training rows"
    yield (
        f"{why}, so the statistics of batch norm are averaged as the parameters are, and not"
        " recomputed (statistics=averaged)"
    )


def _are_asked_for(program: Program) -> bool:
    asked = any(
        dict(member.options).get("statistics") == "recomputed"
        for member in program.members("average")
    )
    return asked and any(member.name == "batch_norm" for member in program.members("normalization"))


def has_one_network(program: Program) -> bool:
    """Whether the network reads the rows as they are: several players call it in ways that only
    their losses know, and an environment has no rows."""
    return len(program.game.players) == 1 and not program.spec.inputs.collected


def is_average(program: Program, lane: Lane, steps: Any) -> jax.Array:
    """Whether what is evaluated after so many steps [] is an average, and not the parameters
    themselves; bool [].

    Args:
        program: the lane's program, with an average.
        lane: its inputs, with its numbers.
        steps: updates so far.
    """
    (member,) = program.members("average")
    # The share of the latest parameters in the average: all of it means that there is no other.
    share = regularizer(member, lane)(jnp.zeros(()), jnp.ones(()), steps - 1, program.steps)
    return share < 1


def of_batch(
    program: Program, axis: str | None, state: LaneState, lane: Lane, batch: dict[str, jax.Array]
) -> Tree:
    """The statistics of the averaged parameters in one batch.

    Args:
        program: what the lanes have in common.
        axis: the mapped axis, if each device has a share of the batch.
        state: the lane's state.
        lane: the lane's inputs.
        batch: x [B, ...], raw; and weight [B], where there is padding.
    """
    variables = update.evaluated_variables(program, state, lane)
    return network.recomputed_statistics(
        program, variables, lane, batch["x"], weight=batch.get("weight"), axis=axis
    )


def put(
    program: Program, state: LaneState, lane: Lane, total: Tree, batches: jax.Array
) -> LaneState:
    """The state whose averaged variables have the mean of the batches' statistics, where they are
    an average.

    Args:
        program: what the lanes have in common.
        state: the lane's state.
        lane: the lane's inputs.
        total: the sum of `of_batch` over the batches.
        batches: how many, [].
    """
    assert state.mean is not None
    averaged = flatten_dict(state.mean.batch_stats)
    average = is_average(program, lane, state.step)
    for name, value in flatten_dict(total).items():
        averaged[name] = jnp.where(average, value / batches, averaged[name])
    mean = Variables(state.mean.params, unflatten_dict(averaged))
    return dataclasses.replace(state, mean=mean)
