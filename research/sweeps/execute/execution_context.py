"""The execution context: what the packs of one execution share."""

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import jax
from jax.experimental import multihost_utils

from research import config as config_lib
from research.data.spec import Arrays
from research.errors import ShapeError, Stopped, UserError
from research.sweeps.coordinate import pack_progress, worker
from research.sweeps.coordinate.claims import Claims
from research.sweeps.coordinate.failures import Failures
from research.sweeps.coordinate.membership import LeaseLost
from research.sweeps.execute.execution_options import DEFAULT, Execution
from research.sweeps.execute.observer import Ended, Observer, call_callbacks
from research.sweeps.plan.basis import basis_of
from research.sweeps.plan.run_plan import Pack, PlannedRun
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.store import Store
from research.training.boosting.earlier_runs import EarlierRuns
from research.training.checkpoint.best_and_last import BestAndLast
from research.training.checkpoint.checkpoints import Checkpoints
from research.training.devices import device_memory, strategy_choice
from research.training.engine.predicted_rows import PredictedRows
from research.training.setup.warm_start import InitialWeights

# Packs under way at once: while one is compiled on one core, another trains.
ABREAST = 2


def ends_all(error: Exception) -> bool:
    """Whether an error ends the whole execution, and not only the program that it arose in."""
    return isinstance(error, UserError | Stopped | LeaseLost) and not isinstance(error, ShapeError)


@dataclasses.dataclass
class ExecutionContext:
    """What the packs of one execution share.

    Attributes:
        store: where the records go.
        arrays_of: the data of a run.
        observer: whom to tell, and to ask whether to stop.
        execution: how the runs are trained.
        timer: seconds that a strategy takes per lane and step.
        totals: how many lanes each program has in the whole sweep, by program id.
        origin_of: the weights that a run starts from, if it has `init_from`.
        still_wanted: whether a run is still wanted; asked before it begins.
        claims: None where several processes train each run together; the first of them writes.
        others: set when one pack has ended them all.
        waited: whether the user knows that this process waits for others.
        limit: bytes that programs may take on a device; packs under way at once share them.
        abreast: how many packs are under way at once.
    """

    store: Store
    arrays_of: Callable[[PlannedRun], Arrays]
    observer: Observer
    execution: Execution = DEFAULT
    timer: strategy_choice.Timer = strategy_choice.time_strategy
    totals: Mapping[str, int] = dataclasses.field(default_factory=dict)
    origin_of: Callable[[PlannedRun], InitialWeights | None] = lambda run: None
    still_wanted: Callable[[str], bool] = lambda run_id: True
    claims: Claims | None = None
    others: threading.Event = dataclasses.field(default_factory=threading.Event)
    waited: bool = False
    limit: Callable[[], float] = device_memory.available
    abreast: int = ABREAST

    def __post_init__(self) -> None:
        self._over: set[str] = set()
        self._boundaries = 0
        self._under_way: frozenset[str] = frozenset()
        self._holding = threading.Lock()
        self.failures = Failures(self.store.root)
        folder = Path(self.execution.checkpoints or self.store.root / "checkpoints")
        self.checkpoints = Checkpoints(folder, self.observer.warn)

    def stopping(self) -> str:
        """Why to stop, or ""."""
        return self.observer.stopping() or ("another pack's end" if self.others.is_set() else "")

    def go_on(self) -> None:
        """Raises Stopped if that is asked for."""
        if reason := self.stopping():
            raise Stopped(reason)

    def agreed(self) -> str:
        """Why to stop at this boundary, or ""; the same in all processes that train together."""
        if jax.process_count() == 1:
            return self.stopping()
        # All processes must stop at the same step, or those that go on wait for the others for
        # ever.
        self._boundaries += 1
        return "SIGTERM" if multihost_utils.reached_preemption_sync_point(self._boundaries) else ""

    def lanes(self, pack: Pack) -> int:
        """How many runs of the pack's program the whole sweep has."""
        return self.totals.get(pack.program.id, len(pack.runs))

    def done(self, run_id: str) -> bool:
        """Whether a run has its record."""
        if run_id not in self._over and self.store.path(run_id).exists():
            record = self.store.find([run_id])[0].get(run_id)
            if record is not None and self._has_kept(record):
                self._over.add(run_id)
        return run_id in self._over

    def done_anywhere(self, run_id: str) -> bool:
        """Whether a run has its record, as other machines see it now."""
        # Asked after a claim is made, when a stale answer would train a finished run again.
        self.store.look_again(run_id)
        return self.done(run_id)

    def open(self, run_id: str) -> bool:
        """Whether a run is still to be trained."""
        return not self.done(run_id) and self.still_wanted(run_id)

    def claimed(self) -> set[str]:
        """The runs that are anybody's now."""
        return self.claims.claimed() if self.claims else set()

    def _has_kept(self, record: Record) -> bool:
        """Whether what a run is to keep is saved, or can no longer be."""
        lacks = self.execution.lacks(self.store, record)
        return not lacks or self.failures.final(record.run_id)

    def showing(self, pack: Pack) -> AbstractContextManager[Callable[[float, int], None]]:
        """Shows to others, while the pack trains, how far it is; of several processes that train it
        one does."""
        if jax.process_index() > 0:
            return contextlib.nullcontext(lambda epoch, live: None)
        this_worker = self.claims.worker if self.claims is not None else worker.this_process()
        return pack_progress.showing(
            self.store.root, this_worker, [run.id for run in pack.runs], pack.program.config.epochs
        )

    @contextlib.contextmanager
    def holding(self, run_ids: list[str]) -> Iterator[list[str]]:
        """Those of the runs that can be claimed, which are this process's inside and released at
        the end."""
        mine = self.claims.take(run_ids, len(run_ids)) if self.claims else run_ids
        with self.under_way(mine):
            yield mine
        if self.claims:
            self.claims.release(mine)

    @contextlib.contextmanager
    def under_way(self, run_ids: Iterable[str]) -> Iterator[None]:
        """Tells that these runs are what the process may die of."""
        ids = frozenset(run_ids)
        with self._holding:
            self._under_way |= ids
            self.observer.holds(self._under_way)
        try:
            yield
        finally:
            with self._holding:
                self._under_way -= ids
                self.observer.holds(self._under_way)

    def ended(self, runs: Callable[[], Sequence[Ended]]) -> None:
        """Runs have ended an epoch: tells whoever watches, and the user's own callbacks, in one
        process."""
        if jax.process_index() > 0:
            return
        # The observer and the callbacks both ask; the values are fetched from the device once.
        runs = functools.cache(runs)
        self.observer.ended(runs)
        call_callbacks(runs, self.observer.warn)

    def earlier_of(self, run: PlannedRun) -> EarlierRuns:
        """What the runs kept that a boosted run learns from. Reading it raises UserError if that is
        not there."""
        return Predictions(self.store).earlier(run.config, run.program.spec.fingerprint)

    def confirm(self, pack: Pack) -> None:
        """Raises LeaseLost if another process has taken one of the runs."""
        if self.claims is not None:
            self.claims.confirm(run.id for run in pack.runs)

    def write(
        self,
        record: Record,
        run: PlannedRun,
        best_and_last: BestAndLast | None = None,
        predictions: Mapping[str, PredictedRows] | None = None,
    ) -> None:
        """Writes a record, in one process.

        What the run keeps is written before it, so that whoever has the record has both.

        Args:
            record: the run's record.
            run: the run.
            best_and_last: the parameters that it keeps; None: none.
            predictions: the scores that it keeps; None: none.
        """
        if jax.process_index() == 0:
            if best_and_last is not None:
                basis = basis_of(run, self.arrays_of(run))
                Parameters(self.store).save(record.run_id, record.config, best_and_last, basis)
            if predictions and self.execution.keep_predictions:
                fingerprint = run.program.spec.fingerprint
                Predictions(self.store).save(record.run_id, fingerprint, predictions)
            self.store.write(record)
            self.failures.clear(record.run_id)
        if jax.process_count() > 1:
            # Only the first process has written; a shared file system may show its record to the
            # others later.
            self._over.add(record.run_id)
        self.observer.record(record)

    def fail(self, run: PlannedRun, error: str) -> Record:
        """Writes that a run failed, unless it has its record and lacks only what it was to keep;
        its record now."""
        there = self.store.find([run.id])[0].get(run.id)
        if there is not None and there.status != "failed":
            return there
        record = Record(run.id, "failed", config_lib.to_flags(run.config), error=error)
        self.write(record, run)
        return record

    def record_failure(self, pack: Pack, error: str) -> None:
        """Counts a failure against runs, so that they are tried once more or not at all."""
        self.confirm(pack)
        if jax.process_index() == 0:
            self.failures.add([run.id for run in pack.runs], error)
        # All processes must agree before they decide what is next.
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("strike")
