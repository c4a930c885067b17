"""The terminal's view of runs that train: one progress line with the time left, and warnings."""

import contextlib
import dataclasses
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

import jax
from tqdm import tqdm

from research.characters import one_line
from research.signals import STOPPING, watching
from research.sweeps.column import main_metric
from research.sweeps.execute.callbacks import Ended
from research.sweeps.execute.execution_context import ExecutionEvents
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.event_files import Events
from research.sweeps.records.record import Record

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


class Terminal:
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
        self._failures, self._stopping, self._again = failures, stopping, again
        self._events = Events(tensorboard, self.warn) if tensorboard else None
        self._profile = profile
        self._noted: set[str] = set()

    def warn(self, message: str) -> None:
        tqdm.write(one_line(f"warning: {message}"), file=sys.stderr)

    def note(self, message: str) -> None:
        """Says it once: the tables of an experiment and the rounds of a tuning train in several
        steps."""
        if message not in self._noted:
            self._noted.add(message)
            tqdm.write(one_line(message), file=sys.stderr)

    def on_records(self, records: Iterable[Record]) -> None:
        """Writes event files where they are asked for."""
        if self._events:
            for record in records:
                self._events.record(record)

    @contextlib.contextmanager
    def watch(self, runs: Sequence[PlannedRun]) -> Iterator[ExecutionEvents]:
        """A bar over all epochs of all runs."""
        lock = threading.Lock()
        counts = {"finished": 0, "diverged": 0, "failed": 0}
        state_texts: list[str] = []  # how things stand
        means: list[str] = []  # of the latest epoch's loss and main metric
        due = 0.0  # when these may be worked out again
        causes: dict[str, int] = {}  # of failures: how many more had it after the first
        programs = len({run.program.id for run in runs})
        total = sum(run.config.epochs for run in runs)
        trace = jax.profiler.trace(self._profile) if self._profile else contextlib.nullcontext()
        with (
            trace,
            watching(self._stopping, self._again) as stopping,
            tqdm(
                total=total,
                desc=(
                    f"{len(runs)} run{'s' * (len(runs) > 1)}, {programs}"
                    f" program{'s' * (programs > 1)}"
                ),
                unit="epoch",
                file=sys.stderr,
                mininterval=0.5 if sys.stderr.isatty() else 10.0,
                dynamic_ncols=True,
                bar_format=(
                    "{l_bar}{bar}| {n:,.1f}/{total:,} [{elapsed}<{remaining}, {rate_fmt}{postfix}]"
                ),
            ) as bar,
        ):
            done = Fraction(0)

            def epochs(count: Fraction | int) -> None:
                nonlocal done
                with lock:
                    done += count
                    bar.n = float(done)  # a sum of parts, each rounded, could exceed the whole
                    bar.update(0)

            def resumed(count: Fraction | int) -> None:
                with lock:  # neither the mean speed nor that of the last moments is to see them
                    bar.initial += float(count)
                    bar.last_print_n += float(count)
                epochs(count)

            def show() -> None:
                parts = [f"{k}={v}" for k, v in counts.items() if v]
                bar.set_postfix_str(", ".join(parts + state_texts + means), refresh=False)

            def ended(runs: Callable[[], Sequence[Ended]]) -> None:
                nonlocal due
                began = time.monotonic()
                if began < due:
                    return
                text = latest(runs())
                due = time.monotonic() + SHARE * (time.monotonic() - began)
                with lock:
                    means[:] = [text] if text else means
                    show()

            def state(text: str) -> None:
                with lock:
                    state_texts[:] = [text] if text else []
                    show()

            def record(done: Record) -> None:
                if self._events:
                    self._events.record(done)
                with lock:
                    counts[done.status] += 1
                    show()
                    if done.status == "failed" and self._failures:
                        causes[done.cause] = causes.get(done.cause, -1) + 1
                        if not causes[done.cause]:
                            self.warn(f"run {done.run_id} failed: {done.cause}")

            try:
                report = ExecutionEvents(
                    epochs,
                    record,
                    self.warn,
                    stopping,
                    state=state,
                    note=self.note,
                    resumed=resumed,
                    ended=ended,
                )
                yield (
                    dataclasses.replace(report, curves=self._events.curves)
                    if self._events
                    else report
                )
            finally:
                for cause, more in causes.items():
                    if more:
                        self.warn(f"{more} more run{'s' * (more > 1)} failed: {cause}")
