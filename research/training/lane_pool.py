"""Refill: the places of a program's chunks, each of which the next run takes when the one at it has
ended.

A lane's bits depend neither on its neighbours nor on its place, so a run that began in the middle
of another's is bit for bit the run that trained alone with this strategy. Nothing is compiled
anew: what changes are the arrays.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from fractions import Fraction

import jax
import numpy as np

from research.config import RunConfig
from research.data.spec import Arrays
from research.training import chunk as chunk_lib
from research.training import loop
from research.training.chunk import ALL_ON_DEVICE, Chunk, DevicePlacement, StreamingPolicy
from research.training.lane_inputs import Inputs, make_lane_inputs
from research.training.loop import Outcome
from research.training.program import Program
from research.training.snapshot import InitialChunkState
from research.training.state import Tree
from research.training.strategy import ExecutionStrategy
from research.training.warm_start import InitialWeights


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A run that asks for a place. origin: where it starts from, if it has `init_from`."""

    id: str
    config: RunConfig
    origin: InitialWeights | None = None


@dataclasses.dataclass(frozen=True)
class LaneStatus:
    """Where a run at its place is after an epoch of its own. over: whether it trains no more.

    values: the epoch's row of its curves, finished as the final metrics are.
    """

    epochs: int
    over: bool
    values: dict[str, float]


@dataclasses.dataclass
class LanePool:
    """The places of a program: a chunk of `strategy.width` lanes on each of its devices. keep:
    outcomes hold variables."""

    program: Program
    strategy: ExecutionStrategy
    arrays: Arrays
    memory: StreamingPolicy = ALL_ON_DEVICE
    keep: bool = False

    def __post_init__(self) -> None:
        devices = min(self.strategy.devices, len(jax.local_devices()))
        self._home = functools.cache(
            functools.partial(
                chunk_lib.place_on_device, self.program, self.strategy, self.arrays, self.memory
            )
        )
        self._pace = chunk_lib.adaptive_dispatch(self.program, self.strategy)
        self._rows = [_Row([None] * self.strategy.width) for _ in range(devices)]
        self.computed = 0  # lanes that the last epoch computed, idle ones included

    @property
    def size(self) -> int:
        """How many runs train at once."""
        return len(self._rows) * self.strategy.width

    @property
    def run_ids(self) -> list[str]:
        """The runs that are at a place."""
        return [one for row in self._rows for one in row.at if one is not None]

    def admit(self, entrants: Sequence[Candidate]) -> None:
        """Gives each a free place with its initial state. There must be as many as that."""
        waiting = list(entrants)
        with self.program.precision_context():
            for device, row in enumerate(self._rows):
                free = [place for place, one in enumerate(row.at) if one is None]
                own, waiting = waiting[: len(free)], waiting[len(free) :]
                if own:
                    self._enter(row, self._home(device), dict(zip(free, own, strict=False)))
        assert not waiting, f"{len(waiting)} runs have no place"

    def _enter(self, row: "_Row", home: DevicePlacement, entrants: dict[int, Candidate]) -> None:
        """Puts runs at places of a chunk; one that has had no runs is made of them, idle lanes
        repeating the last."""
        inputs = {
            place: make_lane_inputs(one.config, self.program, self.arrays)
            for place, one in entrants.items()
        }
        first_epoch, every, last = (
            np.zeros(self.strategy.width, np.int32),
            list(range(self.strategy.width)),
            max(entrants),
        )
        if row.chunk is None:
            entered = [entrants.get(place, entrants[last]) for place in every]
            row.inputs = [inputs.get(place, inputs[last]) for place in every]
            begin = chunk_lib.initial_chunk_state(
                self.program, row.inputs, every, [one.origin for one in entered], self.keep
            )
        else:
            row.inputs = [inputs.get(place, row.inputs[place]) for place in every]
            held, first_epoch = (
                (row.chunk.state, row.chunk.best_and_last),
                row.chunk.first_epoch.copy(),
            )
            for place, one in entrants.items():
                fresh = chunk_lib.initial_chunk_state(
                    self.program, [inputs[place]], [0], [one.origin], self.keep
                )
                held, first_epoch[place] = (
                    _put(held, (fresh.state, fresh.best_and_last), np.int32(place)),
                    row.epochs,
                )
            begin = InitialChunkState(*held, row.chunk.rows)
        row.chunk = dataclasses.replace(
            home.chunk(every, row.inputs, begin), first_epoch=first_epoch
        )
        row.at = [entrants[place].id if place in entrants else row.at[place] for place in every]

    def advance(
        self, after: Callable[[Fraction], None] = lambda done: None
    ) -> dict[str, LaneStatus]:
        """Trains every run at a place for an epoch; chunks without runs rest.

        after: called between pieces of it, with the epochs done so far, all runs' added up.
        """
        running = [row for row in self._rows if any(one is not None for one in row.at)]
        found: dict[str, LaneStatus] = {}
        abreast: dict[int, list[_Row]] = {}  # by epoch: a chunk that rested is behind the others
        for row in running:
            abreast.setdefault(row.epochs, []).append(row)
        done = Fraction(0)
        with self.program.precision_context():
            for epoch, rows in abreast.items():
                runs = sum(one is not None for row in rows for one in row.at)

                def between(step: int, before: Fraction = done, runs: int = runs) -> None:
                    after(before + Fraction(step, self.program.sizes.steps_per_epoch) * runs)

                chunks = [row.running for row in rows]
                chunk_lib.run_epoch(
                    self.program, chunks, self.strategy, epoch, after=between, pace=self._pace
                )
                done += runs
        self.computed = self.strategy.width * len(running)
        for row in running:
            for place, one in enumerate(row.at):
                if one is not None:
                    found[one] = self._standing(row.running, place)
        return found

    def _standing(self, chunk: Chunk, place: int) -> LaneStatus:
        row = chunk.rows[-1]
        epochs = len(chunk.rows) - int(chunk.first_epoch[place])
        over = (
            epochs >= self.program.config.epochs
            or row["diverged_at"][place] >= 0
            or bool(row["stopped"][place])
        )
        return LaneStatus(epochs, over, loop.row_metrics(self.program, row, place))

    def outcomes(self, ids: Sequence[str]) -> dict[str, Outcome]:
        """The outcomes of runs that are at their places, as they are now."""
        wanted, found = set(ids), dict[str, Outcome]()
        with self.program.precision_context():
            for row in self._rows:
                at = {one: place for place, one in enumerate(row.at) if one in wanted}
                if at:
                    of_row = loop.outcomes(self.program, row.running, list(at.values()))
                    found |= dict(zip(at, of_row, strict=True))
        return found

    def release(self, ids: Sequence[str]) -> None:
        """Frees the places of these runs."""
        for row in self._rows:
            row.at = [None if one in ids else one for one in row.at]


@dataclasses.dataclass
class _Row:
    """The places of one chunk. at: who is at each, or None. inputs: what the chunk's lanes are made
    of."""

    at: list[str | None]
    chunk: Chunk | None = None
    inputs: list[Inputs] = dataclasses.field(default_factory=list)

    @property
    def running(self) -> Chunk:
        """The chunk, once it has had a run."""
        assert self.chunk is not None
        return self.chunk

    @property
    def epochs(self) -> int:
        """How many epochs the chunk has run."""
        return len(self.running.rows)


@functools.partial(jax.jit, donate_argnames=("held",))
def _put(held: Tree, fresh: Tree, place: jax.Array) -> Tree:
    """Leaves [W, ...] with the lane at `place` replaced by a fresh one, leaves [1, ...]."""
    return jax.tree.map(lambda leaf, new: leaf.at[place].set(new[0]), held, fresh)
