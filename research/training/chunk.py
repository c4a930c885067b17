"""Chunk: lanes that share a dispatch; made from configs, or from a snapshot, and run an epoch at a time."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.config import RunConfig
from research.data.spec import Arrays
from research.training import lanes as lanes_lib
from research.training.inputs import Inputs, inputs_of, stacked
from research.training.lanes import Way
from research.training.program import Program
from research.training.snapshot import Snapshot, resumed_rows, resumed_state
from research.training.state import Lane, LaneState

# A dispatch's batches, and an evaluation's inputs, take at most this much.
BATCH_BYTES = 64 << 20
EVALUATION_ROWS = 2048


@dataclasses.dataclass
class Chunk:
    """members: the places of its lanes in the pack; the lanes after them are idle. rows: the curves, an epoch each."""

    members: list[int]
    lanes: Lane
    state: LaneState
    factors: np.ndarray  # [steps, W]
    x: jax.Array
    y: jax.Array  # [N], or [W, N] where labels are noisy
    clean: jax.Array  # [N]
    validation: jax.Array  # labels of the validation rows, [W, V]
    rows: list[dict[str, np.ndarray]] = dataclasses.field(default_factory=list)

    @property
    def training(self) -> np.ndarray:
        """Which of its runs still train, bool [members]."""
        if not self.rows:
            return np.ones(len(self.members), bool)
        last = self.rows[-1]
        return ((last["diverged_at"] < 0) & ~last["stopped"])[: len(self.members)]


def start(
    program: Program, configs: Sequence[RunConfig], arrays: Arrays, way: Way, snapshot: Snapshot | None = None
) -> list[Chunk]:
    """The chunks of a pack, spread over the devices in turn: before their first step, or as the snapshot has them."""
    inputs = [inputs_of(config, program, arrays) for config in configs]
    devices = jax.local_devices()[: way.devices]
    data: dict[jax.Device, tuple[jax.Array, jax.Array]] = {}
    chunks = []
    for place, first in enumerate(range(0, len(inputs), way.width)):
        members = list(range(first, min(first + way.width, len(inputs))))
        lanes = members + members[-1:] * (way.width - len(members))
        noisy = any(configs[i].label_noise for i in members)
        device = devices[place % len(devices)]
        with jax.default_device(device):
            if device not in data:
                data[device] = jnp.asarray(arrays.x), jnp.asarray(arrays.y)
            chunks.append(_chunk(program, members, lanes, inputs, data[device], noisy, snapshot))
    return chunks


def _chunk(
    program: Program,
    members: list[int],
    places: list[int],
    inputs: list[Inputs],
    data: tuple[jax.Array, jax.Array],
    noisy: bool,
    snapshot: Snapshot | None,
) -> Chunk:
    """places: the member of each lane, idle lanes repeating the last."""
    lanes = stacked([inputs[i].lane for i in places])
    if snapshot is None:
        states = [lanes_lib.init(program, inputs[i].lane) for i in places]
        state = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    else:
        state = resumed_state(snapshot, places)
    x, y = data
    return Chunk(
        members=members,
        lanes=lanes,
        state=state,
        factors=np.stack([inputs[i].factors for i in places], axis=1),
        x=x,
        y=lanes_lib.labels(lanes, y, classes=program.width) if noisy else y,
        clean=y,
        validation=y[lanes.validation],
        rows=[] if snapshot is None else resumed_rows(snapshot, places),
    )


def run_epoch(
    program: Program,
    chunks: Sequence[Chunk],
    way: Way,
    epoch: int,
    first: int = 0,
    after: Callable[[int], None] = lambda step: None,
) -> None:
    """Runs an epoch of chunks, from its step `first` on, and adds its row to their curves.

    Chunks take their dispatches in turn, so that those on other devices run at the same time. after: called between
    dispatches with the epoch's steps done so far, all chunks being at the same one.
    """
    orders = [order(program, chunk, way, epoch) for chunk in chunks]
    length = dispatch_steps(program, way)
    for begin in range(first, program.sizes.steps_per_epoch, length):
        for chunk, rows in zip(chunks, orders, strict=True):
            dispatch(program, chunk, way, rows, epoch, begin)
        if begin + length < program.sizes.steps_per_epoch:
            after(begin + length)
    for chunk, row in zip(chunks, [close(program, chunk, way) for chunk in chunks], strict=True):
        chunk.rows.append(jax.device_get(row))


def close(program: Program, chunk: Chunk, way: Way) -> dict[str, jax.Array]:
    """Ends an epoch of a chunk; returns the curves' row, {name: [W]}, still on the device."""
    evaluated: dict[str, jax.Array] = {}
    if program.sizes.validation:
        evaluated = evaluate(program, chunk, way.width, chunk.state.evaluated, chunk.lanes.validation)
    chunk.state, row = lanes_lib.close_epoch(program, way.width, chunk.state, chunk.lanes, evaluated, chunk.validation)
    return row


def order(program: Program, chunk: Chunk, way: Way, epoch: int) -> jax.Array:
    """The rows that an epoch's updates read, [W, rows], padded to whole dispatches."""
    per_epoch, batch, steps = program.sizes.steps_per_epoch, program.sizes.batch, dispatch_steps(program, way)
    padding = -per_epoch % steps * batch
    return lanes_lib.order(chunk.lanes, np.int32(epoch), count=per_epoch * batch, padding=padding)


def dispatch(program: Program, chunk: Chunk, way: Way, rows: jax.Array, epoch: int, first: int) -> None:
    """Dispatches the updates from step `first` of an epoch on, as many as the way takes at once."""
    per_epoch, steps = program.sizes.steps_per_epoch, dispatch_steps(program, way)
    count = min(steps, per_epoch - first)
    factors = chunk.factors[epoch * per_epoch + first :][:count]
    factors = np.pad(factors, ((0, steps - count), (0, 0)))
    batches = lanes_lib.gather(chunk.x, chunk.y, rows, np.int32(first), steps=steps, batch=program.sizes.batch)
    chunk.state = lanes_lib.advance(program, way.width, chunk.state, chunk.lanes, batches, factors, np.int32(count))


def dispatch_steps(program: Program, way: Way) -> int:
    """Updates a dispatch: the way's, within an epoch and the memory for its batches."""
    example = math.prod(program.spec.shape) * (1 if program.spec.maximum > 1 else 4)
    fitting = max(1, BATCH_BYTES // (example * program.sizes.batch * way.width))
    return min(way.steps, program.sizes.steps_per_epoch, fitting)


def evaluate(program: Program, chunk: Chunk, width: int, variables: Any, rows: jax.Array) -> dict[str, jax.Array]:
    """Outputs [W, R, K] and scores [W, R, C] of rows [W, R], a part at a time."""
    count = rows.shape[1]
    size = max(min(EVALUATION_ROWS, max(program.sizes.validation, program.sizes.test) or count), 1)
    if count == size:
        return lanes_lib.evaluate(program, width, variables, chunk.lanes, chunk.x, rows)
    padded = jnp.pad(rows, ((0, 0), (0, -count % size)), mode="edge")
    parts = [
        lanes_lib.evaluate(program, width, variables, chunk.lanes, chunk.x, padded[:, first : first + size])
        for first in range(0, padded.shape[1], size)
    ]
    return {name: jnp.concatenate([part[name] for part in parts], axis=1)[:, :count] for name in parts[0]}
