"""The terminal's view of runs that train: one progress line with the time left, and warnings."""

import contextlib
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import jax
from tqdm import tqdm

from research import messages
from research.signals import STOPPING, watching
from research.sweeps.column import main_metric
from research.sweeps.execute.observer import Curves, Ended, Observer
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.event_files import Events
from research.sweeps.records.record import Record
from research.words import plural

# Showing the latest metrics takes at most one part in so many of the time.
SHARE = 20


def latest(ended: Sequence[Ended]) -> str:
    """`loss 0.31, validation accuracy 0.94`: means over runs of their last epoch's metrics; "" for
    no run."""
    values: dict[str, list[float]] = {}
    for run, _, metrics in ended:
        metric, _ = main_metric(run.config.loss, run.config.task)
        main = next(
            (name for name in (f"validation/{metric}", f"train/{metric}") if name in metrics), ""
        )
        for name, label in (("train/loss", "loss"), (main, main.replace("/", " "))):
            if math.isfinite(metrics.get(name, math.nan)):
                values.setdefault(label, []).append(metrics[name])
    shown = ", ".join(f"{label} {sum(every) / len(every):.4g}" for label, every in values.items())
    return f"{shown} (mean of {len(ended)})" if shown and len(ended) > 1 else shown


class Terminal(Observer):
    """Progress on stderr, so that stdout holds the table alone. failures: whether it says what
    failed, and why.

    stopping, again: what is said when a signal comes, and whether a second one ends the process.
    tensorboard, profile: directories for event files of the runs' curves, and for a profiler's
    trace.
    """

    def __init__(
        self,
        failures: bool = True,
        stopping: str = STOPPING,
        again: bool = True,
        tensorboard: str | None = None,
        profile: str | None = None,
    ) -> None:
        self._failures = failures
        self._stopping = stopping
        self._again = again
        self._events = Events(tensorboard, self.warn) if tensorboard else None
        self._profile = profile
        self._noted: set[str] = set()

    def warn(self, message: str) -> None:
        """Writes a warning above the bar."""
        messages.warn(message)

    def note(self, message: str) -> None:
        """Says it once: the tables of an experiment and the rounds of a tuning train in several
        steps."""
        if message not in self._noted:
            self._noted.add(message)
            messages.say(message)

    def on_records(self, records: Iterable[Record]) -> None:
        """Writes event files where they are asked for."""
        if self._events:
            for record in records:
                self._events.record(record)

    @contextlib.contextmanager
    def watch(self, runs: Sequence[PlannedRun]) -> Iterator[Observer]:
        """A bar over all epochs of all runs."""
        trace = jax.profiler.trace(self._profile) if self._profile else contextlib.nullcontext()
        with (
            trace,
            watching(self._stopping, self._again) as stopping,
            _bar(runs) as bar,
        ):
            line = _ProgressLine(bar, self, stopping)
            try:
                yield line
            finally:
                line.finish()

    def record(self, record: Record) -> None:
        """Writes its event files where they are asked for."""
        if self._events:
            self._events.record(record)

    def curves(self, runs: Sequence[PlannedRun], curves: Callable[[], Sequence[Curves]]) -> None:
        """Writes event files where they are asked for."""
        if self._events:
            self._events.curves(runs, curves)

    def failed(self, message: str) -> None:
        """Warns of a failure, where that is asked for."""
        if self._failures:
            self.warn(message)


class _ProgressLine(Observer):
    """The bar with the counts behind it. Packs train in threads, so changes take the lock.

    terminal: receives all other messages, and the failures: the first of each cause, and at the end
        how many more had it. stopping: why to stop, or "".
    """

    def __init__(self, bar: tqdm, terminal: Terminal, stopping: Callable[[], str]) -> None:
        self._bar = bar
        self._terminal = terminal
        self._stopping = stopping
        self._lock = threading.Lock()
        self._done = Fraction(0)
        self._counts = {"finished": 0, "diverged": 0, "failed": 0}
        self._state: list[str] = []  # how things stand
        # Means of the latest epoch's loss and main metric.
        self._means: list[str] = []
        # The time from which these may be computed again.
        self._due = 0.0
        # How many more failures a cause had after the first.
        self._repeats: dict[str, int] = {}

    def warn(self, message: str) -> None:
        """Passed on to the terminal."""
        self._terminal.warn(message)

    def note(self, message: str) -> None:
        """Passed on to the terminal."""
        self._terminal.note(message)

    def curves(self, runs: Sequence[PlannedRun], curves: Callable[[], Sequence[Curves]]) -> None:
        """Passed on to the terminal."""
        self._terminal.curves(runs, curves)

    def holds(self, run_ids: frozenset[str]) -> None:
        """Passed on to the terminal."""
        self._terminal.holds(run_ids)

    def stepped(self) -> None:
        """Passed on to the terminal."""
        self._terminal.stepped()

    def stopping(self) -> str:
        """Why to stop, or ""."""
        return self._stopping()

    def epochs(self, count: Fraction | int) -> None:
        """So many lane-epochs, or parts of one, were just done."""
        with self._lock:
            # An exact sum: one of rounded parts could exceed the whole.
            self._done += count
            self._bar.n = float(self._done)
            self._bar.update(0)

    def resumed(self, count: Fraction | int) -> None:
        """So many lane-epochs were done before this process."""
        with self._lock:
            # Neither the mean speed nor that of the last moments may see them.
            self._bar.initial += float(count)
            self._bar.last_print_n += float(count)
        self.epochs(count)

    def ended(self, runs: Callable[[], Sequence[Ended]]) -> None:
        """Runs have ended an epoch: shows their metrics, if that is due."""
        began = time.monotonic()
        if began < self._due:
            return
        text = latest(runs())
        # Fetching metrics waits for the devices, so it takes a bounded share of the time.
        self._due = time.monotonic() + SHARE * (time.monotonic() - began)
        with self._lock:
            self._means = [text] if text else self._means
            self._show()

    def state(self, text: str) -> None:
        """How things stand, in a few words."""
        with self._lock:
            self._state = [text] if text else []
            self._show()

    def record(self, record: Record) -> None:
        """A run is over."""
        self._terminal.record(record)
        with self._lock:
            self._counts[record.status] += 1
            self._show()
            if record.status == "failed":
                self._repeats[record.cause] = self._repeats.get(record.cause, -1) + 1
                if not self._repeats[record.cause]:
                    self._terminal.failed(f"run {record.run_id} failed: {record.cause}")

    def finish(self) -> None:
        """Says how many more runs failed of each cause."""
        for cause, more in self._repeats.items():
            if more:
                self._terminal.failed(f"{more} more run{'s' * (more > 1)} failed: {cause}")

    def _show(self) -> None:
        counts = [f"{status}={count}" for status, count in self._counts.items() if count]
        self._bar.set_postfix_str(", ".join(counts + self._state + self._means), refresh=False)


def _bar(runs: Sequence[PlannedRun]) -> tqdm:
    programs = len({run.program.id for run in runs})
    epochs = sum(run.config.epochs for run in runs)
    # Written here, since tqdm forgets a total that is passed, as where two processes count a run.
    total = f"{epochs:,}"
    return tqdm(
        total=epochs,
        desc=f"{plural(len(runs), 'run')}, {plural(programs, 'program')}",
        unit="epoch",
        file=sys.stderr,
        mininterval=0.5 if sys.stderr.isatty() else 10.0,
        dynamic_ncols=True,
        bar_format="{l_bar}{bar}| {n:,.1f}/"
        + total
        + " [{elapsed}<{remaining}, {rate_fmt}{postfix}]",
    )
