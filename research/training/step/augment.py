"""Augmentation: a batch's raw rows become the network's inputs and targets, by the data and targets
slots."""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from research import rng
from research.models.layers.forward import Forward
from research.registry import REGULARIZERS
from research.regularization.augmentation import Apply
from research.regularization.targets import Mix
from research.training.setup import program as program_lib
from research.training.setup.program import Program
from research.training.step import means, network, objective
from research.training.step.state import Lane, LaneState


class AugmentedBatch(NamedTuple):
    """The examples of an update as the network and the loss take them.

    fwd: which rows of the global batch they are, and what each weighs in the loss. x: the network's
        inputs, [B, ...], or what an objective collected. y: what metrics compare with, [B, ...].
        targets: [B, ..., C]. Both are None where the batch was collected. offset: [B, C], the
        scores that a run adds its own to, where it fits residuals; else None.
    """

    fwd: Forward
    x: Any
    y: Any
    targets: Any
    offset: Any = None


def augmented_rounds(
    program: Program,
    state: LaneState,
    lane: Lane,
    batch: dict[str, jax.Array],
    axis: str | None,
) -> list[AugmentedBatch]:
    """The rows of a step as the batches of its rounds.

    Args:
        program: what the lanes have in common.
        state: the lane's state.
        lane: the lane's inputs.
        batch: what `train_step` takes.
        axis: the mapped axis, if each device has a share of the batch.
    """
    rounds = []
    for turn, rows in enumerate(_rounds(program, batch)):
        turn_state = dataclasses.replace(state, step=turn_number(program, state, turn))
        fwd = _forward(program, lane, rows, axis)
        if program.spec.inputs.collected:
            rounds.append(AugmentedBatch(fwd, rows["x"], None, None))
            continue
        rounds.append(augment_batch(program, turn_state, lane, rows, fwd))
    return rounds


def turn_number(program: Program, state: LaneState, turn: int) -> jax.Array:
    """The number of a turn, counted from the run's first, on which its random draws depend.

    Args:
        program: the lane's program.
        state: its state, with the number of the step.
        turn: which turn of the step.
    """
    rounds = program.game.rounds
    return state.step if rounds == 1 else state.step * rounds + turn


def _rounds(program: Program, batch: dict[str, jax.Array]) -> list[dict[str, jax.Array]]:
    """A step's rows in equal parts, each with the positions of its own batch."""
    count = program.game.rounds
    if count == 1:
        return [batch]
    arrays = {name: leaf for name, leaf in batch.items() if name != "factor"}
    cut = jax.tree.map(lambda leaf: leaf.reshape(count, -1, *leaf.shape[1:]), arrays)
    rounds = []
    for turn in range(count):
        rows = jax.tree.map(lambda leaf, i=turn: leaf[i], cut)
        if "index" in rows:
            rows["index"] = rows["index"] - turn * program.rows_per_update
        rounds.append(rows)
    return rounds


def _forward(
    program: Program, lane: Lane, batch: dict[str, jax.Array], axis: str | None
) -> Forward:
    """What the network needs to know of this device's rows of the batch, in training."""
    rows = jax.tree.leaves(batch["x"])[0].shape[0]
    weight = batch.get("weight")
    index = batch["index"] if "index" in batch else jnp.arange(rows)
    total: jax.Array | float | None = None
    if weight is not None:
        total = jnp.sum(weight)
        total = total if axis is None else jax.lax.psum(total, axis)
    # The batch size as a number: no sum over devices is needed where all rows are real.
    elif axis is not None or program.config.accumulate > 1:
        total = float(program.rows_per_update)
    return network.forward(program, lane, index, weight=weight, total=total, axis=axis)


def augment_batch(
    program: Program, state: LaneState, lane: Lane, batch: dict[str, jax.Array], fwd: Forward
) -> AugmentedBatch:
    """A batch's raw rows as the network's input and as targets.

    Inputs are scaled, then go through the data slot and the targets slot. Metrics do not see the
    targets slot.

    Args:
        program: what the lanes have in common.
        state: the lane's state.
        lane: the lane's inputs.
        batch: x and y, raw, [B, ...], and where there are any, loss_weight [B], row [B] and the
            masks of batch_layout.py.
        fwd: which rows of the global batch this device has.
    """
    clean = x = network.normalize_inputs(program, lane, batch["x"])
    y = batch["y"]
    for member in program.members("data"):
        transform, mask = program_lib.regularizer(member, lane), REGULARIZERS.get(member.name).mask
        # A key per example of the global batch: the same draws on however many devices.
        keys = fwd.example_keys(rng.at(lane.noise_seed, member.name, state.step))
        x = _each(transform, x, keys)
        if mask is not None and program.spec.targets.reconstructs:
            clean = _each(transform, clean, keys)
        elif mask is not None:
            of_mask = program_lib.built(member, mask, f"regularization.{member.name}", lane.hparams)
            move = functools.partial(_each, of_mask, keys=keys)
            y = program.spec.targets.moved(y, move)
    y = objective.metric_targets(program, clean, y)
    targets = objective.loss_targets(program, lane, y)
    offset = None
    if lane.offset is not None:
        offset = lane.offset[batch["row"]]
        targets = objective.residuals(program, lane, targets, offset)
    if program.counts_targets:
        fwd, targets = _counted(program, fwd, targets)
    for member in program.members("targets"):
        transform, key = (
            program_lib.regularizer(member, lane),
            rng.at(lane.noise_seed, member.name, state.step),
        )
        if REGULARIZERS.get(member.name).mixes_examples:
            x, targets = _mix_global_batch(
                program, transform, key, x, targets, fwd, "index" in batch
            )
        else:
            x, targets = transform(x, targets, key)
    # Weights follow mixing, which may leave an example with the targets of its partner.
    if weights := _loss_weights(program, lane, batch, targets):
        fwd = _weighed(fwd, functools.reduce(jnp.multiply, weights))
    return AugmentedBatch(fwd, x, y, targets, offset)


def _loss_weights(
    program: Program, lane: Lane, batch: dict[str, jax.Array], targets: jax.Array
) -> list[jax.Array]:
    """What each example weighs in the loss, by each that has a say, [B]."""
    weights = []
    if program.counts_targets:
        weights.append(objective.loss_weights(program, targets))
    if program.weighted:
        weights.append(objective.class_weights(lane, targets))
    if "loss_weight" in batch:
        weights.append(batch["loss_weight"].astype(program.dtype))
    if lane.row_weight is not None:
        weights.append(lane.row_weight[batch["row"]])
    return weights


def _counted(program: Program, fwd: Forward, targets: jax.Array) -> tuple[Forward, jax.Array]:
    """The Forward in which examples without targets are padding; and the targets as they may be
    mixed.

    Where examples weigh alike, those that are mixed have all their targets' weights divided by how
    many they have: the loss is then the mixture of both examples' losses.
    """
    number = objective.target_counts(program, targets)
    weight = (number > 0).astype(number.dtype)
    weight = weight if fwd.weight is None else weight * fwd.weight
    total = jnp.maximum(fwd.over_devices(jnp.sum(weight)), 1)
    mixes = any(
        REGULARIZERS.get(member.name).mixes_examples for member in program.members("targets")
    )
    if mixes and program.spec.targets.classes and program.config.loss_mean == means.EXAMPLES:
        targets = targets / jnp.maximum(number, 1).reshape(-1, *[1] * (targets.ndim - 1))
    return dataclasses.replace(fwd, weight=weight, total=total), targets


def _weighed(fwd: Forward, weights: jax.Array) -> Forward:
    """The Forward in which the loss is Σ w l / Σ w over the global batch; weights: w [B].

    It is 0 where nothing has a weight.
    """
    weights = weights if fwd.weight is None else weights * fwd.weight
    total = fwd.over_devices(jnp.sum(weights))
    return dataclasses.replace(fwd, shares=weights / jnp.where(total > 0, total, 1))


def _each(transform: Apply, x: jax.Array, keys: jax.Array) -> jax.Array:
    return jax.vmap(lambda one, key: transform(one, key, True))(x, keys)


def _mix_global_batch(
    program: Program,
    mix: Mix,
    key: jax.Array,
    x: jax.Array,
    targets: jax.Array,
    fwd: Forward,
    placed: bool,
) -> tuple[jax.Array, jax.Array]:
    """The device's rows of the mixed global batch. placed: whether rows lie elsewhere than they
    come."""
    real = None if fwd.weight is None else fwd.weight > 0
    # Else the rows are in another order than the batch's, or on several devices: each device puts
    # the whole batch in order, mixes it, and takes its rows.
    if not placed:
        return mix(x, targets, key, real)
    index = fwd.index
    assert index is not None

    def all_gather(leaf: jax.Array) -> jax.Array:
        return leaf if fwd.axis is None else jax.lax.all_gather(leaf, fwd.axis, tiled=True)

    places = all_gather(index)
    # Padding's index lies past the end, so that it is dropped.
    order = (
        jnp.zeros(program.rows_per_update, jnp.int32)
        .at[places]
        .set(jnp.arange(places.size, dtype=jnp.int32), mode="drop")
    )
    every_x, every_target, every_real = jax.tree.map(
        lambda leaf: all_gather(leaf)[order], (x, targets, real)
    )
    mixed = mix(every_x, every_target, key, every_real)
    return jax.tree.map(lambda leaf: leaf.at[index].get(mode="clip"), mixed)
