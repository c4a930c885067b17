"""Workers that take turns, one file-system operation at a time, in an order that a test chooses."""

import os
import threading
from collections.abc import Callable
from typing import Any

STEPS = ("link", "rename", "unlink", "open", "listdir")


class Killed(BaseException):
    """Ends an actor as SIGKILL would: no operation of its own follows."""


class Actor:
    """A function in a thread that goes on only when `step` says so: to its next operation, or its
    end."""

    def __init__(self, work: Callable[["Actor"], None]) -> None:
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        self._killed = False
        self.ended = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.actor = self  # type: ignore[attr-defined]
        self._thread.start()

    def _run(self, work: Callable[["Actor"], None]) -> None:
        try:
            self._wait()
            work(self)
        except Killed:
            pass
        except BaseException as error:
            self.error = error
        self.ended = True
        self._theirs.release()

    def _wait(self) -> None:
        self._mine.acquire()
        if self._killed:
            raise Killed

    def pause(self) -> None:
        """Called by the actor: the others' turn."""
        self._theirs.release()
        self._wait()

    def step(self) -> None:
        """Called by the test: the actor's next operation."""
        if not self.ended:
            self._mine.release()
            self._theirs.acquire()
        if self.error is not None:
            raise self.error

    def kill(self) -> None:
        self._killed = True
        self.step()


class SteppedOs:
    """The os module to actors: each of STEPS waits for its turn. To other threads it is os."""

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        actor: Actor | None = getattr(threading.current_thread(), "actor", None)
        if name not in STEPS or actor is None:
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            actor.pause()
            return real(*args, **kwargs)

        return call
