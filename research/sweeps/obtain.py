"""Obtaining: the records of runs that a user wants, trained where they have none."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from research.sweeps import executor
from research.sweeps.execution import DEFAULT, Execution
from research.sweeps.parameters import Parameters
from research.sweeps.plan import Planner, Run, unique
from research.sweeps.provenance import recorded_way
from research.sweeps.record import Record
from research.sweeps.store import Store
from research.sweeps.trainer import Report
from research.training.way import Way


class Monitor(Protocol):
    """Who watches a sweep train: the terminal, or nobody."""

    def warn(self, message: str) -> None:
        """Something that the user should know."""

    def obtained(self, records: Iterable[Record]) -> None:
        """These are the records that were asked for."""

    def watch(self, runs: Sequence[Run]) -> AbstractContextManager[Report]:
        """Follows these runs while they train."""


def done(
    runs: Sequence[Run], store: Store, warn: Callable[[str], None], consequence: str = "its run counts as not trained"
) -> dict[str, Record]:
    """The records of the runs that are over, by id. A failed run is not; a damaged record is set aside.

    consequence: what comes of that, for the warning.
    """
    records, messages = store.find(run.id for run in unique(runs))
    for message in messages:
        warn(f"{message}; {consequence}")
    return {run_id: record for run_id, record in records.items() if record.status != "failed"}


def obtain(
    runs: Sequence[Run],
    store: Store,
    planner: Planner,
    monitor: Monitor,
    *,
    train: bool = True,
    execution: Execution = DEFAULT,
) -> dict[str, Record]:
    """The records of the runs, by id, after training those that have none (unless `train` is False).

    Failed runs are among them. Raises UserError if the records cannot be written, Stopped if it was asked to stop.
    """
    wanted = unique(runs)
    found = done(wanted, store, monitor.warn, *(["its run will be trained again"] if train else []))
    again = _without_parameters(found, store, monitor.warn, execution) if execution.keep_params and train else {}
    missing = [run for run in wanted if run.id not in found or run.id in again]
    if missing and train:
        store.prepare()
        totals = Counter(run.program.id for run in wanted)
        origins = [planner.origin(run) for run in missing]
        by_id = {run.id: origin for run, origin in zip(missing, origins, strict=True)}
        with monitor.watch(missing) as report:
            executor.execute(
                missing,
                store,
                planner.arrays,
                report,
                totals,
                execution=execution,
                origin_of=lambda run: by_id[run.id],
                again=again,
            )
        found, _ = store.find(run.id for run in wanted)
    monitor.obtained(found.values())
    return found


def _without_parameters(
    found: Mapping[str, Record], store: Store, warn: Callable[[str], None], execution: Execution
) -> dict[str, Way | None]:
    """The runs that are over and kept no parameters, each with its recorded way: training it again gives the same."""
    parameters, again = Parameters(store), {}
    for run_id, record in found.items():
        if parameters.has(run_id):
            continue
        way = recorded_way(record.provenance)
        again[run_id] = way if way is not None and way.replicas == execution.replicas else None
        if again[run_id] is None:
            there = f"{record.provenance.get('replicas', 1)} x {record.provenance.get('device')}"
            warn(f"run {run_id} was trained on {there}; trained again here, its record may differ in last digits")
    return again
