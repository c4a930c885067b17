"""One update of one lane: `train_step` is the whole of it."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import optax

from research import param_tree
from research.errors import UserError
from research.registry import OPTIMIZERS
from research.tasks.objectives.game import Player
from research.training.setup import program as program_lib
from research.training.setup.program import Program
from research.training.step import means, objective, update
from research.training.step.augment import AugmentedBatch, augmented_rounds, turn_number
from research.training.step.collect import collect
from research.training.step.gradient import LossResult, loss_and_gradient
from research.training.step.state import Lane, LaneState, Variables


def train_step(
    program: Program,
    state: LaneState,
    lane: Lane,
    batch: dict[str, jax.Array],
    axis: str | None = None,
) -> LaneState:
    """One update of one lane: collect and augment a batch; loss, gradient, update and project by
    each player; average.

    Args:
        program: what the lanes have in common.
        state: the lane's state before the update.
        lane: the lane's inputs.
        batch: x [B, ...], raw; y [B, ...]; factor [] or [players], of the learning rate at this
            step. Also index [B], where devices/batch_layout.py reorders the global batch; and
            weight [B], where there is padding: 1 for real examples and 0 for padding.
        axis: the mapped axis, if each device has a share of the batch; all end with one state.

    Returns:
        The state after the update.
    """
    state, batch = collect(program, state, lane, batch, axis)
    rounds = augmented_rounds(program, state, lane, batch, axis)
    # The factor is a table from the host, and the plateau's scale is part of the state: a schedule
    # needs no branch in the compiled step.
    factors = jnp.atleast_1d(batch["factor"] * state.plateau.scale)
    now = state
    metrics: dict[str, jax.Array] = {}
    for number, player in enumerate(program.game.players):
        for turn, examples in enumerate(rounds[: player.updates_per_step]):
            others = now if program.game.turns == "alternating" else state
            seen = _seen_by(player, now, others, step=turn_number(program, state, turn))
            updated, of_player = player_update(
                program, player, seen, lane, examples, factors[number]
            )
            now = _seen_by(player, updated, now, step=state.step)
        metrics |= of_player
    mean = update.average(program, state, lane, now.variables)

    learned = (now.variables, now.opt_state, mean)
    if program.counts_targets:
        # A batch without any target is no update: momentum, decay and statistics stay unchanged.
        unchanged = (state.variables, state.opt_state, state.mean)
        norms = {name: value for name, value in metrics.items() if means.is_norm(name)}
        no_norms = jax.tree.map(jnp.zeros_like, norms)
        has_targets = metrics[means.EXAMPLES] > 0
        learned, norms = param_tree.where(has_targets, (learned, norms), (unchanged, no_norms))
        metrics |= norms
    variables, opt_state, mean = learned
    state = _count(program, state, metrics)
    return dataclasses.replace(state, variables=variables, opt_state=opt_state, mean=mean)


def player_update(
    program: Program,
    player: Player,
    state: LaneState,
    lane: Lane,
    batch: AugmentedBatch,
    factor: jax.Array,
) -> tuple[LaneState, dict[str, jax.Array]]:
    """One update of the parameters that a player owns: loss, gradient, update, project, metrics.

    Args:
        program: what the lanes have in common.
        player: the player.
        state: the lane's state as the player sees it; its step numbers the player's updates.
        lane: the lane's inputs.
        batch: the examples.
        factor: of the player's learning rate, [].

    Returns:
        The state after the update, and what it adds to the sums of the epoch, [] by name.
    """
    params = param_tree.select(player.owns, state.variables.params)
    gradient_at = functools.partial(loss_and_gradient, program, player, state, lane, batch)
    result, grads = gradient_at(params)
    component = program.optimizer_of(player)
    perturb = OPTIMIZERS.get(component.name).perturb
    if perturb is not None:  # sharpness-aware: the gradient at perturbed parameters
        options = program_lib.options(component, f"optimizer{player.suffix}", lane.hparams)
        _, grads = gradient_at(perturb(params, grads, **options))

    learning_rate = lane.hparams[f"learning_rate{player.suffix}"] * factor
    updates, opt_state = update.optimizer_updates(
        program, player, state, lane, grads, learning_rate, factor
    )
    params = update.project(program, lane, optax.apply_updates(params, updates), learning_rate)
    new = Variables(param_tree.merge(params, state.variables.params), result.batch_stats)
    variables = update.keep_frozen(program, new, state.variables)

    metrics = step_metrics(program, player, lane, batch, result)
    metrics |= {
        f"grad_norm{player.suffix}": optax.tree.norm(grads),
        f"update_norm{player.suffix}": optax.tree.norm(updates),
    }
    opt_state = {**state.opt_state, **opt_state}
    return dataclasses.replace(state, variables=variables, opt_state=opt_state), metrics


def step_metrics(
    program: Program, player: Player, lane: Lane, batch: AugmentedBatch, result: LossResult
) -> dict[str, jax.Array]:
    """What an update adds to the epoch's sums: the metrics and the loss of the global batch, [].

    Args:
        program: what the lanes have in common.
        player: whose update it is.
        lane: the lane's inputs.
        batch: the examples.
        result: what the player's loss returned.

    Returns:
        The values by name, those that the objective returns among them; the first player's loss is
        `loss` too. Where examples may have other numbers of targets, they are sums, beside the
        counts that they are means over
        (research/training/step/means.py).
    """
    loss = {f"{means.LOSS}{player.suffix}": result.loss}
    if player != program.game.players[0]:
        return loss | result.metrics
    loss |= {means.LOSS: result.loss}
    # Where the task's metrics are followed, the objective has none; `_count` names one that it has.
    loss |= result.metrics
    if program.game.metrics is not None:
        return loss
    targets = objective.loss_targets(program, lane, batch.y)
    metrics = objective.metrics(program, lane, result.outputs, batch.y, targets, batch.offset)
    if not program.counts_targets:
        shares = {name: batch.fwd.share(value) for name, value in metrics.items()}
        return batch.fwd.over_devices(shares) | loss
    counts = objective.target_counts(program, targets)
    sums = means.summed(program, batch.fwd, metrics, counts)
    return sums | {name: value * sums[program.config.loss_mean] for name, value in loss.items()}


def _seen_by(player: Player, state: LaneState, others: LaneState, step: jax.Array) -> LaneState:
    """The state at that step, with the variables of the other players from another state."""
    if not player.owns:
        return dataclasses.replace(state, step=step)
    variables = Variables(
        param_tree.keep_where(player.owns, others.variables.params, state.variables.params),
        param_tree.keep_where(
            player.owns, others.variables.batch_stats, state.variables.batch_stats
        ),
    )
    return dataclasses.replace(state, variables=variables, step=step)


def _count(program: Program, state: LaneState, metrics: dict[str, jax.Array]) -> LaneState:
    """The state with the step counted, its metrics summed, and its divergence noted."""
    if missing := sorted(state.sums.keys() - metrics.keys()):
        name = program.config.objective.name
        raise UserError(f"no player of objective={name} returns the metric '{missing[0]}'")
    if unknown := sorted(metrics.keys() - state.sums.keys()):
        raise UserError(
            f"a player of objective={program.config.objective.name} returns the metric"
            f" '{unknown[0]}', which its Game does not name; add it to the Game's metrics"
        )
    watched = [
        metrics[f"{name}{player.suffix}"]
        for player in program.game.players
        for name in (means.LOSS, "update_norm")
    ]
    finite = functools.reduce(jnp.logical_and, map(jnp.isfinite, watched))
    # A run that stopped is over: it cannot diverge while its neighbours train on.
    # Only the first such step counts; the lane trains on with its chunk, unreported.
    diverges = (state.diverged_at < 0) & ~finite & ~state.stopped
    return dataclasses.replace(
        state,
        step=state.step + 1,
        sums={name: state.sums[name] + value for name, value in metrics.items()},
        diverged_at=jnp.where(diverges, state.step, state.diverged_at),
    )
