"""LanePool: the lanes of a program's chunks, which runs take and release one by one.

A lane's bits depend neither on its neighbours nor on its index in the chunk. So a run that joins a
chunk in the middle is bit for bit the run that trained alone with this strategy. Only arrays
change, so nothing is compiled again.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from fractions import Fraction

import jax
import numpy as np

from research.config import RunConfig
from research.data.spec import Arrays
from research.training.checkpoint.snapshot import InitialChunkState
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import chunk as chunk_lib
from research.training.engine import loop
from research.training.engine import outcomes as outcomes_lib
from research.training.engine.chunk import ALL_ON_DEVICE, Chunk, DevicePlacement, StreamingPolicy
from research.training.engine.outcomes import Outcome
from research.training.setup.lane_inputs import Inputs, make_lane_inputs
from research.training.setup.program import Program
from research.training.setup.warm_start import InitialWeights
from research.training.step.state import Tree


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A run that waits for a lane. origin: what it starts from, if it has `init_from`."""

    id: str
    config: RunConfig
    origin: InitialWeights | None = None


@dataclasses.dataclass(frozen=True)
class LaneStatus:
    """The status of a run after an epoch. over: whether it trains no more.

    values: the epoch's row of its curves, finished as the final metrics are.
    """

    epochs: int
    over: bool
    values: dict[str, float]


@dataclasses.dataclass
class LanePool:
    """The lanes of a program: a chunk of `strategy.width` lanes on each of its devices.

    keep, keep_predictions: whether outcomes hold variables, and scores.
    """

    program: Program
    strategy: ExecutionStrategy
    arrays: Arrays
    memory: StreamingPolicy = ALL_ON_DEVICE
    keep: bool = False
    keep_predictions: bool = False

    def __post_init__(self) -> None:
        self.arrays = self.program.spec.view(self.arrays)
        devices = min(self.strategy.devices, len(jax.local_devices()))
        # Cached per device: the data is moved there once, when its first run arrives.
        self._placement = functools.cache(
            functools.partial(
                chunk_lib.place_on_device, self.program, self.strategy, self.arrays, self.memory
            )
        )
        self._pace = loop.adaptive_dispatch(self.program, self.strategy)
        self._slots = [_ChunkSlots([None] * self.strategy.width) for _ in range(devices)]
        self.computed = 0  # lanes that the last epoch computed, idle ones included

    @property
    def size(self) -> int:
        """How many runs train at once."""
        return len(self._slots) * self.strategy.width

    @property
    def run_ids(self) -> list[str]:
        """The runs that have a lane."""
        return [run_id for slots in self._slots for run_id in slots.occupied.values()]

    def admit(self, candidates: Sequence[Candidate]) -> None:
        """Gives each candidate a free lane with its initial state; there must be enough lanes."""
        waiting = list(candidates)
        with self.program.precision_context():
            for device, slots in enumerate(self._slots):
                free = [lane for lane, run_id in enumerate(slots.run_ids) if run_id is None]
                admitted = waiting[: len(free)]
                waiting = waiting[len(free) :]
                if admitted:
                    entrants = dict(zip(free, admitted, strict=False))
                    self._enter(slots, self._placement(device), entrants)
        assert not waiting, f"{len(waiting)} runs have no lane"

    def _enter(
        self, slots: "_ChunkSlots", placement: DevicePlacement, entrants: dict[int, Candidate]
    ) -> None:
        """Puts candidates into lanes of a chunk, which is created for its first ones."""
        inputs = {
            lane: make_lane_inputs(candidate.config, self.program, self.arrays)
            for lane, candidate in entrants.items()
        }
        lanes = list(range(self.strategy.width))
        if slots.chunk is None:
            # Idle lanes repeat the last run: the compiled program always has the full width.
            last = max(entrants)
            slots.inputs = [inputs.get(lane, inputs[last]) for lane in lanes]
            origins = [entrants.get(lane, entrants[last]).origin for lane in lanes]
            first_epoch = np.zeros(self.strategy.width, np.int32)
            initial = chunk_lib.initial_chunk_state(
                self.program, slots.inputs, lanes, origins, self.keep
            )
        else:
            slots.inputs = [inputs.get(lane, slots.inputs[lane]) for lane in lanes]
            states = (slots.chunk.state, slots.chunk.best_and_last)
            first_epoch = slots.chunk.first_epoch.copy()
            for lane, candidate in entrants.items():
                fresh = chunk_lib.initial_chunk_state(
                    self.program, [inputs[lane]], [0], [candidate.origin], self.keep
                )
                # The index is an array, so that one compiled program serves every lane.
                states = _put(states, (fresh.state, fresh.best_and_last), np.int32(lane))
                first_epoch[lane] = slots.epochs
            initial = InitialChunkState(*states, slots.chunk.rows)
        chunk = placement.chunk(lanes, slots.inputs, initial)
        slots.chunk = dataclasses.replace(chunk, first_epoch=first_epoch)
        for lane, candidate in entrants.items():
            slots.run_ids[lane] = candidate.id

    def advance(
        self, after: Callable[[Fraction], None] = lambda done: None
    ) -> dict[str, LaneStatus]:
        """Trains every run for an epoch; chunks without runs rest.

        after: called between pieces of it, with the epochs done so far, summed over the runs.
        """
        running = [slots for slots in self._slots if slots.occupied]
        # A chunk that rested is behind the others, and `run_epoch` takes chunks at one epoch.
        by_epoch: dict[int, list[_ChunkSlots]] = {}
        for slots in running:
            by_epoch.setdefault(slots.epochs, []).append(slots)
        done = Fraction(0)
        with self.program.precision_context():
            for epoch, group in by_epoch.items():
                runs = sum(len(slots.occupied) for slots in group)

                # Bound as defaults: the closure must not see the next group's values.
                def between(step: int, before: Fraction = done, runs: int = runs) -> None:
                    after(before + Fraction(step, self.program.sizes.steps_per_epoch) * runs)

                chunks = [slots.running for slots in group]
                loop.run_epoch(
                    self.program, chunks, self.strategy, epoch, after=between, pace=self._pace
                )
                done += runs
        self.computed = self.strategy.width * len(running)
        return {
            run_id: self._status(slots.running, lane)
            for slots in running
            for lane, run_id in slots.occupied.items()
        }

    def _status(self, chunk: Chunk, lane: int) -> LaneStatus:
        row = chunk.rows[-1]
        epochs = len(chunk.rows) - int(chunk.first_epoch[lane])
        over = (
            epochs >= self.program.config.epochs
            or row["diverged_at"][lane] >= 0
            or bool(row["stopped"][lane])
        )
        return LaneStatus(epochs, over, outcomes_lib.row_metrics(self.program, row, lane))

    def outcomes(self, ids: Sequence[str]) -> dict[str, Outcome]:
        """The outcomes of runs that have a lane, as they are now."""
        outcomes: dict[str, Outcome] = {}
        with self.program.precision_context():
            for slots in self._slots:
                lanes = {run_id: lane for lane, run_id in slots.occupied.items() if run_id in ids}
                if lanes:
                    results = outcomes_lib.outcomes(
                        self.program, slots.running, list(lanes.values()), self.keep_predictions
                    )
                    outcomes |= dict(zip(lanes, results, strict=True))
        return outcomes

    def release(self, ids: Sequence[str]) -> None:
        """Frees the lanes of these runs."""
        for slots in self._slots:
            slots.run_ids = [None if run_id in ids else run_id for run_id in slots.run_ids]


@dataclasses.dataclass
class _ChunkSlots:
    """Which runs have the lanes of one chunk.

    run_ids: per lane, the run, or None. inputs: per lane, what the chunk was created from.
    """

    run_ids: list[str | None]
    chunk: Chunk | None = None
    inputs: list[Inputs] = dataclasses.field(default_factory=list)

    @property
    def occupied(self) -> dict[int, str]:
        """The runs by the index of their lanes."""
        return {lane: run_id for lane, run_id in enumerate(self.run_ids) if run_id is not None}

    @property
    def running(self) -> Chunk:
        """The chunk, once it has had a run."""
        assert self.chunk is not None
        return self.chunk

    @property
    def epochs(self) -> int:
        """How many epochs the chunk has run."""
        return len(self.running.rows)


# The old states are given away: a chunk's state may be most of the device's memory.
@functools.partial(jax.jit, donate_argnames=("states",))
def _put(states: Tree, fresh: Tree, lane: jax.Array) -> Tree:
    """Leaves [W, ...] with one lane replaced by a fresh one, leaves [1, ...]."""
    return jax.tree.map(lambda leaf, new: leaf.at[lane].set(new[0]), states, fresh)
