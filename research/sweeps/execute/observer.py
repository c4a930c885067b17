"""Observer: who follows the runs that a user wants while they train: the terminal, or nobody."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction

from research.sweeps.execute.callbacks import Ended
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.record import Record

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
