"""Batch layout: which device holds which examples of an update's batch, and in which part."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from research.training.setup.program import Sizes


@dataclasses.dataclass(frozen=True)
class Shard:
    """A device's share of every batch.

    count: over how many devices a batch is spread. axis: the name of the mapped axis over them, or
    None where a device has the whole batch.
    """

    count: int = 1
    axis: str | None = None

    @property
    def index(self) -> jax.Array | int:
        """Which of the devices runs this, [] int32; defined only inside the mapped function."""
        return 0 if self.axis is None else jax.lax.axis_index(self.axis)


@dataclasses.dataclass(frozen=True)
class BatchLayout:
    """How a batch is cut into `parts` and spread over devices. sizes: rows of the splits and of a
    batch."""

    sizes: Sizes
    parts: int = 1
    shard: Shard = Shard()


@functools.cache
def example_positions(batch: int, parts: int = 1, devices: int = 1) -> np.ndarray:
    """The position in the global batch of each device's rows, int32 [devices, rows].

    The batch is cut into parts as equal as whole rows allow. Each part is spread over the devices,
    in
    order, and filled up with padding, marked by the number `batch`. So a part has the same examples
    on
    any number of devices. A device's rows are those of the first part, then of the second, and so
    on:
    `example_positions(7, 2, 2)` is [[0, 1, 3, 4], [2, 7, 5, 6]].

    Args:
        batch: examples of the global batch.
        parts: parts that are computed in turn.
        devices: number of devices.
    """
    bounds = [batch * part // parts for part in range(parts + 1)]
    # Every device gets as many rows of every part, since compiled shapes are fixed.
    rows = -(-max(np.diff(bounds)) // devices)
    filled = np.full((parts, rows * devices), batch, np.int32)
    for part in range(parts):
        indices = np.arange(bounds[part], bounds[part + 1])
        filled[part, : len(indices)] = indices
    return filled.reshape(parts, devices, rows).swapaxes(0, 1).reshape(devices, parts * rows)


def real_rows(sizes: Sizes, parts: int) -> set[int]:
    """How many examples the parts of an epoch's updates have, padding apart; those that have
    any."""
    bounds = np.array([sizes.batch * part // parts for part in range(parts + 1)])
    full = np.diff(bounds)
    counts = {int(count) for count in full if count}
    begin_of_last = (sizes.steps_per_epoch - 1) * sizes.batch
    for rows in {sizes.train, sizes.fewest[0]} if sizes.uneven else {sizes.train}:
        last = rows - begin_of_last
        if last < sizes.batch:
            counts |= {int(count) for count in np.diff(np.minimum(bounds, last)) if count}
    return counts


def batch_masks(
    sizes: Sizes,
    parts: int,
    devices: int,
    place: jax.Array | int,
    first: jax.Array | int,
    steps: int,
    real: jax.Array | int | None = None,
) -> dict[str, jax.Array]:
    """What a step must know of a device's rows, leaves [steps, rows].

    Args:
        sizes: the rows of each split and the batch.
        parts: how many parts a batch is cut into.
        devices: over how many devices it is spread.
        place: which of the devices.
        first: the step of the epoch that the first batch belongs to.
        steps: how many batches.
        real: rows that the lane's epoch reads, []; None where all lanes read as many.

    Returns:
        index: the rows' positions in the global batch; weight: 1 for real examples and 0 for
        padding. Each is left out where it says nothing, so that a batch on one device without
        padding compiles to a program without it.
    """
    every = example_positions(sizes.batch, parts, devices)
    positions = jnp.asarray(every)[place]
    real = sizes.real if real is None else real
    masks: dict[str, jax.Array] = {}
    if every.shape != (1, sizes.batch):
        masks["index"] = jnp.broadcast_to(positions, (steps, positions.size))
    if every.size > sizes.batch or sizes.real < sizes.steps_per_epoch * sizes.batch:
        row = (first + jnp.arange(steps))[:, None] * sizes.batch + positions
        masks["weight"] = ((positions < sizes.batch) & (row < real)).astype(float)
    return masks
