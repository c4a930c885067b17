"""One update of one lane."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import optax

from research.models.layers.forward import Forward
from research.registry import OPTIMIZERS
from research.training.setup import program as program_lib
from research.training.setup.program import Program
from research.training.step import means, network, param_tree, update
from research.training.step.augment import augment_batch
from research.training.step.gradient import loss_and_gradient
from research.training.step.state import Lane, LaneState, Variables
from research.training.step.step_metrics import step_metrics


def train_step(
    program: Program,
    state: LaneState,
    lane: Lane,
    batch: dict[str, jax.Array],
    axis: str | None = None,
) -> LaneState:
    """One update of one lane: augment, loss, gradient, update, project, average, metrics.

    Args:
        program: what the lanes have in common.
        state: the lane's state before the update.
        lane: the lane's inputs.
        batch: x [B, ...], raw; y [B, ...]; factor [], of the learning rate at this step. Also
            index [B], where devices/batch_layout.py reorders the global batch; and weight [B],
            where there is padding: 1 for real examples and 0 for padding.
        axis: the mapped axis, if each device has a share of the batch; all end with one state.

    Returns:
        The state after the update.
    """
    params = state.variables.params
    fwd = _forward(program, lane, batch, axis)
    fwd, x, y, targets = augment_batch(program, state, lane, batch, fwd)

    gradient_at = functools.partial(
        loss_and_gradient, program, state, lane, fwd=fwd, x=x, targets=targets
    )
    (batch_stats, outputs, loss), grads = gradient_at(params)
    perturb = OPTIMIZERS.get(program.config.optimizer.name).perturb
    if perturb is not None:  # sharpness-aware: the gradient at perturbed parameters
        options = program_lib.options(program.config.optimizer, "optimizer", lane.hparams)
        _, grads = gradient_at(perturb(params, grads, **options))

    # The factor is a table from the host, and the plateau's scale is part of the state: a schedule
    # needs no branch in the compiled step.
    learning_rate = lane.hparams["learning_rate"] * batch["factor"] * state.plateau.scale
    factor = batch["factor"] * state.plateau.scale
    updates, opt_state = update.optimizer_updates(
        program, state, lane, grads, learning_rate, factor
    )
    new_params = update.project(program, lane, optax.apply_updates(params, updates), learning_rate)
    variables = update.keep_frozen(program, Variables(new_params, batch_stats), state.variables)
    mean = update.average(program, state, lane, variables)

    metrics = step_metrics(program, lane, fwd, outputs, y, loss)
    norms = {"grad_norm": optax.tree.norm(grads), "update_norm": optax.tree.norm(updates)}
    learned = (variables, opt_state, mean)
    if program.counts_targets:
        # A batch without any target is no update: momentum, decay and statistics stay unchanged.
        unchanged = (state.variables, state.opt_state, state.mean)
        no_norms = jax.tree.map(jnp.zeros_like, norms)
        has_targets = metrics[means.EXAMPLES] > 0
        learned, norms = param_tree.where(has_targets, (learned, norms), (unchanged, no_norms))
    variables, opt_state, mean = learned
    state = _count(state, metrics | norms)
    return dataclasses.replace(state, variables=variables, opt_state=opt_state, mean=mean)


def _forward(
    program: Program, lane: Lane, batch: dict[str, jax.Array], axis: str | None
) -> Forward:
    """What the network needs to know of this device's rows of the batch, in training."""
    rows = batch["y"].shape[0]
    weight = batch.get("weight")
    index = batch["index"] if "index" in batch else jnp.arange(rows)
    total: jax.Array | float | None = None
    if weight is not None:
        total = jnp.sum(weight)
        total = total if axis is None else jax.lax.psum(total, axis)
    # The batch size as a number: no sum over devices is needed where all rows are real.
    elif axis is not None or program.config.accumulate > 1:
        total = float(program.sizes.batch)
    return network.forward(program, lane, index, weight=weight, total=total, axis=axis)


def _count(state: LaneState, metrics: dict[str, jax.Array]) -> LaneState:
    """The state with the step counted, its metrics summed, and its divergence noted."""
    finite = jnp.isfinite(metrics["loss"]) & jnp.isfinite(metrics["update_norm"])
    # A run that stopped is over: it cannot diverge while its neighbours train on.
    # Only the first such step counts; the lane trains on with its chunk, unreported.
    diverges = (state.diverged_at < 0) & ~finite & ~state.stopped
    return dataclasses.replace(
        state,
        step=state.step + 1,
        sums={name: state.sums[name] + value for name, value in metrics.items()},
        diverged_at=jnp.where(diverges, state.step, state.diverged_at),
    )
