"""Windows: every stretch of a long sequence as a row, without storing more than the sequence."""

import dataclasses
from typing import Any

import jax
import numpy as np


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """The stretches of `length` values that begin at each place, [N, length], indexed by rows as an array is.

    Row i holds values[first + i : first + i + length]. values: [M], on the host or on a device, or of whatever else
    takes its place in a pytree. rows: N.
    """

    values: Any
    length: int = dataclasses.field(metadata={"static": True})
    rows: int = dataclasses.field(metadata={"static": True})
    first: int = dataclasses.field(default=0, metadata={"static": True})

    def __getitem__(self, rows: Any) -> Any:
        """Rows [...] as [..., length]."""
        return self.values[rows[..., None] + np.arange(self.first, self.first + self.length, dtype=np.int32)]

    def __len__(self) -> int:
        return self.rows

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.length

    @property
    def ndim(self) -> int:
        return 2

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    @property
    def nbytes(self) -> int:
        """What is stored."""
        return self.values.nbytes
