"""Snapshot: the whole state of a pack at a step boundary, on the host."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from research.training.checkpoint.best_and_last import BestAndLast
from research.training.devices.strategy import ExecutionStrategy
from research.training.step.state import LaneState, Tree


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """Of M runs after `step` updates each, in their order and without idle lanes.

    Where `step` is a multiple of the steps an epoch, the epoch before it is closed. state: leaves
    [M, ...]. rows: the curves so far with what else an epoch leaves behind, {name: [M, epochs,
    ...]}. seconds: that it took to come here.
    best_and_last: what the runs keep, leaves [M, ...], or None. earlier: how else steps before it
        were trained, if not all were trained by one strategy on one kind of device: their bits
        repeat nowhere. trained: that strategy and kind of device, of one that was read from a disk,
        where the checkpoint says so.
    """

    step: int
    state: LaneState
    rows: dict[str, np.ndarray]
    seconds: float = 0.0
    best_and_last: BestAndLast | None = None
    earlier: tuple[str, ...] = ()
    trained: tuple[ExecutionStrategy, str] | None = None

    @property
    def runs(self) -> int:
        """How many runs it holds."""
        return int(jax.tree.leaves(self.state)[0].shape[0])


def take(step: int, chunks: Sequence[Any]) -> Snapshot:
    """The snapshot of a pack's chunks, all of them at `step`; waits for the devices.

    A chunk that is dropped has fewer rows: it is filled up with copies of its last, which nothing
    reads, since a run's curves end with its own last epoch.
    """
    epochs = max(len(chunk.rows) for chunk in chunks)
    # One transfer per chunk; it waits for the updates that are still running.
    states = [
        _members(jax.device_get((chunk.state, chunk.best_and_last)), len(chunk.members))
        for chunk in chunks
    ]
    state, best_and_last = jax.tree.map(lambda *leaves: np.concatenate(leaves), *states)
    rows: dict[str, np.ndarray] = {}
    if epochs:
        filled = [chunk.rows + chunk.rows[-1:] * (epochs - len(chunk.rows)) for chunk in chunks]
        for name in chunks[0].rows[0]:
            of_chunks = [
                np.stack([row[name] for row in of_chunk], axis=1)[: len(chunk.members)]
                for chunk, of_chunk in zip(chunks, filled, strict=True)
            ]
            rows[name] = np.concatenate(of_chunks)
    return Snapshot(step, state, rows, best_and_last=best_and_last)


def select(snapshot: Snapshot, places: Sequence[int]) -> Snapshot:
    """The snapshot of some of its runs."""
    index = np.asarray(places)
    state, rows, best_and_last = jax.tree.map(
        lambda leaf: leaf[index], (snapshot.state, snapshot.rows, snapshot.best_and_last)
    )
    return dataclasses.replace(snapshot, state=state, rows=rows, best_and_last=best_and_last)


class InitialChunkState(NamedTuple):
    """What a chunk begins with: its state and what it keeps, leaves [W, ...] on the host or a
    device, and its rows."""

    state: LaneState
    best_and_last: BestAndLast | None
    rows: list[dict[str, np.ndarray]]


def resumed(snapshot: Snapshot, places: Sequence[int], keep: bool) -> InitialChunkState:
    """What a chunk begins with whose lanes are runs of a snapshot.

    Args:
        snapshot: the runs that were saved together.
        places: the snapshot's index of each lane.
        keep: whether the best and last parameters are kept.

    Raises:
        ValueError: parameters are to be kept, and the snapshot is of runs that keep none.
    """
    if keep and snapshot.best_and_last is None:
        raise ValueError(
            "the snapshot is of runs that keep no parameters, so their best ones are not known"
        )
    index = np.asarray(places)
    leaves = (snapshot.state, snapshot.best_and_last if keep else None)
    state, best_and_last = jax.tree.map(lambda leaf: leaf[index], leaves)
    epochs = next((values.shape[1] for values in snapshot.rows.values()), 0)
    rows = [
        {name: values[index, epoch] for name, values in snapshot.rows.items()}
        for epoch in range(epochs)
    ]
    return InitialChunkState(state, best_and_last, rows)


def _members(state: Tree, count: int) -> Tree:
    """Without idle lanes, and copied: on a CPU the host's view is the device's memory, which the
    next step takes."""
    return jax.tree.map(lambda leaf: np.array(leaf[:count]), state)
