"""Chunk: lanes that share a dispatch; made from configs, or from a snapshot, and run an epoch at a
time."""

import contextlib
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.config import RunConfig
from research.data.spec import Arrays
from research.registry import ARCHITECTURES
from research.training import best_and_last as best_and_last_lib
from research.training import lanes as lanes_lib
from research.training import parallel
from research.training.batch_source import HostSource, OnDeviceSource
from research.training.best_and_last import BestAndLast
from research.training.dispatch_size import WHOLE_DISPATCHES, AdaptiveDispatch
from research.training.lane_inputs import Inputs, make_lane_inputs, stacked
from research.training.lanes import Functions
from research.training.program import Program
from research.training.snapshot import InitialChunkState, Snapshot, resumed
from research.training.state import Lane, LaneState
from research.training.strategy import ExecutionStrategy
from research.training.warm_start import InitialWeights

# A dispatch's batches, and an evaluation's inputs, take at most this much.
BATCH_BYTES = 64 << 20
EVALUATION_ROWS = 2048
EVALUATION_STEPS = 1 << 16


@dataclasses.dataclass(frozen=True)
class StreamingPolicy:
    """What of the data lies where. device: bytes of inputs above which they are streamed; None:
    never.

    processes: that read ahead for a stream; 0: threads of this one.
    """

    device: int | None = None
    processes: int = 0

    def streams(self, x: Any) -> bool:
        """Whether inputs x [N, ...] stay on the host."""
        return self.device is not None and int(x.nbytes) > self.device


ALL_ON_DEVICE = StreamingPolicy()


@dataclasses.dataclass
class Chunk:
    """members: the places of its runs in the pack; the lanes after them are idle. rows: the curves,
    an epoch each.

    Leaves of lanes and state are [W, ...]: a lane each, or of one run that is spread over devices a
    device each. begun: the epoch of the chunk at which each lane's run began, 0 unless its place
    was another's before.
    """

    members: list[int]
    functions: Functions
    lanes: Lane
    state: LaneState
    lr_factors: np.ndarray  # [steps, W]
    batch_source: OnDeviceSource | HostSource
    clean: Any  # labels [N, ...]
    validation: jax.Array  # labels of the validation rows, [W, V, ...]
    first_epoch: np.ndarray  # [W]
    rows: list[dict[str, np.ndarray]] = dataclasses.field(default_factory=list)
    best_and_last: BestAndLast | None = None  # where parameters are to be kept

    @property
    def training(self) -> np.ndarray:
        """Which of its runs still train, bool [members]."""
        if not self.rows:
            return np.ones(len(self.members), bool)
        last = self.rows[-1]
        return ((last["diverged_at"] < 0) & ~last["stopped"])[: len(self.members)]


def start(
    program: Program,
    configs: Sequence[RunConfig],
    arrays: Arrays,
    strategy: ExecutionStrategy,
    snapshot: Snapshot | None = None,
    memory: StreamingPolicy = ALL_ON_DEVICE,
    origins: Sequence[InitialWeights | None] = (),
    keep: bool = False,
) -> list[Chunk]:
    """The chunks of a pack, spread over the devices in turn: before their first step, or as the
    snapshot has them.

    origins: where each run starts from; those of none start from their own initial variables. keep:
        the best and the last variables of each run.
    """
    inputs = [make_lane_inputs(config, program, arrays) for config in configs]
    at = functools.cache(functools.partial(place_on_device, program, strategy, arrays, memory))
    devices = min(strategy.devices, len(jax.local_devices()))
    chunks = []
    for place, first in enumerate(range(0, len(inputs), strategy.width)):
        members = list(range(first, min(first + strategy.width, len(inputs))))
        places = members + members[-1:] * (
            strategy.width - len(members)
        )  # idle lanes repeat the last run
        if snapshot is None:
            begin = initial_chunk_state(
                program, inputs, places, origins or [None] * len(inputs), keep
            )
        else:
            begin = resumed(snapshot, places, keep)
        chunks.append(at(place % devices).chunk(members, [inputs[i] for i in places], begin))
    return chunks


@dataclasses.dataclass(frozen=True)
class DevicePlacement:
    """Where chunks live: a device's functions, and the data there. streams: whether the inputs stay
    on the host."""

    functions: Functions
    width: int
    x: Any
    y: jax.Array
    arrays: Arrays
    memory: StreamingPolicy
    streams: bool

    def chunk(self, members: list[int], inputs: list[Inputs], begin: InitialChunkState) -> Chunk:
        """A chunk of these lanes, [W]."""
        functions, arrays = self.functions, self.arrays
        lanes = functions.replicate(stacked([lane_inputs.lane for lane_inputs in inputs]))
        noisy = any(lane_inputs.lane.hparams["label_noise"] for lane_inputs in inputs)
        y = functions.labels(lanes, self.y) if noisy else self.y
        batch_source: OnDeviceSource | HostSource = OnDeviceSource(self.x, y)
        if self.streams:
            host_labels = np.asarray(y)[: self.width] if noisy else arrays.y
            batch_source = HostSource(
                self.x, host_labels, self.width, functions, self.memory.processes, noisy
            )
        return Chunk(
            members=members,
            functions=functions,
            lanes=lanes,
            state=functions.replicate(begin.state),
            lr_factors=np.stack([lane_inputs.lr_factors for lane_inputs in inputs], axis=1),
            batch_source=batch_source,
            clean=arrays.y,
            validation=functions.replicate(
                arrays.y[np.stack([lane_inputs.lane.validation for lane_inputs in inputs])]
            ),
            first_epoch=np.zeros(len(inputs), np.int32),
            rows=begin.rows,
            best_and_last=functions.replicate(begin.best_and_last),
        )


def place_on_device(
    program: Program,
    strategy: ExecutionStrategy,
    arrays: Arrays,
    memory: StreamingPolicy,
    place: int,
) -> DevicePlacement:
    """The home of a program's chunks on the device at that place, or of a run that is spread over
    devices."""
    functions = parallel.functions(
        program, strategy, jax.local_devices()[place] if strategy.replicas == 1 else None
    )
    streams = memory.streams(arrays.x)
    x = arrays.x if streams else functions.share(arrays.x)
    return DevicePlacement(
        functions, strategy.width, x, functions.share(arrays.y), arrays, memory, streams
    )


def initial_chunk_state(
    program: Program,
    inputs: list[Inputs],
    places: list[int],
    origins: Sequence[InitialWeights | None],
    keep: bool,
) -> InitialChunkState:
    """What a chunk of these runs begins with before its first step."""

    def one(lane: Lane, origin: InitialWeights | None) -> LaneState:
        state = lanes_lib.init(program, lane)
        return (
            state
            if origin is None
            else lanes_lib.init_from(program, lane, origin.merge(state.variables))
        )

    # Stacked on the host: on a device each shape of a leaf would be a program to compile.
    states = jax.device_get([one(inputs[i].lane, origins[i]) for i in places])
    state = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
    return InitialChunkState(state, best_and_last_lib.before_training(state) if keep else None, [])


def run_epoch(
    program: Program,
    chunks: Sequence[Chunk],
    strategy: ExecutionStrategy,
    epoch: int,
    first: int = 0,
    after: Callable[[int], None] = lambda step: None,
    pace: AdaptiveDispatch = WHOLE_DISPATCHES,
) -> None:
    """Runs an epoch of chunks, from its step `first` on, and adds its row to their curves.

    Chunks take their pieces in turn, so that those on other devices run at the same time. after:
    called between pieces with the epoch's steps done so far, all chunks being at the same one.
    """
    step = first
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(
                contextlib.closing(dispatches(program, chunk, strategy, epoch, first, pace))
            )
            for chunk in chunks
        ]
        while step < program.sizes.steps_per_epoch:
            with pace.measure(lambda: jax.block_until_ready([chunk.state for chunk in chunks])):
                (count,) = {next(dispatch) for dispatch in running}
            step += count
            if step < program.sizes.steps_per_epoch:
                after(step)
    finish(program, chunks, strategy)


def adaptive_dispatch(program: Program, strategy: ExecutionStrategy) -> AdaptiveDispatch:
    """The pace of a strategy. Processes that train a run together cut nothing, since each has a
    clock of its own."""
    return (
        WHOLE_DISPATCHES
        if jax.process_count() > 1
        else AdaptiveDispatch(most=dispatch_steps(program, strategy))
    )


def dispatches(
    program: Program,
    chunk: Chunk,
    strategy: ExecutionStrategy,
    epoch: int,
    first: int = 0,
    pace: AdaptiveDispatch = WHOLE_DISPATCHES,
) -> Generator[int, None, None]:
    """Dispatches the updates of an epoch from step `first` on, as many at once as strategy and pace
    take, and says so."""
    per_epoch, steps = program.sizes.steps_per_epoch, dispatch_steps(program, strategy)
    rows = order(program, chunk, strategy, epoch)
    # Lanes may have joined the chunk at different epochs, so each has a step of its own.
    first_steps = (epoch - chunk.first_epoch) * per_epoch
    aligned = first - first % steps  # where the dispatch begins in which it was stopped
    slabs = chunk.batch_source.batches(rows, first=aligned, steps=steps, batch=program.sizes.batch)
    with contextlib.closing(slabs):
        for begin in range(aligned, per_epoch, steps):
            slab, count = next(slabs), min(steps, per_epoch - begin)
            batches = chunk.functions.gather(
                slab.x, slab.y, slab.rows, np.int32(slab.begin), np.int32(begin), steps=steps
            )
            lr_factors = np.pad(
                factors_at(chunk, first_steps + begin, count), ((0, steps - count), (0, 0))
            )
            done = max(first - begin, 0)
            while done < count:
                piece = min(pace.steps, count - done)
                of = (batches, lr_factors, np.int32(done), np.int32(piece))
                chunk.state = chunk.functions.advance(chunk.state, chunk.lanes, *of)
                done += piece
                yield piece


def order(program: Program, chunk: Chunk, strategy: ExecutionStrategy, epoch: int) -> jax.Array:
    """The rows that the updates of a chunk's epoch read, [W, rows], padded to whole dispatches."""
    per_epoch, batch, steps = (
        program.sizes.steps_per_epoch,
        program.sizes.batch,
        dispatch_steps(program, strategy),
    )
    padding = -per_epoch % steps * batch
    drawn = (
        epoch - chunk.first_epoch
        if program.config.reshuffle_each_epoch
        else np.zeros_like(chunk.first_epoch)
    )
    return chunk.functions.order(chunk.lanes, drawn, count=per_epoch * batch, padding=padding)


def factors_at(chunk: Chunk, steps: np.ndarray, count: int) -> np.ndarray:
    """The factors [count, W] of updates from each lane's own step [W] on; those of an idle lane end
    with its last."""
    index = steps + np.arange(count)[:, None]
    return np.take_along_axis(
        chunk.lr_factors, np.minimum(index, len(chunk.lr_factors) - 1), axis=0
    )


def dispatch_steps(program: Program, strategy: ExecutionStrategy) -> int:
    """Updates a dispatch: the strategy's, within an epoch and the memory for its batches."""
    example = math.prod(program.spec.shape) * (1 if program.spec.maximum > 1 else 4)
    fitting = max(1, BATCH_BYTES // (example * program.sizes.batch * strategy.width))
    return min(strategy.steps, program.sizes.steps_per_epoch, fitting)


def finish(program: Program, chunks: Sequence[Chunk], strategy: ExecutionStrategy) -> None:
    """Ends an epoch of chunks and adds its row to their curves."""
    for chunk, row in zip(
        chunks, [close(program, chunk, strategy) for chunk in chunks], strict=True
    ):
        chunk.rows.append(
            {name: values[: strategy.width] for name, values in jax.device_get(row).items()}
        )


def close(program: Program, chunk: Chunk, strategy: ExecutionStrategy) -> dict[str, jax.Array]:
    """Ends an epoch of a chunk; returns the curves' row, {name: [W]}, still on the device."""
    evaluated: dict[str, jax.Array] = {}
    if program.sizes.validation:
        variables = chunk.functions.evaluated(chunk.state, chunk.lanes)
        evaluated = evaluate(program, chunk, variables, chunk.lanes.validation)
    chunk.state, row = chunk.functions.close_epoch(
        chunk.state, chunk.lanes, evaluated, chunk.validation
    )
    if chunk.best_and_last is not None:
        loss = row.get("validation/loss", row["train/loss"])
        variables = chunk.functions.evaluated(chunk.state, chunk.lanes)
        chunk.best_and_last = best_and_last_lib.update(
            chunk.best_and_last, chunk.state, variables, loss
        )
    return row


def evaluate(
    program: Program, chunk: Chunk, variables: Any, rows: jax.Array
) -> dict[str, jax.Array]:
    """What `evaluate_examples` finds of rows [W, R], leaves [W, R, ...], a part at a time."""
    count = rows.shape[1]
    size = part_size(program, count)
    padded = rows if count % size == 0 else jnp.pad(rows, ((0, 0), (0, -count % size)), mode="edge")
    labels = itertools.repeat(None) if program.problem.summary else _labels(chunk, padded, size)
    parts = [
        chunk.functions.evaluate(variables, chunk.lanes, x, lane_rows, y)
        for (x, lane_rows), y in zip(chunk.batch_source.parts(padded, size), labels, strict=False)
    ]
    if len(parts) == 1:
        return {name: values[:, :count] for name, values in parts[0].items()}
    return {
        name: jnp.concatenate([part[name] for part in parts], axis=1)[:, :count]
        for name in parts[0]
    }


def _labels(chunk: Chunk, rows: jax.Array, size: int) -> Iterator[jax.Array]:
    """The labels [W, size, ...] of each part of rows [W, R]."""
    lane_rows = np.asarray(rows)[: chunk.lr_factors.shape[1]]
    for begin in range(0, lane_rows.shape[1], size):
        yield chunk.functions.replicate(chunk.clean[lane_rows[:, begin : begin + size]])


def part_size(program: Program, count: int) -> int:
    """How many of `count` rows are evaluated together."""
    most = EVALUATION_ROWS
    if (
        "per_step" in ARCHITECTURES.get(program.config.arch.name).needs_facts
    ):  # it keeps what it knows at each step
        shape = program.spec.shape
        most = min(most, EVALUATION_STEPS // math.prod(shape if len(shape) == 1 else shape[:-1]))
    return max(min(most, max(program.sizes.validation, program.sizes.test) or count), 1)
