"""The loop: a pack of runs, from its inputs to its outcomes."""

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
from research.training.state import Lane, LaneState

# A dispatch's batches, and an evaluation's inputs, take at most this much.
BATCH_BYTES = 64 << 20
EVALUATION_ROWS = 2048

Report = Callable[["Progress"], None]


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a pack is: epochs done of all, and lanes that still train."""

    epoch: int
    epochs: int
    live: int
    lanes: int


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one lane came to; the run's record without its names."""

    metrics: dict[str, float]
    curves: dict[str, list[float]]
    checksums: list[str]
    steps: int
    diverged_at: int | None


@dataclasses.dataclass
class Chunk:
    """Lanes that share a dispatch. members: the places of its lanes in the pack; the lanes after them are idle."""

    members: list[int]
    lanes: Lane
    state: LaneState
    factors: np.ndarray  # [steps, W]
    x: jax.Array
    y: jax.Array  # [N], or [W, N] where labels are noisy
    clean: jax.Array  # [N]
    validation: jax.Array  # labels of the validation rows, [W, V]
    rows: list[dict[str, np.ndarray]] = dataclasses.field(default_factory=list)
    live: bool = True


def train(
    program: Program, configs: Sequence[RunConfig], arrays: Arrays, way: Way, report: Report = lambda progress: None
) -> list[Outcome]:
    """Trains runs of one program, each as a lane, and returns their outcomes in order."""
    chunks = start(program, configs, arrays, way)
    epochs = program.config.epochs
    for epoch in range(epochs):
        live = [chunk for chunk in chunks if chunk.live]
        pending = [run_epoch(program, chunk, way, epoch) for chunk in live]
        for chunk, row in zip(live, pending, strict=True):
            chunk.rows.append(jax.device_get(row))
            chunk.live = bool(_training(chunk).any())
        training = sum(int(_training(chunk).sum()) for chunk in chunks if chunk.live)
        report(Progress(epoch + 1, epochs, training, len(configs)))
        if not any(chunk.live for chunk in chunks):
            break
    return [outcome for chunk in chunks for outcome in _outcomes(program, chunk)]


def start(program: Program, configs: Sequence[RunConfig], arrays: Arrays, way: Way) -> list[Chunk]:
    """The chunks of a pack before their first step, spread over the devices in turn."""
    inputs = [inputs_of(config, program, arrays) for config in configs]
    devices = jax.local_devices()[: way.devices]
    chunks = []
    for place, first in enumerate(range(0, len(inputs), way.width)):
        members = list(range(first, min(first + way.width, len(inputs))))
        own = [inputs[i] for i in members]
        noisy = any(configs[i].label_noise for i in members)
        with jax.default_device(devices[place % len(devices)]):
            chunks.append(_chunk(program, members, own + [own[-1]] * (way.width - len(own)), arrays, noisy))
    return chunks


def _chunk(program: Program, members: list[int], inputs: list[Inputs], arrays: Arrays, noisy: bool) -> Chunk:
    lanes = stacked([i.lane for i in inputs])
    states = [lanes_lib.init(program, i.lane) for i in inputs]
    x, y = jnp.asarray(arrays.x), jnp.asarray(arrays.y)
    return Chunk(
        members=members,
        lanes=lanes,
        state=jax.tree.map(lambda *leaves: jnp.stack(leaves), *states),
        factors=np.stack([i.factors for i in inputs], axis=1),
        x=x,
        y=lanes_lib.labels(lanes, y, classes=program.width) if noisy else y,
        clean=y,
        validation=y[lanes.validation],
    )


def run_epoch(program: Program, chunk: Chunk, way: Way, epoch: int) -> dict[str, jax.Array]:
    """Dispatches one epoch of a chunk; returns the curves' row, {name: [W]}, still on the device."""
    rows = order(program, chunk, way, epoch)
    for first in range(0, program.sizes.steps_per_epoch, dispatch_steps(program, way)):
        dispatch(program, chunk, way, rows, epoch, first)
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
    batches = lanes_lib.gather(
        chunk.x, chunk.y, rows, np.int32(first), steps=steps, sizes=program.sizes, parts=program.config.accumulate
    )
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


def _training(chunk: Chunk) -> np.ndarray:
    """Which of a chunk's lanes still train, [members]."""
    last = chunk.rows[-1]
    return ((last["diverged_at"] < 0) & ~last["stopped"])[: len(chunk.members)]


def _outcomes(program: Program, chunk: Chunk) -> list[Outcome]:
    """The outcomes of a chunk's lanes, in their order."""
    state, width = chunk.state, len(chunk.factors[0])
    variables = state.best if program.has_stopping else state.evaluated
    scores = {}
    for name in ("train", "validation", "test"):
        rows = getattr(chunk.lanes, name)
        if rows.shape[1]:
            scores[name] = jax.device_get(evaluate(program, chunk, width, variables, rows)["scores"])
    clean = np.asarray(chunk.clean)
    rows = jax.device_get({name: getattr(chunk.lanes, name) for name in scores})
    last = chunk.rows[-1]
    outcomes = []
    for place in range(len(chunk.members)):
        epochs, diverged = int(last["epochs"][place]), int(last["diverged_at"][place])
        own = [{name: value[place] for name, value in row.items()} for row in chunk.rows[:epochs]]
        curves = [name for name in chunk.rows[0] if "/" in name]
        metrics: dict[str, float] = {}
        if diverged < 0:
            for name, of_split in scores.items():
                summary = program.problem.summary(of_split[place], clean[rows[name][place]])
                metrics |= {f"{name}/{metric}": value for metric, value in summary.items()}
        outcomes.append(
            Outcome(
                metrics=metrics,
                curves={name: [float(row[name]) for row in own] for name in curves},
                checksums=["{:08x}{:08x}".format(*row["checksum"]) for row in own],
                steps=epochs * program.sizes.steps_per_epoch if diverged < 0 else diverged,
                diverged_at=None if diverged < 0 else diverged,
            )
        )
    return outcomes
