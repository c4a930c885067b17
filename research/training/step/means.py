"""Means of metrics over the examples or targets of an epoch or a split: summed first, divided once.

Where examples may have other numbers of targets (tokens, pixels), or none, the mean of their means
is not the mean over their targets. So every sum of a metric goes with a sum of what it is a mean
over: COUNTS. Elsewhere examples count alike, and none of this is computed.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from research.models.layers.forward import Forward
from research.tasks.problem import Problem
from research.training.setup.program import Program

EXAMPLES, TARGETS = COUNTS = ("examples", "targets")
LOSS = "loss"
# What an update has once, whatever its examples.
NORMS = ("grad_norm", "update_norm")


def count_of(problem: Problem, name: str) -> str:
    """What a metric is a mean over, one of COUNTS; each example's loss counts as a metric
    of examples."""
    return TARGETS if name in problem.per_target else EXAMPLES


def summed(
    program: Program, fwd: Forward, row: Mapping[str, jax.Array], counts: jax.Array
) -> dict[str, jax.Array]:
    """The sums of an update's metrics over its global batch, and COUNTS.

    Args:
        program: what the lanes have in common.
        fwd: which rows of the global batch this device has.
        row: the metrics of each example by name, [B].
        counts: the number of targets of each example, [B].
    """
    # Selected and not multiplied: padding may be NaN or infinite, and 0 * NaN is NaN.
    real = jnp.ones_like(counts, bool) if fwd.weight is None else fwd.weight > 0
    weights = {
        EXAMPLES: jnp.where(real & (counts > 0), 1.0, 0.0),
        TARGETS: jnp.where(real, counts, 0),
    }
    products = {
        name: jnp.where(real, values, 0) * weights[count_of(program.problem, name)]
        for name, values in row.items()
    }
    return fwd.over_devices(jax.tree.map(jnp.sum, products | weights))


def of_epoch(program: Program, sums: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
    """The means of an epoch's sums; of what an update has once over the updates: its norms, and the
    losses of all players but the first."""
    steps = program.sizes.steps_per_epoch
    if not program.counts_targets:
        return {name: total / steps for name, total in sums.items()}
    first = program.game.players[0].suffix

    def count(name: str) -> jax.Array | int:
        if name in (LOSS, f"{LOSS}{first}"):
            return sums[program.config.loss_mean]
        if is_norm(name) or name.startswith(f"{LOSS}."):
            return steps
        return sums[count_of(program.problem, name)]

    return {name: total / count(name) for name, total in sums.items() if name not in COUNTS}


def is_norm(name: str) -> bool:
    """Whether it is a norm of an update, of whichever player (`grad_norm.critic`)."""
    return name.partition(".")[0] in NORMS


def of_split(
    program: Program, assessed: Mapping[str, jax.Array], real: jax.Array | None = None
) -> dict[str, jax.Array]:
    """The means of a split's metrics, [V] -> []; none of a split without rows.

    Args:
        program: what the lanes have in common.
        assessed: the metrics and the loss of each example, as `evaluate_examples` has them.
        real: which examples there are, bool [V]; None: all.
    """
    values = {name: value for name, value in assessed.items() if name != TARGETS}
    if not program.counts_targets or TARGETS not in assessed:
        # With `where` only where it says something, so that the mean keeps its bits elsewhere.
        return {name: jnp.mean(value, where=real) for name, value in values.items()}
    counts = assessed[TARGETS] if real is None else jnp.where(real, assessed[TARGETS], 0)
    weights = {EXAMPLES: (counts > 0).astype(counts.dtype), TARGETS: counts}

    def mean(name: str, value: jax.Array) -> jax.Array:
        weight = weights[
            program.config.loss_mean if name == LOSS else count_of(program.problem, name)
        ]
        return jnp.sum(jnp.where(weight > 0, value, 0) * weight) / jnp.sum(weight)

    return {name: mean(name, value) for name, value in values.items()}


def to_minimize(program: Program, row: Mapping[str, jax.Array]) -> jax.Array:
    """What is lowest in the best epoch: the validation loss, the training loss where nothing
    validates; in an environment the negative return, since a surrogate loss says nothing of it.

    Args:
        program: what the lanes have in common.
        row: an epoch's row of the curves.
    """
    if program.spec.inputs.collected and program.sizes.validation:
        name, better = next(iter(program.problem.better.items()))
        value = row[f"validation/{name}"]
        return value if better == "lower" else -value
    return row.get("validation/loss", row["train/loss"])


def watched(program: Program, row: Mapping[str, jax.Array]) -> jax.Array:
    """What early stopping minimises: `to_minimize`, or the validation metric that it names, negated
    where higher is better.

    Args:
        program: what the lanes have in common.
        row: an epoch's row of the curves.
    """
    name = program.watched
    if name == LOSS:
        return to_minimize(program, row)
    value = row[f"validation/{name}"]
    return value if program.problem.better[name] == "lower" else -value


def of_metrics(problem: Problem, assessed: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The same on the host, in float64, of the metrics alone; NaN of a split without targets."""
    counts = assessed.get(TARGETS)
    names = [name for name in assessed if name not in (LOSS, TARGETS)]
    # Equal counts weigh alike, and the plain mean has the bits of tasks that count nothing.
    if counts is None or ((counts == counts[:1]).all() and counts[:1].all()):
        return {name: float(assessed[name].mean(dtype=np.float64)) for name in names}
    there = counts > 0
    if not there.any():
        return dict.fromkeys(names, float("nan"))
    weights = {EXAMPLES: np.ones(int(there.sum())), TARGETS: counts[there].astype(np.float64)}
    return {
        name: float(
            np.average(
                assessed[name][there].astype(np.float64), weights=weights[count_of(problem, name)]
            )
        )
        for name in names
    }
