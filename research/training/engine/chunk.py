"""A chunk: the lanes that train together on a device (or one run on several), and its placement."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from research.config import RunConfig
from research.data.features.named_arrays import nbytes, take
from research.data.spec import Arrays
from research.training.boosting.earlier_runs import Kept
from research.training.checkpoint import best_and_last as best_and_last_lib
from research.training.checkpoint.best_and_last import BestAndLast
from research.training.checkpoint.snapshot import InitialChunkState, Snapshot, resumed
from research.training.devices.chunk_functions import ChunkFunctions
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine.batch_source import HostSource, OnDeviceSource
from research.training.setup.lane_inputs import Inputs, make_lane_inputs, stacked
from research.training.setup.program import Program
from research.training.setup.warm_start import InitialWeights
from research.training.step.initial_state import compiled_initial_state
from research.training.step.state import Lane, LaneState


@dataclasses.dataclass(frozen=True)
class StreamingPolicy:
    """When inputs stay on the host and are streamed to the device.

    device: bytes of inputs above which they are streamed; None: never.
    processes: how many read ahead for a stream; 0 reads in threads of this process.
    """

    device: int | None = None
    processes: int = 0

    def streams(self, x: Any) -> bool:
        """Whether inputs x [N, ...] stay on the host."""
        return self.device is not None and nbytes(x) > self.device


ALL_ON_DEVICE = StreamingPolicy()


@dataclasses.dataclass(frozen=True)
class PackSetup:
    """What the runs of a pack start from, and what is kept of them.

    resume: a snapshot of these runs to go on from; None starts before the first step.
    memory: when inputs are streamed from the host.
    origins: per run, the variables that it starts from; None for its initial ones.
    earlier: per run, what the runs kept that it learns from, where it is boosted.
    keep: whether to keep the best and the last variables of each run. keep_predictions: whether
        outcomes hold the scores of validation and test rows.
    """

    resume: Snapshot | None = None
    memory: StreamingPolicy = ALL_ON_DEVICE
    origins: Sequence[InitialWeights | None] = ()
    earlier: Sequence[Sequence[Kept]] = ()
    keep: bool = False
    keep_predictions: bool = False


START = PackSetup()


@dataclasses.dataclass
class Chunk:
    """The lanes that train together, as the loop sees them between two dispatches.

    Leaves of lanes and state are [W, ...]: W lanes, or the devices that one run is spread over.

    members: the indices of its runs in the pack; the lanes after them are idle.
    first_epoch: the chunk's epoch at which each lane's run began, 0 unless it joined later.
    rows: the curves, one row per epoch.
    """

    members: list[int]
    functions: ChunkFunctions
    lanes: Lane
    state: LaneState
    lr_factors: np.ndarray  # [steps, W], or [steps, W, players]
    batch_source: OnDeviceSource | HostSource
    clean: Any  # labels [N, ...]
    validation: jax.Array  # labels of the validation rows, [W, V, ...]
    first_epoch: np.ndarray  # [W]
    real: np.ndarray | None = None  # rows that each lane's epoch reads, [W]; None: all as many
    rows: list[dict[str, np.ndarray]] = dataclasses.field(default_factory=list)
    best_and_last: BestAndLast | None = None  # where parameters are to be kept

    def trained_labels(self, lane: int) -> Any:
        """The labels [N, ...] that a lane trains on: after its label noise."""
        source = self.batch_source
        return np.asarray(source.y[lane]) if source.lanes_differ else self.clean

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
    setup: PackSetup = START,
) -> list[Chunk]:
    """The chunks of a pack, spread over the devices in turn.

    Args:
        program: what the runs have in common.
        configs: the config of each run.
        arrays: the data.
        strategy: how many lanes a chunk has, and over how many devices chunks are spread.
        setup: what the runs start from, and what is kept of them.

    Returns:
        The chunks, in the order of the runs.
    """
    arrays = program.spec.view(arrays)
    earlier = setup.earlier or [()] * len(configs)
    inputs = [
        make_lane_inputs(config, program, arrays, of_run)
        for config, of_run in zip(configs, earlier, strict=True)
    ]
    # Cached per device: its chunks share one copy of the data.
    placement = functools.cache(
        functools.partial(place_on_device, program, strategy, arrays, setup.memory)
    )
    devices = min(strategy.devices, len(jax.local_devices()))
    chunks = []
    for number, first in enumerate(range(0, len(inputs), strategy.width)):
        members = list(range(first, min(first + strategy.width, len(inputs))))
        # Idle lanes repeat the last run: every chunk then has the width that was compiled.
        idle = strategy.width - len(members)
        lanes = members + members[-1:] * idle
        if setup.resume is None:
            origins = setup.origins or [None] * len(inputs)
            initial = initial_chunk_state(program, inputs, lanes, origins, setup.keep)
        else:
            initial = resumed(setup.resume, lanes, setup.keep)
        lane_inputs = [inputs[index] for index in lanes]
        chunks.append(placement(number % devices).chunk(members, lane_inputs, initial))
    return chunks


@dataclasses.dataclass(frozen=True)
class DevicePlacement:
    """A device's functions and the data there. streams: whether the inputs stay on the host."""

    functions: ChunkFunctions
    width: int
    x: Any
    y: jax.Array
    arrays: Arrays
    memory: StreamingPolicy
    streams: bool

    def chunk(self, members: list[int], inputs: list[Inputs], initial: InitialChunkState) -> Chunk:
        """A chunk on this device.

        Args:
            members: the indices of its runs in the pack.
            inputs: the inputs of each lane, [W], idle lanes included.
            initial: its state before the first dispatch.
        """
        functions = self.functions
        backend = functions.backend
        arrays = self.arrays
        lanes = backend.replicate(stacked([lane_inputs.lane for lane_inputs in inputs]))
        # Labels get a lane axis only where noise makes them differ: else all lanes read one copy.
        noisy = any(lane_inputs.lane.hparams["label_noise"] for lane_inputs in inputs)
        y = functions.labels(lanes, self.y) if noisy else self.y
        of_rows = {} if arrays.weights is None else {"loss_weight": arrays.weights}
        if functions.program.boosted:
            # What a lane learns from earlier runs is looked up by the row's number.
            of_rows["row"] = np.arange(functions.program.spec.size, dtype=np.int32)
        batch_source: OnDeviceSource | HostSource = OnDeviceSource(
            self.x, y, noisy, backend.share(of_rows)
        )
        if self.streams:
            # One run over several devices has equal labels on each; the host needs them once.
            host_labels = np.asarray(y)[: self.width] if noisy else arrays.y
            batch_source = HostSource(
                self.x,
                host_labels,
                self.width,
                backend,
                self.memory.processes,
                noisy,
                of_rows,
            )
        validation = np.stack([lane_inputs.lane.validation for lane_inputs in inputs])
        real = None
        sizes = functions.program.sizes
        if sizes.uneven:
            train = np.stack([lane_inputs.lane.train for lane_inputs in inputs])
            epoch = sizes.steps_per_epoch * sizes.batch
            real = np.minimum((train >= 0).sum(axis=1), epoch).astype(np.int32)
        return Chunk(
            members=members,
            functions=functions,
            lanes=lanes,
            state=backend.replicate(initial.state),
            lr_factors=np.stack([lane_inputs.lr_factors for lane_inputs in inputs], axis=1),
            batch_source=batch_source,
            clean=arrays.y,
            validation=backend.replicate(take(arrays.y, validation)),
            first_epoch=np.zeros(len(inputs), np.int32),
            real=real,
            rows=initial.rows,
            best_and_last=backend.replicate(initial.best_and_last),
        )


def place_on_device(
    program: Program,
    strategy: ExecutionStrategy,
    arrays: Arrays,
    memory: StreamingPolicy,
    index: int,
) -> DevicePlacement:
    """The placement of a program's chunks.

    Args:
        program: what the runs have in common.
        strategy: how lanes are mapped.
        arrays: the data, which is copied to the device unless it is streamed.
        memory: when inputs are streamed from the host.
        index: which of this process's devices; ignored for a run that is spread over several.
    """
    device = jax.local_devices()[index] if strategy.replicas == 1 else None
    functions = ChunkFunctions.of(program, strategy, device)
    share = functions.backend.share
    streams = memory.streams(arrays.x)
    x = arrays.x if streams else share(arrays.x)
    return DevicePlacement(functions, strategy.width, x, share(arrays.y), arrays, memory, streams)


def initial_chunk_state(
    program: Program,
    inputs: list[Inputs],
    lanes: list[int],
    origins: Sequence[InitialWeights | None],
    keep: bool,
) -> InitialChunkState:
    """What a chunk begins with before its first step.

    Args:
        program: what the runs have in common.
        inputs: the inputs of each run.
        lanes: per lane of the chunk, the index of its run.
        origins: per run, the variables that it starts from; None for its own initial ones.
        keep: whether to keep the best and the last variables.
    """

    def initial(lane: Lane, origin: InitialWeights | None) -> LaneState:
        state = compiled_initial_state(program, lane)
        if origin is None:
            return state
        # Optimizer state and averages depend on the variables, so all of the state is renewed.
        return compiled_initial_state(program, lane, origin.merge(state.variables))

    # Stacked on the host: on a device each shape of a leaf would be a program to compile.
    states = jax.device_get([initial(inputs[i].lane, origins[i]) for i in lanes])
    state = jax.tree.map(lambda *leaves: np.stack(leaves), *states)
    return InitialChunkState(state, best_and_last_lib.before_training(state) if keep else None, [])
