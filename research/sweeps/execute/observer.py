"""Observer: who follows the runs that a user wants while they train: the terminal, or nobody; and a
user's callbacks, which are called on the host and change no training."""

import contextlib
import inspect
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import NamedTuple

from research.errors import blamed
from research.registry import CALLBACKS, Callback
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.record import Record


class Ended(NamedTuple):
    """A run has ended an epoch, counted from 1, with these metrics of the epoch, by name
    (`validation/accuracy`)."""

    run: PlannedRun
    epoch: int
    metrics: Mapping[str, float]


# One value an epoch, by name.
Curves = Mapping[str, Sequence[float]]


class Observer:
    """Hears what happens, and is asked whether to stop. Each method does nothing unless a subclass
    defines it. Packs train in threads, so several may be called at once."""

    def warn(self, message: str) -> None:
        """Something that the user should know."""

    def note(self, message: str) -> None:
        """Something that is good to know; said once, however often it is noted."""

    def on_records(self, records: Iterable[Record]) -> None:
        """These are the records that were asked for."""

    def watch(self, runs: Sequence[PlannedRun]) -> "AbstractContextManager[Observer]":
        """The observer of these runs while they train."""
        return contextlib.nullcontext(self)

    def stopping(self) -> str:
        """Why to stop, or ""."""
        return ""

    def epochs(self, count: Fraction | int) -> None:
        """So many lane-epochs, or parts of one, were just done."""

    def resumed(self, count: Fraction | int) -> None:
        """So many lane-epochs were done before, which says nothing of the speed."""
        self.epochs(count)

    def record(self, record: Record) -> None:
        """This record was written."""

    def holds(self, run_ids: frozenset[str]) -> None:
        """These runs are under way here now."""

    def stepped(self) -> None:
        """A pack is between two steps, so its step is compiled."""

    def state(self, text: str) -> None:
        """How things stand, in a few words."""

    def curves(self, runs: Sequence[PlannedRun], curves: Callable[[], Sequence[Curves]]) -> None:
        """An epoch of each of these runs is done; the function returns their curves so far, by
        name."""

    def ended(self, runs: Callable[[], Sequence[Ended]]) -> None:
        """Runs have ended an epoch; the function says which, and with what."""


# Packs train in threads; a callback that writes a file expects one call at a time.
_CALLING = threading.Lock()
# A process trains in several steps (the rounds of a tuning), and an error is said once in all of
# them.
_WARNED: set[Callback] = set()


def call_callbacks(runs: Callable[[], Sequence[Ended]], warn: Callable[[str], None]) -> None:
    """Calls every callback of every run that has ended an epoch; an error in one is a warning, the
    first time."""
    entries = list(CALLBACKS)
    if not entries:
        return
    with _CALLING:
        for ended in runs():
            for entry in entries:
                _call(entry, ended, warn)


def _call(entry: Callback, ended: Ended, warn: Callable[[str], None]) -> None:
    function = entry.build()
    try:
        function(ended.run.id, ended.epoch, dict(ended.metrics))
    # SystemExit too: a script's sys.exit must not end the training of a whole sweep.
    except (Exception, SystemExit) as error:
        if entry in _WARNED:
            return
        _WARNED.add(entry)
        reason = blamed(error, [inspect.getfile(function)]) or f"{type(error).__name__}: {error}"
        warn(
            f"the callback {entry.name} fails after epoch {ended.epoch} ({reason});"
            " training goes on"
        )
