"""Chunk: lanes that share a dispatch; made from configs, or from a snapshot, and run an epoch at a
time."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from research.config import RunConfig
from research.data.spec import Arrays
from research.training import best_and_last as best_and_last_lib
from research.training import lanes as lanes_lib
from research.training import parallel
from research.training.batch_source import HostSource, OnDeviceSource
from research.training.best_and_last import BestAndLast
from research.training.lane_inputs import Inputs, make_lane_inputs, stacked
from research.training.lanes import Functions
from research.training.program import Program
from research.training.snapshot import InitialChunkState, Snapshot, resumed
from research.training.state import Lane, LaneState
from research.training.strategy import ExecutionStrategy
from research.training.warm_start import InitialWeights


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
