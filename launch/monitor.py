"""The terminal's view of runs that train: one progress line with the time left, and warnings."""

import contextlib
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import jax
from absl import flags
from tqdm import tqdm

from launch.signals import watching
from research.sweeps import tensorboard
from research.sweeps.plan import Run
from research.sweeps.record import Record
from research.sweeps.trainer import Report

TENSORBOARD = flags.DEFINE_string("tensorboard", None, "write the runs' curves as TensorBoard event files here")
PROFILE = flags.DEFINE_string("profile", None, "write a profiler trace of the training here, for TensorBoard or xprof")


class Terminal:
    """Progress on stderr, so that stdout holds the table alone."""

    def warn(self, message: str) -> None:
        tqdm.write(f"warning: {message}", file=sys.stderr)

    def obtained(self, records: Iterable[Record]) -> None:
        """Writes event files where they are asked for."""
        if TENSORBOARD.value:
            for record in records:
                tensorboard.write(record, Path(TENSORBOARD.value))

    @contextlib.contextmanager
    def watch(self, runs: Sequence[Run]) -> Iterator[Report]:
        """A bar over all epochs of all runs."""
        lock = threading.Lock()
        counts = {"finished": 0, "diverged": 0, "failed": 0}
        programs = len({run.program.id for run in runs})
        total = sum(run.config.epochs for run in runs)
        trace = jax.profiler.trace(PROFILE.value) if PROFILE.value else contextlib.nullcontext()
        with (
            trace,
            watching() as stopping,
            tqdm(
                total=total,
                desc=f"{len(runs)} run{'s' * (len(runs) > 1)}, {programs} program{'s' * (programs > 1)}",
                unit="epoch",
                file=sys.stderr,
                mininterval=0.5 if sys.stderr.isatty() else 10.0,
                dynamic_ncols=True,
            ) as bar,
        ):

            def epochs(count: int) -> None:
                with lock:
                    bar.update(count)

            def record(done: Record) -> None:
                with lock:
                    counts[done.status] += 1
                    bar.set_postfix({k: v for k, v in counts.items() if v}, refresh=False)
                if done.status == "failed":
                    self.warn(f"run {done.run_id} failed: {done.error.strip().splitlines()[-1]}")

            yield Report(epochs, record, self.warn, stopping)
