"""Streams: batches of a data set that is larger than the device's memory, gathered on the host by
Grain's workers.

The rows and their order are those that a gather on the device would read, so a run does not depend
on where its data lies. Only `x` streams; `y`, four bytes a row, stays on the device.
"""

import dataclasses
from typing import Any

import numpy as np

from research.data.features.named_arrays import by_array, take
from research.data.prefetcher import Prefetcher


@dataclasses.dataclass(frozen=True, eq=False)
class Batches:
    """The batches of the dispatches from `first` on, by their number: `batches(0)` is [steps, W,
    batch, ...].

    x: [N, ...], memory-mapped. rows: int32 [W, R], the rows of an epoch's order for each lane.
        first: the step of the epoch where number 0 begins, so that a resumed run reads nothing of
        what lies before it. steps: of a dispatch. Past the end of `rows` the last one is repeated;
        no update reads it.
    """

    x: np.ndarray
    rows: np.ndarray
    first: int
    steps: int
    batch: int

    def __len__(self) -> int:
        left = self.rows.shape[1] - self.first * self.batch
        return max(0, -(-left // (self.steps * self.batch)))

    def __call__(self, number: int) -> np.ndarray:
        """The batches of a dispatch, [steps, W, batch, ...]."""
        begin = (self.first + number * self.steps) * self.batch
        columns = np.arange(begin, begin + self.steps * self.batch)
        # The last dispatch has the shape of the others, so that nothing is compiled for it.
        chosen = self.rows[:, np.minimum(columns, self.rows.shape[1] - 1)]
        return take(self.x, chosen.reshape(-1, self.steps, self.batch).swapaxes(0, 1))

    def __getstate__(self) -> dict[str, Any]:
        # Pickling a memory map copies the whole file into each worker process; its place is enough.
        return self.__dict__ | {"x": by_array(self.x, lambda array: mapped_file(array) or array)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        x = by_array(state["x"], lambda a: a.open() if isinstance(a, MappedFile) else a)
        self.__dict__.update(state | {"x": x})


@dataclasses.dataclass(frozen=True)
class MappedFile:
    """Where a memory-mapped array lies: what a worker process is sent in its place."""

    file: str
    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int

    def open(self) -> np.ndarray:
        """The array, mapped again."""
        return np.asarray(np.memmap(self.file, self.dtype, "r", self.offset, self.shape))


def mapped_file(x: np.ndarray) -> MappedFile | None:
    """Where x [N, ...] lies, or None if it is not a contiguous part of a memory-mapped file."""
    base: Any = x
    # np.asarray and slicing hide the map behind plain arrays.
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    if base is None or not x.flags.c_contiguous:
        return None
    # A view has the offset of the whole map, not its own.
    while isinstance(base.base, np.memmap):
        base = base.base
    offset = base.offset + x.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return MappedFile(str(base.filename), x.dtype, x.shape, offset)


def batches(
    x: np.ndarray, rows: np.ndarray, *, first: int, steps: int, batch: int, processes: int = 0
) -> Prefetcher[np.ndarray]:
    """The host's batches of an epoch's dispatches, [steps, W, batch, ...] each, read ahead; see
    Batches.

    They are what a gather of the same rows on the device gives. Each is a fresh array. Close the
    result when you leave it early.

    Args:
        x: inputs [N, ...].
        rows: int32 [W, R], the rows of an epoch in order, per lane.
        first: the first step.
        steps: steps per dispatch.
        batch: examples per step.
        processes: 0 reads in threads, which suffices for a gather.
    """
    dispatches = Batches(x, rows, first, steps, batch)
    return Prefetcher(dispatches, len(dispatches), processes=processes)


def parts(
    x: np.ndarray, rows: np.ndarray, *, size: int, processes: int = 0
) -> Prefetcher[np.ndarray]:
    """The rows of an evaluation in parts, [W, size, ...] each; the last part repeats the last row.

    Args:
        x: inputs [N, ...].
        rows: int32 [W, E], the rows of x to evaluate, per lane.
        size: examples per part.
        processes: 0 reads in threads.
    """
    whole = Parts(Batches(x, rows, 0, 1, size))
    return Prefetcher(whole, len(whole.steps), processes=processes)


@dataclasses.dataclass(frozen=True)
class Parts:
    """Batches of one step a dispatch, without that axis."""

    steps: Batches

    def __call__(self, number: int) -> np.ndarray:
        """The rows of a part, [W, size, ...]."""
        return by_array(self.steps(number), lambda array: array[0])
