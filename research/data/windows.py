"""Windows: every stretch of a long sequence as a row, without storing more than the sequence."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class Windowing:
    """Rows are windows of long sequences, one at each place, which a split cuts into stretches.

    series: of several series that lie one after another, the length of each, () of one. parts:
        where the sequence comes in parts of its own, the lengths of train, validation and test.
    burn_in: steps at a window's start that have no target, but warm up what goes on from them.
    """

    series: tuple[int, ...] = ()
    parts: tuple[int, ...] = ()
    burn_in: int = 0


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """The stretches of `length` values that begin at each place, [N, length], indexed by rows as an
    array is.

    Row i holds values[first + i : first + i + length]. values: [M], on the host or on a device, or
    of whatever else takes its place in a pytree. rows: N. burn_in: so many of a row's first values,
    which are floats, are NaN instead.
    """

    values: Any
    length: int = dataclasses.field(metadata={"static": True})
    rows: int = dataclasses.field(metadata={"static": True})
    first: int = dataclasses.field(default=0, metadata={"static": True})
    burn_in: int = dataclasses.field(default=0, metadata={"static": True})

    def __getitem__(self, rows: Any) -> Any:
        """Rows [...] as [..., length]."""
        gathered = self.values[
            rows[..., None] + np.arange(self.first, self.first + self.length, dtype=np.int32)
        ]
        if not self.burn_in:
            return gathered
        where = np.where if isinstance(gathered, np.ndarray) else jnp.where
        # NaN marks a step without target, which losses and metrics leave out.
        return where(np.arange(self.length) < self.burn_in, np.float32(np.nan), gathered)

    def covered(self, rows: np.ndarray) -> np.ndarray:
        """The values that these rows hold, each once and in their order, [K]; those of a burn-in
        included."""
        edges = np.zeros(self.rows + self.length + 1, np.int64)
        np.add.at(edges, rows, 1)
        np.add.at(edges, rows + self.length, -1)
        (places,) = np.nonzero(np.cumsum(edges))
        return np.asarray(self.values)[self.first + places]

    def after_burn_in(self) -> "Windows":
        """The windows without their burn-in, [N, length - burn_in]."""
        first, length = self.first + self.burn_in, self.length - self.burn_in
        return dataclasses.replace(self, first=first, length=length, burn_in=0)

    def __len__(self) -> int:
        return self.rows

    @property
    def shape(self) -> tuple[int, int]:
        """Of all windows, [N, T]."""
        return self.rows, self.length

    @property
    def ndim(self) -> int:
        """As an array of all windows has it."""
        return 2

    @property
    def dtype(self) -> np.dtype:
        """Of the values."""
        return self.values.dtype

    @property
    def nbytes(self) -> int:
        """What is stored."""
        return self.values.nbytes
