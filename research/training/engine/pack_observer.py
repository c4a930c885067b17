"""Observer: who follows a pack while it trains."""

import dataclasses
from collections.abc import Callable

from research.training.checkpoint.snapshot import Snapshot


@dataclasses.dataclass(frozen=True)
class EpochProgress:
    """How far a pack is: epochs done of all, and lanes that still train.

    curves: of each run so far, by name, one value an epoch; made when it is called. latest: of each
        run its metrics of the epoch, by name, {} of one that did not train in it to its end; made
        when it is called.
    """

    epoch: int
    epochs: int
    live: int
    lanes: int
    curves: Callable[[], list[dict[str, list[float]]]]
    latest: Callable[[], list[dict[str, float]]] = list


@dataclasses.dataclass(frozen=True)
class Boundary:
    """Between two pieces of dispatches, every run having `step` updates behind it.

    wait: until the devices have done what was dispatched. snapshot: of the pack as it is here.
    """

    step: int
    wait: Callable[[], None]
    snapshot: Callable[[], Snapshot]


class PackObserver:
    """Follows a pack. Each method does nothing unless a subclass defines it; any may raise to stop
    the training."""

    def at_boundary(self, boundary: Boundary) -> None:
        """Called between pieces of dispatches."""

    def at_epoch(self, progress: EpochProgress) -> None:
        """Called after each epoch."""

    def at_warning(self, message: str) -> None:
        """Called with what a fit on the host warned of."""


NOBODY = PackObserver()
