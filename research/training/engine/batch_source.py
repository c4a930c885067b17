"""Batch sources: data on the device, or streamed from the host by Grain's workers.

Both hand out the same rows, so a run's bits do not depend on where its data lies.
"""

import contextlib
import dataclasses
from collections.abc import Generator, Mapping
from typing import Any

import jax
import numpy as np

from research.data import stream
from research.data.features.named_arrays import by_array, take
from research.training.devices.backend import Backend
from research.training.devices.chunk_functions import RowBlock


@dataclasses.dataclass(frozen=True, eq=False)
class OnDeviceSource:
    """The whole data on the device. y: labels [N, ...], or [W, N] where lanes differ. of_rows: as
    of `RowBlock`."""

    x: Any
    y: Any
    lanes_differ: bool = False
    of_rows: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def batches(
        self, rows: jax.Array, *, first: int, steps: int, batch: int
    ) -> Generator[RowBlock, None, None]:
        """Yields a block per dispatch.

        Args:
            rows: the rows that the epoch's updates read, [W, R].
            first: the step of the epoch to begin with.
            steps: updates per dispatch.
            batch: rows per update.
        """
        for begin in range(first * batch, rows.shape[1], steps * batch):
            yield RowBlock(self.x, self.y, rows, begin // batch, self.lanes_differ, self.of_rows)

    def parts(
        self, rows: jax.Array, size: int
    ) -> Generator[tuple[jax.Array, jax.Array], None, None]:
        """(x, rows [W, size] of it) for each part of an evaluation's rows [W, E], E a multiple of
        size."""
        for begin in range(0, rows.shape[1], size):
            yield self.x, rows[:, begin : begin + size]


@dataclasses.dataclass(frozen=True, eq=False)
class HostSource:
    """x [N, ...] and y [N, ...] or [W, N] on the host, x memory-mapped. A slab holds what one
    dispatch reads, no more.

    lanes: how many differ; the rows of one run that is spread over devices are the same on each.
        lanes_differ: whether y differs between lanes. of_rows: as of `OnDeviceSource`.
    """

    x: Any
    y: Any
    lanes: int
    backend: Backend
    processes: int
    lanes_differ: bool = False
    of_rows: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    def batches(
        self, rows: jax.Array, *, first: int, steps: int, batch: int
    ) -> Generator[RowBlock, None, None]:
        """Like `OnDeviceSource.batches`, read from the host's memory.

        Args:
            rows: the rows of an epoch in order, int32 [W, R].
            first: the first step.
            steps: steps per dispatch.
            batch: examples per step.
        """
        lane_rows = np.asarray(rows)[: self.lanes]
        read = stream.batches(
            self.x, lane_rows, first=first, steps=steps, batch=batch, processes=self.processes
        )
        # Closed when the training stops early, or the readers would go on in the background.
        with contextlib.closing(read):
            for number, x in enumerate(read):  # [steps, W, batch, ...]
                begin = (first + number * steps) * batch
                # One flat array of rows, as on the device: the same gather serves both sources.
                flat = by_array(x, lambda a: a.swapaxes(0, 1).reshape(-1, *a.shape[3:]))
                part = lane_rows[:, begin : begin + steps * batch]
                labels = (
                    np.take_along_axis(self.y, part, axis=1)
                    if self.lanes_differ
                    else take(self.y, part)
                )
                flat_labels = by_array(labels, lambda a: a.reshape(-1, *a.shape[2:]))
                of_rows = {name: values[part].reshape(-1) for name, values in self.of_rows.items()}
                inputs, targets, of_rows = self.backend.share((flat, flat_labels, of_rows))
                places = self._places(part.shape[1])
                yield RowBlock(inputs, targets, places, 0, of_rows=of_rows)

    def parts(
        self, rows: jax.Array, size: int
    ) -> Generator[tuple[jax.Array, jax.Array], None, None]:
        """As `OnDeviceSource` does."""
        lane_rows = np.asarray(rows)[: self.lanes]
        with contextlib.closing(
            stream.parts(self.x, lane_rows, size=size, processes=self.processes)
        ) as read:
            for x in read:  # [W, size, ...]
                flat = by_array(x, lambda a: a.reshape(-1, *a.shape[2:]))
                yield self.backend.share(flat), self._places(size)

    def _places(self, count: int) -> jax.Array:
        """The rows of each lane as places in its slab, [W, count]."""
        every = np.arange(self.lanes * count, dtype=np.int32).reshape(self.lanes, count)
        return self.backend.replicate(every)
