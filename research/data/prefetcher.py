"""The prefetcher: values of a function of an index, computed ahead by Grain's threads or processes,
in order."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")

# Workers' numpy and Pillow release the interpreter's lock, so threads share the cores without a
# process's start.
THREADS = 2
# Decoding takes all cores; a small machine still waits for some of its files.
DECODERS = min(16, max(4, os.cpu_count() or 1))
# Elements that are ready or being made, at most, of each process: the bound on the memory of
# reading ahead.
AHEAD = 4


def _undisturbed(worker: int, workers: int) -> None:
    """A terminal's Ctrl-C goes to every process; who is to stop first saves, and then ends its
    workers.

    A worker whose process is gone ends itself.
    """
    # Ctrl-C reaches the whole process group, and only the parent decides how to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def outlive_none() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    # A worker must not outlive its parent, which may be killed without a chance to end it.
    threading.Thread(target=outlive_none, daemon=True).start()


class Prefetcher(Iterator[T], Generic[T]):
    """The values function(0), function(1), ..., function(count - 1), in that order, whatever the
    workers.

    Work starts when it is made (in processes at the first value). An error of the function is
    raised where its value would have come. Close it, or use it in a `with`, when it is not read to
    its end: then none of its threads and processes is left.

    function: of the index alone; it must be picklable where processes run it, and absl's flags
        parsed.
    threads: of each process. ahead: the values that are made before they are asked for, at least as
        many as threads.
    processes: 0 for none; they take seconds to start, which only a function that holds the
        interpreter's lock earns.
    """

    def __init__(
        self,
        function: Callable[[int], T],
        count: int,
        *,
        threads: int = THREADS,
        ahead: int = AHEAD,
        processes: int = 0,
    ) -> None:
        import grain

        self._ended = False
        self._threads: set[threading.Thread] = set()
        indices = grain.MapDataset.range(count)
        elements = indices.map(function if processes else self._noting(function)).to_iter_dataset(
            grain.ReadOptions(num_threads=threads, prefetch_buffer_size=max(threads, ahead))
        )
        if processes:
            elements = elements.mp_prefetch(
                grain.MultiprocessingOptions(
                    num_workers=processes, per_worker_buffer_size=max(1, ahead // 2)
                ),
                worker_init_fn=_undisturbed,
            )
        self._elements = iter(elements)
        self._elements.start_prefetch()

    def __next__(self) -> T:
        if self._ended:
            raise StopIteration
        try:
            return next(self._elements)
        except BaseException as error:
            # Any error ends the workers too: the caller may never call close.
            self._ended = isinstance(error, StopIteration)
            self.close()
            raise

    def close(self) -> None:
        """Drops what was made ahead and returns when all workers have ended. A second time it does
        nothing."""
        self._elements.close()
        # Grain tells its threads to end but does not wait for them.
        for thread in tuple(self._threads):
            thread.join()
        self._threads.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _noting(self, function: Callable[[int], T]) -> Callable[[int], T]:
        """The function, which also notes the thread that it runs in."""
        threads = self._threads

        def noting(index: int) -> T:
            # Grain does not name its threads, so each notes itself when it first reads.
            threads.add(threading.current_thread())
            return function(index)

        return noting
