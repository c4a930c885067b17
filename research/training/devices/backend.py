"""Backend: how functions of one lane run over the leading axis of a chunk."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from research.training.devices.batch_layout import Shard
from research.training.step.state import Tree

# Per argument: 0, each lane has its own value along a leading axis; None, all lanes share it.
Axes = tuple[int | None, ...]


class Backend(Protocol):
    """Maps functions of one lane over leaves [W, ...]: W lanes, or the devices of this process that
    share one run.

    Equal backends compile to equal programs, so a backend is a key of the compiled functions.
    """

    def __hash__(self) -> int: ...

    @property
    def shard(self) -> Shard:
        """What a mapped function knows of its share of a batch."""
        ...

    @property
    def lanes(self) -> int | None:
        """Lanes of a device; None where devices share one run, and see leaves without the leading
        axis."""
        ...

    def compile(
        self, function: Callable[..., Any], axes: Axes, donate: tuple[int, ...] = ()
    ) -> Callable[..., Any]:
        """The function, compiled.

        Args:
            function: of leaves [W, ...] on the device or devices.
            axes: of its arguments.
            donate: the arguments whose arrays are given away.
        """
        ...

    def share(self, tree: Tree) -> Tree:
        """What all lanes read, on the device or devices; leaves keep their shapes."""
        ...

    def replicate(self, tree: Tree) -> Tree:
        """Leaves with an entry per run, as leaves [W, ...] on the device or devices."""
        ...

    def repeat(self, values: np.ndarray) -> np.ndarray:
        """Values on the host with an entry per run, as [W, ...], still on the host."""
        ...
