"""What one lane does between two dispatches, as pure functions of one lane on one device.

Each is written once. A `Backend` maps it over the lanes of a chunk or over the devices that share
one run; `shard` says which.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from research import rng
from research.data.features.named_arrays import take
from research.training.devices import batch_layout
from research.training.devices.batch_layout import BatchLayout, Shard
from research.training.setup.program import Program
from research.training.step.objective import evaluate_examples
from research.training.step.state import Lane, Variables


def labels(classes: int, lane: Lane, y: jax.Array) -> jax.Array:
    """A lane's labels [N]: with probability `label_noise` redrawn over all classes, by row.

    Args:
        classes: how many there are.
        lane: the lane's inputs.
        y: the labels of the data, [N].
    """

    def noisy(row: jax.Array, label: jax.Array) -> jax.Array:
        # A key per row of the data, so that a label does not depend on the split or the order.
        choose, draw = jax.random.split(
            jax.random.fold_in(rng.stream(lane.noise_seed, "label_noise"), row)
        )
        redrawn = jax.random.bernoulli(choose, lane.hparams["label_noise"])
        return jnp.where(redrawn, jax.random.randint(draw, (), 0, classes, label.dtype), label)

    return jax.vmap(noisy)(jnp.arange(y.shape[0]), y)


def order(count: int, padding: int, uneven: bool, lane: Lane, epoch: jax.Array) -> jax.Array:
    """The rows that an epoch's updates read, [count + padding]: the first of a random order.

    Args:
        count: how many rows; beyond the training rows the last one is repeated.
        padding: how many more times the last row is repeated.
        uneven: whether training rows may be missing (-1 at the end); the first row stands for them,
            whose weight is 0.
        lane: the lane's inputs.
        epoch: the lane's epoch, [].
    """
    # Of the seed and the epoch alone, so that a resumed run needs no stored order.
    order = jax.random.permutation(rng.at(lane.order_seed, "order", epoch), lane.train.shape[0])
    if uneven:
        # Rows that are missing come last, and the order of the others stays a random one.
        order = order[jnp.argsort(lane.train[order] < 0, stable=True)]
    rows = lane.train[order[:count]]
    if uneven:
        rows = jnp.where(rows < 0, lane.train[0], rows)
    return jnp.pad(rows, (0, count + padding - rows.shape[0]), mode="edge")


def gather(
    layout: BatchLayout,
    steps: int,
    shared: dict[str, Any],
    y: jax.Array,
    rows: jax.Array,
    place: tuple[jax.Array, jax.Array],
    real: jax.Array | None = None,
) -> dict[str, jax.Array]:
    """This device's rows of the batches of consecutive updates.

    Past the epoch's end the last rows are repeated.

    Args:
        layout: which examples of a batch lie on this device, and where.
        steps: how many batches.
        shared: what all lanes have in common, by name: x, raw inputs [N, ...], and what else is
            known of each row, [N].
        y: labels, [N, ...].
        rows: rows of x, [R].
        place: which batch of `rows` is the first, and which step of the epoch that is; the same
            where they are the whole epoch's rows.
        real: how many rows the lane's epoch reads, []; None where all lanes read as many.

    Returns:
        What is shared and y, [steps, rows, ...], and the masks of `batch_layout.batch_masks`.
    """
    begin, first = place
    batch = layout.sizes.batch
    # Gathered before the dispatch, so that `advance` reads neither the data nor the rows: data on
    # the device and streamed data train by one program.
    chosen = jax.lax.dynamic_slice_in_dim(rows, begin * batch, steps * batch).reshape(steps, batch)
    devices = layout.shard.count
    positions = batch_layout.example_positions(batch, layout.parts, devices)
    if positions.shape != (1, batch):
        # Padding reads the last row; its weight is 0.
        chosen = chosen[:, jnp.minimum(jnp.asarray(positions)[layout.shard.index], batch - 1)]
    masks = batch_layout.batch_masks(
        layout.sizes, layout.parts, devices, layout.shard.index, first, steps, real
    )
    arrays = {**shared, "y": y}
    return {name: take(array, chosen) for name, array in arrays.items()} | masks


def evaluate(
    program: Program,
    shard: Shard,
    variables: Variables,
    lane: Lane,
    x: jax.Array,
    rows: jax.Array,
    y: Any,
) -> dict[str, jax.Array]:
    """What `evaluate_examples` returns for rows of a lane, leaves [E, ...]. Each device predicts
    its share of the rows, and gets all outputs.

    Args:
        program: what the lanes have in common.
        shard: this device's share of the rows.
        variables: the lane's variables.
        lane: the lane's inputs.
        x: raw inputs, [N, ...].
        rows: the lane's rows of x, [E].
        y: their labels, [E, ...], where they are read; else None.
    """
    if shard.axis is None:
        return evaluate_examples(program, variables, lane, take(x, rows), y)
    # Devices need equal shapes, so the last one repeats rows; the slice below drops them.
    size = -(-rows.size // shard.count)
    places = jnp.minimum(shard.index * size + jnp.arange(size), rows.size - 1)
    shard_y = jax.tree.map(lambda leaf: leaf[places], y)
    outputs = evaluate_examples(program, variables, lane, take(x, rows[places]), shard_y)
    all_rows = functools.partial(jax.lax.all_gather, axis_name=shard.axis, tiled=True)
    return jax.tree.map(lambda leaf: all_rows(leaf)[: rows.size], outputs)
