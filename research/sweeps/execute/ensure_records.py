"""The records of the runs that a user wants; runs without one are trained."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import jax

from research import config as config_lib
from research.errors import UserError
from research.sweeps.coordinate.failures import Failures
from research.sweeps.ensembles.ensemble_record import ensemble_records
from research.sweeps.execute import local_executor
from research.sweeps.execute.execution_context import ABREAST, ExecutionContext
from research.sweeps.execute.execution_options import DEFAULT, Execution
from research.sweeps.execute.observer import Observer
from research.sweeps.plan.run_plan import (
    PlannedEnsemble,
    PlannedRun,
    RequestedRun,
    UnfitRun,
    needed,
    stages,
    trainable,
    unique,
)
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.provenance import recorded_strategy
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.training.devices.strategy import ExecutionStrategy
from research.training.setup.warm_start import InitialWeights


@dataclasses.dataclass(frozen=True)
class Work:
    """What an executor is to do: train the `missing` of the `wanted` runs into the store.

    origins: where those start from that have `init_from`. retrain_as: the recorded
        strategies of runs that have a record and are trained once more for what they keep.
    """

    wanted: Sequence[PlannedRun]
    missing: Sequence[PlannedRun]
    store: Store
    planner: Planner
    execution: Execution
    origins: Mapping[str, InitialWeights | None]
    retrain_as: Mapping[str, ExecutionStrategy | None]


Executor = Callable[[Work, Observer], None]


def train_locally(
    work: Work,
    observer: Observer,
    *,
    still_wanted: Callable[[str], bool] = lambda run_id: True,
    wait: bool = True,
    abreast: int = ABREAST,
) -> None:
    """The executor that trains in this process; see `local_executor.execute`.

    Args:
        work: the runs that are wanted, and what is known of them.
        observer: follows the training, and may stop it.
        still_wanted: whether a run is still to be trained.
        wait: whether to wait for the runs of other processes.
        abreast: how many packs train at once.
    """
    context = ExecutionContext(
        work.store,
        work.planner.arrays,
        observer,
        work.execution,
        totals=Counter(run.program.id for run in work.wanted),
        origin_of=lambda run: work.origins[run.id],
        still_wanted=still_wanted,
        abreast=abreast,
    )
    local_executor.execute(work.missing, context, retrain_as=work.retrain_as, wait=wait)


def done(
    run_ids: Iterable[str],
    store: Store,
    warn: Callable[[str], None],
    consequence: str = "its run counts as not trained",
) -> dict[str, Record]:
    """The records of those runs that are over, by id. A damaged record is set aside.

    Args:
        run_ids: the runs.
        store: the records.
        warn: called with a warning for each damaged record.
        consequence: what that means, for the warning.
    """
    records, damaged = store.find(dict.fromkeys(run_ids))
    for problem in damaged:
        warn(f"{problem}; {'its run is left out' if problem.stays else consequence}")
    return records


def ensure_records(
    runs: Sequence[RequestedRun],
    store: Store,
    planner: Planner,
    monitor: Observer,
    *,
    train: bool = True,
    execution: Execution = DEFAULT,
    executor: Executor = train_locally,
) -> dict[str, Record]:
    """The records of the runs, by id, after training those that have none.

    Failed runs are among them. A run that its sizes rule out gets a `failed` record at once. A run
    whose file is not believed, and cannot be moved away, is left out.

    Args:
        runs: the runs that are wanted.
        store: the records directory.
        planner: has the data of the runs.
        monitor: watches the training.
        train: False only reads what is there.
        execution: how the runs are trained.
        executor: what trains them.

    Raises:
        UserError: the records cannot be written.
        Stopped: the user asked to stop.
    """
    every = unique(runs)
    if train:
        _fail_unfit(every, store)
    ensembles = [run for run in every if isinstance(run, PlannedEnsemble)]
    combined = done((run.id for run in ensembles), store, monitor.warn)
    # One that has its record needs no member, unless members are to keep something.
    over = combined if not execution.keeps else {}
    wanted = unique(trainable(run for run in every if run.id not in over))
    members = trainable(run for run in ensembles if run.id not in over)
    if train and execution.keep_predictions:
        refuse_without_scores(wanted)
    records = done(
        (run.id for run in wanted),
        store,
        monitor.warn,
        *(["its run will be trained again"] if train else []),
    )
    if train:
        records = _without_failures(records, store, monitor.warn, execution.retry_failed)
    retrain_as = (
        _lacking(records, store, monitor.warn, execution) if execution.keeps and train else {}
    )
    if members and train:
        # Runs beside the members share their programs, so they keep predictions too.
        starts = any(run.config.init_from is not None for run in members)
        execution = dataclasses.replace(
            execution, keep_predictions=True, keep_params=execution.keep_params or starts
        )
        of_members = {run.id: records[run.id] for run in members if run.id in records}
        retrain_as |= _lacking(of_members, store, monitor.warn, execution)
    missing = [
        run
        for run in wanted
        if run.id in retrain_as or (run.id not in records and not store.stays(run.id))
    ]
    if missing and train:
        store.prepare()
        tell_notes(missing, planner, monitor.note)
        in_order = stages(missing)
        # Before the progress line: an origin that is not there is an error. Later stages start from
        # members of earlier ones.
        for run in in_order[0]:
            planner.origin(run)
        ids = frozenset(run.id for run in wanted)
        finished: set[str] = set()
        with monitor.watch(missing) as observer:
            for stage in in_order:
                if ready := _ready(stage, ids, finished, store):
                    origins = {run.id: planner.origin(run) for run in ready}
                    work = Work(wanted, ready, store, planner, execution, origins, retrain_as)
                    executor(work, observer)
        if not execution.assisting:
            retrained = [records[run_id] for run_id in retrain_as]
            _say_what_lacks(retrained, store, monitor.warn, execution)
        _see_all(ids, store)
        records, _ = store.find(ids)
    pending = [run for run in ensembles if run.id not in combined]
    if train and pending:
        combined |= ensemble_records(pending, records, store)
    records |= combined
    unfit, _ = store.find(run.id for run in every if isinstance(run, UnfitRun))
    records = {
        run.id: record for run in every if (record := records.get(run.id, unfit.get(run.id)))
    }
    monitor.on_records(records.values())
    return records


def _ready(
    stage: Sequence[PlannedRun], wanted: frozenset[str], finished: set[str], store: Store
) -> Sequence[PlannedRun]:
    """The runs of a stage whose needed runs have finished, where these are wanted too. What needs a
    run that diverged or failed is not trained.

    Args:
        stage: the runs.
        wanted: the ids of all that is wanted.
        finished: those that are known to have finished; more are added. A run stays finished, and
            each stage needs those of all stages before it.
        store: the records.
    """
    needs = {run.id: needed(run) & wanted for run in stage}
    unknown = set().union(*needs.values()) - finished
    _see_all(unknown, store)
    records, _ = store.find(unknown)
    finished |= {run_id for run_id, record in records.items() if record.status == "finished"}
    return [run for run in stage if needs[run.id] <= finished]


def _see_all(run_ids: Iterable[str], store: Store) -> None:
    """Shows what the first of several processes has written to those that train with it: they must
    agree on what is next, or they would wait for each other for ever."""
    if jax.process_count() > 1:
        for run_id in run_ids:
            store.look_again(run_id)


def refuse_without_scores(runs: Iterable[PlannedRun]) -> None:
    """Raises UserError for the first run whose task has more scores than can be kept."""
    for run in runs:
        if run.program.spec.targets.arrays:
            raise UserError(
                f"--keep_predictions keeps the scores of one target, and {run.program.spec.name}"
                f" has {run.program.spec.targets.describe()}; leave it out"
            )
        if run.program.problem.summary is None:
            raise UserError(
                "--keep_predictions keeps the scores of each row, and task="
                f"{run.config.task} has too many of them; leave it out"
            )
        if run.program.spec.targets.unlabelled:
            raise UserError(
                "--keep_predictions keeps scores beside the labels that they predict, and task="
                f"{run.config.task} predicts none; leave it out"
            )


def _fail_unfit(runs: Iterable[RequestedRun], store: Store) -> None:
    """Writes `failed` records of the runs that their sizes rule out."""
    unfit = [run for run in runs if isinstance(run, UnfitRun)]
    if unfit:
        store.prepare()
    there, _ = store.find(run.id for run in unfit)
    for run in unfit:
        before = there.get(run.id)
        # One that was trained by earlier code stays what it is.
        if (before is None or before.status == "failed") and not store.stays(run.id):
            store.write(Record(run.id, "failed", config_lib.to_flags(run.config), error=run.reason))


def tell_notes(runs: Iterable[RequestedRun], planner: Planner, note: Callable[[str], None]) -> None:
    """Reports how the data of these runs was read, where there was a choice.

    Args:
        runs: the runs.
        planner: knows their data.
        note: called with each note.
    """
    for text in planner.notes(runs):
        note(f"note: {text}")


def _say_what_lacks(
    retrained: Iterable[Record], store: Store, warn: Callable[[str], None], execution: Execution
) -> None:
    """Reports the runs that were trained again for what they are to keep and failed; the next
    command tries them again."""
    failures = Failures(store.root)
    for record in retrained:
        run_id = record.run_id
        what = execution.lacks(store, record)
        if what and failures.final(run_id):
            last = (failures.of(run_id)[-1].strip().splitlines() or [""])[-1]
            warn(
                f"run {run_id} has a record but no {what}: training it again for them"
                f" failed ({last})"
            )
            failures.clear(run_id)


def _without_failures(
    records: Mapping[str, Record], store: Store, warn: Callable[[str], None], retry: bool
) -> dict[str, Record]:
    """The records without those of failed runs, if these are to be tried again; otherwise all of
    them, after a warning."""
    failed = [record for record in records.values() if record.status == "failed"]
    if retry:
        for record in failed:
            store.forget(record.run_id)
    elif failed:
        runs = f"{len(failed)} run{'s' * (len(failed) > 1)}"
        warn(
            f"{runs} failed earlier ({failed[0].cause}); --retry_failed of sweep and table tries"
            " again"
        )
    return {
        run_id: record
        for run_id, record in records.items()
        if not (retry and record.status == "failed")
    }


def _lacking(
    records: Mapping[str, Record], store: Store, warn: Callable[[str], None], execution: Execution
) -> dict[str, ExecutionStrategy | None]:
    """The runs that are over and lack what they are to keep, each with its recorded way: training
    it again gives the same."""
    retrain_as = {}
    for run_id, record in records.items():
        if not execution.lacks(store, record):
            continue
        strategy = recorded_strategy(record.provenance)
        retrain_as[run_id] = (
            strategy if strategy is not None and strategy.replicas == execution.replicas else None
        )
        if retrain_as[run_id] is None:
            there = f"{record.provenance.get('replicas', 1)} x {record.provenance.get('device')}"
            warn(
                f"run {run_id} was trained on {there}; its record is trained again here and"
                " may differ in the last digits"
            )
    return retrain_as
