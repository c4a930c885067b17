"""Signals while runs train: SIGTERM and Ctrl-C are noticed at once, and training stops at its next
step."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

# What a stopped program exits with (sysexits.h: a temporary failure, try again): its state is
# saved.
EXIT_STOPPED = 75
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def end_at_once() -> None:
    """Until the program has begun (launch/cli/start.py), a signal ends it with one line: there is
    nothing to save."""

    def end(number: int, frame: object) -> None:
        _say(f"stopped by {signal.Signals(number).name} before anything began")
        os._exit(EXIT_STOPPED)

    for number in _SIGNALS:
        signal.signal(number, end)


def interrupt() -> None:
    """From now on a signal raises KeyboardInterrupt."""
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)


STOPPING = "stopping at the next step, to save what is under way; once more ends at once"


@contextlib.contextmanager
def watching(say: str = STOPPING, again: bool = True) -> Iterator[Callable[[], str]]:
    """Gives a function that says why to stop, or "". A second signal ends the process at once,
    unless not `again`.

    say: what is said of the first.

    Where several processes train together it gives none: they agree on a step by JAX's own
    preemption service. Nor does it in a thread other than the main one, to which Python gives no
    handlers.
    """
    import jax  # takes seconds, before which a signal must have its handler

    if jax.process_count() > 1 or threading.current_thread() is not threading.main_thread():
        yield lambda: ""
        return
    # The thread appends and the main thread reads: one append needs no lock.
    received: list[str] = []

    def noticed(name: str) -> None:
        if received and again:
            _say(f"{name} again: ending at once")
            os._exit(EXIT_STOPPED)
        if not received:
            received.append(name)
            _say(f"{name}: {say}")

    with _reading(noticed):
        yield lambda: received[0] if received else ""


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """A signal ends the process at once, whatever it computes: there is nothing to save."""

    def noticed(name: str) -> None:
        _say(f"stopped by {name}")
        os._exit(EXIT_STOPPED)

    with _reading(noticed):
        yield


@contextlib.contextmanager
def _reading(noticed: Callable[[str], None]) -> Iterator[None]:
    """Calls `noticed` with the name of each signal, in a thread.

    The thread reads them from a pipe that C code writes to: a Python handler would wait for the
    main thread, and so for whatever XLA compiles there.
    """
    reader, writer = os.pipe()
    # set_wakeup_fd requires it: a handler in C must not wait for a reader.
    os.set_blocking(writer, False)

    def watch() -> None:
        while numbers := os.read(reader, 64):
            for number in numbers:
                if number in _SIGNALS:
                    noticed(signal.Signals(number).name)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    # Python writes to the pipe only for signals that have a Python handler.
    handlers = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        # The end of the pipe ends the thread's loop.
        os.close(writer)
        thread.join()
        os.close(reader)


def _say(message: str) -> None:
    # Not by research.messages: a signal may come while that, or what it imports, is half imported.
    print(f"\n{message}", file=sys.stderr, flush=True)
