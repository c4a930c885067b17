"""The end of an epoch of one lane: its row of the curves, and what the next epoch starts with."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from research import param_tree
from research.optim import plateau
from research.training.checkpoint.checksum import checksum
from research.training.setup import program as program_lib
from research.training.setup.program import Program
from research.training.step import means, objective, update
from research.training.step.state import Lane, LaneState, Tree


def end_epoch(
    program: Program, state: LaneState, lane: Lane, evaluated: dict[str, jax.Array], y: jax.Array
) -> tuple[LaneState, dict[str, Any]]:
    """Ends an epoch of one lane.

    A run diverges here if its last update left parameters or statistics that are not finite. No
    loss shows that before the next update, and the last update of a training has no next.

    Args:
        program: what the lanes have in common.
        state: the lane's state after the epoch's updates.
        lane: the lane's inputs.
        evaluated: what `evaluate_examples` returned for the validation rows, leaves [V, ...]; empty
            without such rows.
        y: their labels, [V, ...].

    Returns:
        The state that the next epoch starts with, and the curves' row by name.
    """
    row: dict[str, Any] = {
        f"train/{name}": mean for name, mean in means.of_epoch(program, state.sums).items()
    }
    # Of uneven folds the rows that are missing do not count.
    real = lane.validation >= 0 if program.sizes.uneven else None
    of_split: dict[str, jax.Array] = {}
    if "scores" in evaluated:
        scores = evaluated["scores"]
        targets = objective.loss_targets(program, lane, y)
        if lane.offset is not None:
            offset = lane.offset[lane.validation]
            scores = scores + offset
            targets = objective.residuals(program, lane, targets, offset)
        counted = jnp.ones(len(scores), bool) if real is None else real
        of_split = {
            f"validation/{name}": program.problem.whole[name](scores, y, counted)
            for name in program.followed
        }
        metrics = program.problem.example_metrics(scores, y)
        losses = objective.losses(program, evaluated["outputs"], targets)
        evaluated = metrics | {means.LOSS: losses}
    row |= {
        f"validation/{name}": mean
        for name, mean in means.of_split(program, evaluated, real).items()
    }
    row |= of_split
    to_minimize = means.to_minimize(program, row)
    watched = means.watched(program, row)

    variables = update.evaluated_variables(program, state, lane)
    live = (state.diverged_at < 0) & ~state.stopped
    lost = live & ~_finite((state.variables, variables))
    live = live & ~lost
    stopping, best = state.stopping, state.best
    for member in program.members("stopping"):
        stopping = program_lib.regularizer(member, lane).update(state.stopping, watched)
        # Variables that are not finite must not be restored, however low the loss before them was.
        best = param_tree.where(stopping.improved & ~lost, variables, state.best)
    state = dataclasses.replace(
        state,
        # The sums start again here and not at an epoch's first step, which then is like any other.
        sums=jax.tree.map(jnp.zeros_like, state.sums),
        diverged_at=jnp.where(lost, state.step - 1, state.diverged_at),
        epochs=state.epochs + live,
        plateau=plateau.update(state.plateau, to_minimize, lane.plateau),
        stopping=stopping,
        best=best,
    )
    row |= {
        "checksum": checksum(state.variables.params),
        "diverged_at": state.diverged_at,
        "stopped": state.stopped,
        "epochs": state.epochs,
    }
    return state, row


def _finite(tree: Tree) -> jax.Array:
    """Whether every number of a float tree is finite, bool []."""
    return jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)], bool))
