"""The queue: the runs of one program in the order in which a worker tries them, each once per
round."""

import collections
import itertools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """What stands in a queue."""

    @property
    def id(self) -> str:
        """The run's id."""
        ...


T = TypeVar("T", bound=Named)


class Queue(Generic[T]):
    """Hands out runs that are still to be done and nobody's, to the threads of one worker."""

    def __init__(
        self,
        runs: Iterable[T],
        open_: Callable[[str], bool],
        excluded: Callable[[], Collection[str]],
    ) -> None:
        """open_: whether a run is still to be done. held: the runs to pass over. Both are asked
        when a turn comes."""
        self._runs = collections.deque(runs)
        self._open = open_
        self._excluded = excluded
        self._lock = threading.Lock()

    def begin_at(self, share: float) -> None:
        """Turns the queue: workers that begin in different places do not meet. share: of the way
        through it, [0, 1)."""
        # Without the lock: no thread takes a turn yet.
        self._runs.rotate(-int(share * len(self._runs)))

    def waiting(self) -> list[T]:
        """What has not been handed out."""
        with self._lock:
            return list(self._runs)

    def next(self, count: int) -> list[T]:
        """The next runs, at most `count`. What is passed over has no turn before the next round."""
        with self._lock:
            return list(itertools.islice(self._free(self._excluded()), count))

    def _free(self, excluded: Collection[str]) -> Iterator[T]:
        while self._runs:
            run = self._runs.popleft()
            if run.id not in excluded and self._open(run.id):
                yield run
