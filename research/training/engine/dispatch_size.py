"""Dispatch size: how many updates are sent to the device at once, so that a stop need not wait
long."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

# A piece of a dispatch takes at least half of this, where the dispatch is as long, and seldom more
# than all of it.
PIECE_SECONDS = 0.5


@dataclasses.dataclass
class AdaptiveDispatch:
    """Cuts dispatches of `most` updates into pieces of `steps`: one compiled program runs
    them all, so no bit depends on the cut.

    The first piece, which compiles, and the second are one update; then they grow while they are
    short, and the devices are waited for. settled: they grow no more.
    """

    most: int
    steps: int = 1
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        self.settled = self.steps >= self.most
        self._compiled = False

    @contextlib.contextmanager
    def measure(self, wait: Callable[[], object]) -> Iterator[None]:
        """Around the making of a piece. wait: until the devices have done it."""
        began = self.clock()
        yield
        if self.settled:
            return
        # Dispatching returns at once, so only a wait shows how long the piece takes.
        wait()
        if self._compiled:
            if self.clock() - began < PIECE_SECONDS / 2:
                # Doubled only below half of the limit, so that a piece seldom exceeds it.
                self.steps = min(2 * self.steps, self.most)
                self.settled = self.steps == self.most
            else:
                self.settled = True
        self._compiled = True


# Dispatches are made whole; each update is made alone.
WHOLE_DISPATCHES = AdaptiveDispatch(most=1, steps=1 << 30)
ONE_BY_ONE = AdaptiveDispatch(most=1)
