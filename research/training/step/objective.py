"""Objective: a program's losses, scores and metrics of each example, as pure functions of one
lane."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from research.registry import LOSSES
from research.tasks.problem import mean_over_steps
from research.training.boosting.residuals import negative_gradient
from research.training.setup.program import Program
from research.training.step import means
from research.training.step.collect import evaluate_episodes
from research.training.step.network import normalize_inputs, predict
from research.training.step.state import Lane, Variables


def scores(
    program: Program, lane: Lane, outputs: jax.Array, offset: jax.Array | None = None
) -> jax.Array:
    """What the metrics read, [B, ..., C], in the data's units: of members, their mean prediction.

    Args:
        program: the lane's program.
        lane: its inputs, with the targets' shift and scale.
        outputs: what the loss reads, [B, ..., K], or [B, M, K] of M members.
        offset: of a run that fits residuals, the sum that its part is added to, [B, C]; None: its
            part alone.
    """
    if program.fits_residuals:
        part = outputs * lane.hparams["boost_rate"]
        # The sum has the targets' shift already.
        shift = jnp.zeros_like(lane.target_shift)
        decoded = program.problem.decode(part, shift, lane.target_scale)
        return decoded if offset is None else decoded + offset
    as_scores = LOSSES.get(program.config.loss).scores(outputs, program.width)
    decoded = program.problem.decode(as_scores, lane.target_shift, lane.target_scale)
    return decoded if program.members_inside is None else program.problem.mean_prediction(decoded)


def metric_targets(program: Program, x: jax.Array, y: Any) -> Any:
    """What metrics compare with.

    Args:
        program: the lane's program.
        x: scaled inputs [B, ...]. As [B, D] they are the targets of a reconstruction.
        y: labels or values [B, ...].
    """
    return program.spec.targets.read(x, y)


def metrics(
    program: Program,
    lane: Lane,
    outputs: jax.Array,
    y: jax.Array,
    targets: jax.Array,
    offset: jax.Array | None = None,
) -> dict[str, jax.Array]:
    """The task's metrics of each example and those of the loss, by name, [B].

    Args:
        program: what the lanes have in common.
        lane: the lane's inputs.
        outputs: the network's outputs, [B, ..., K].
        y: what `metric_targets` returns, [B, ...].
        targets: y encoded, [B, ..., C].
        offset: as of `scores`.
    """
    problem = program.problem
    read = scores(program, lane, outputs, offset)
    of_task = problem.in_unit(problem.example_metrics(read, y), lane.unit)
    of_loss = LOSSES.get(program.config.loss).metrics
    return of_task | {
        name: _mean_over_members(program, metric)(outputs, targets)
        for name, metric in of_loss.items()
    }


def curve_names(program: Program) -> list[str]:
    """The names of the metrics that a training follows: those of its objective, or of its task."""
    names = program.game.metrics
    return metric_names(program) if names is None else list(names)


def metric_names(program: Program) -> list[str]:
    """The names of what evaluation measures."""
    if program.spec.inputs.collected:
        return list(program.problem.better)
    spec, problem, width = program.spec, program.problem, (program.width,)
    outputs = jnp.zeros((1, *spec.targets.shape, *width))
    y = jax.tree.map(
        lambda leaf: jnp.zeros((1, *leaf.shape), leaf.dtype), spec.targets.placeholder()
    )
    # By shapes only, so that the names are known before any data is read.
    of_task = jax.eval_shape(
        lambda s, y: problem.in_unit(problem.example_metrics(s, y), jnp.ones(())), outputs, y
    )
    return [*of_task, *LOSSES.get(program.config.loss).metrics]


def loss_targets(program: Program, lane: Lane, y: jax.Array) -> jax.Array:
    """Labels or values as targets [B, ..., C].

    Args:
        program: the lane's program.
        lane: its inputs, with the targets' shift and scale.
        y: labels or values [B, ...].
    """
    return program.problem.encode(y, program.width, lane.target_shift, lane.target_scale)


def residuals(program: Program, lane: Lane, targets: jax.Array, offset: jax.Array) -> jax.Array:
    """What a run fits that boosts by residuals, [B, C].

    Args:
        program: the lane's program.
        lane: its inputs, with the targets' shift and scale.
        targets: y encoded, [B, C].
        offset: the scores of the members before it, [B, C].
    """
    so_far = (offset - lane.target_shift) / lane.target_scale
    return negative_gradient(targets, so_far, classes=bool(program.spec.targets.classes))


def losses(program: Program, outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """The loss of each example, [B]: the mean over its real steps, and over members.

    Args:
        program: the lane's program.
        outputs: [B, ..., K], or [B, M, K] of M members.
        targets: [B, ..., C].
    """
    of_outputs = functools.partial(_losses, program)
    return _mean_over_members(program, of_outputs)(outputs, targets)


def _mean_over_members(
    program: Program, function: Callable[[jax.Array, jax.Array], jax.Array]
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """`function(outputs [B, ..., K], targets) -> [B]` as the mean of its values for each member's
    outputs, where there are members."""
    if program.members_inside is None:
        return function
    of_members = jax.vmap(function, in_axes=(1, None))
    return lambda outputs, targets: jnp.mean(of_members(outputs, targets), axis=0)


def _losses(program: Program, outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """The loss of each example, [B], of a single network or member."""
    # Residuals are fitted by least squares, whatever the loss whose gradient they are.
    name = "squared" if program.fits_residuals else program.config.loss
    loss, real = LOSSES.get(name).build(), program.problem.real
    if outputs.ndim == 2:
        return loss(outputs, targets)
    if real is None:
        return mean_over_steps(loss(outputs, targets))
    share = real(targets)
    with_target = share > 0
    # A target that is not there may be NaN, which a gradient would carry on.
    targets = jnp.where(with_target[..., None], targets, 0)
    if not program.counts_targets:
        return mean_over_steps(loss(outputs, targets), with_target)
    # Mixed with a place that has no target, a place has a part of one: it weighs so much less.
    share = share.astype(outputs.dtype)
    of_places = loss(outputs, targets / jnp.where(with_target, share, 1)[..., None])
    total = jnp.sum(jnp.where(with_target, of_places * share, 0), axis=_places(share))
    # An example without targets has a loss of 0, and not the NaN of 0 / 0.
    count = jnp.sum(share, axis=_places(share))
    return total / jnp.where(count > 0, count, 1)


def _places(values: jax.Array) -> tuple[int, ...]:
    return tuple(range(1, values.ndim))


def target_counts(program: Program, targets: jax.Array) -> jax.Array:
    """How many targets each example has, [B]; targets: encoded [B, ..., C], of a task that has them
    at each place."""
    assert program.problem.real is not None
    there = program.problem.real(targets).astype(program.dtype)
    return jnp.sum(there, axis=_places(there))


def loss_weights(program: Program, targets: jax.Array) -> jax.Array:
    """What each example weighs in the loss, [B], as `loss_mean` says: alike, or as it has targets;
    0 without any."""
    number = target_counts(program, targets)
    return (
        number if program.config.loss_mean == means.TARGETS else (number > 0).astype(number.dtype)
    )


def class_weights(lane: Lane, targets: jax.Array) -> jax.Array:
    """What each example weighs in the loss by its class, Σ_k t_k w_k, [B]; a mixed example as its
    parts.

    Args:
        lane: the lane's inputs, with the weight of each class.
        targets: as they may be mixed, [B, K].
    """
    assert lane.class_weight is not None
    # A sum of products, since TF32 would round those of a matmul.
    return jnp.sum(targets * lane.class_weight, axis=-1)


def evaluate_examples(
    program: Program, variables: Variables, lane: Lane, x: jax.Array, y: Any
) -> dict[str, jax.Array]:
    """What evaluation keeps of examples.

    Args:
        program: what the lanes have in common.
        variables: the lane's variables.
        lane: the lane's inputs.
        x: raw inputs, [B, ...].
        y: labels, [B, ...]; read only where outputs are too many to keep.

    Returns:
        The loss's outputs and the metrics' scores, [B, ..., K or C]. Where these are too many to
        keep: the loss and the task's metrics of each example, [B], and how many targets it has if
        the task has one at each position.
    """
    if program.spec.inputs.collected:
        return evaluate_episodes(program, variables, lane, x)
    outputs = predict(program, variables, lane, x)
    if program.problem.summary is not None:
        return {"outputs": outputs, "scores": scores(program, lane, outputs)}
    y = metric_targets(program, normalize_inputs(program, lane, x), y)
    targets = loss_targets(program, lane, y)
    evaluated = {
        means.LOSS: losses(program, outputs, targets),
        **metrics(program, lane, outputs, y, targets),
    }
    return (
        evaluated
        if program.problem.real is None
        else evaluated | {means.TARGETS: target_counts(program, targets)}
    )
