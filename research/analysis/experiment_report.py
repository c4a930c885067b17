"""From a declared experiment to its table, after training what is missing."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from research import config as config_lib
from research.analysis import effort, registration
from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.axes import with_seed_values
from research.analysis.clean_metrics import with_clean
from research.analysis.datasets_builder import datasets_table
from research.analysis.datasets_table import DatasetsTable
from research.analysis.effects_builder import effects_table
from research.analysis.effects_table import EffectsTable
from research.analysis.kept_scores import KeptScores
from research.analysis.member_metrics import with_members
from research.analysis.named_test import reads_rows, refuse_planned
from research.analysis.planned_metrics import refuse_absent
from research.analysis.table_builder import Remarks, Scope, build_table
from research.analysis.table_report import TableReport
from research.errors import UserError
from research.sweeps.column import reads_predictions
from research.sweeps.declare import selection
from research.sweeps.declare.dataset_arms import DatasetArms
from research.sweeps.declare.nested_choice import ByArm, flat_scores, with_scores
from research.sweeps.estimates.out_of_fold import with_out_of_fold
from research.sweeps.execute.ensure_records import Executor, ensure_records, train_locally
from research.sweeps.execute.execution_options import DEFAULT, Execution
from research.sweeps.execute.observer import Observer
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import RequestedRun, same, unfit_notes
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store


def over_datasets_of(
    experiment: Experiment, table: ArmsTable, scores: KeptScores | None = None
) -> DatasetsTable | None:
    """What the data sets of an experiment say together; None where there is one.

    Args:
        experiment: the declared table.
        table: that of every arm on every data set.
        scores: the metric of each test row, where runs kept them.
    """
    if not isinstance(experiment.arms, DatasetArms):
        return None
    strengths = selection.describe(experiment, experiment.seeds)
    return datasets_table(table, experiment.arms, strengths, experiment.claim, scores)


@dataclasses.dataclass(frozen=True)
class RecordSource:
    """Where a table's numbers come from. records_of: the records of runs, by id. predictions: those
    that runs kept."""

    records_of: Callable[[Sequence[RequestedRun]], Mapping[str, Record]]
    predictions: Predictions

    @functools.cached_property
    def scores(self) -> KeptScores:
        """The metric of each test row, where runs kept them."""
        return KeptScores(self.predictions)


def of_experiment(
    experiment: Experiment,
    planner: Planner,
    store: Store,
    monitor: Observer,
    *,
    train: bool,
    execution: Execution = DEFAULT,
    executor: Executor = train_locally,
) -> TableReport:
    """The experiment's table, after training what is missing; a setting to be chosen comes first.

    Args:
        experiment: the declared table.
        planner: plans its runs.
        store: the records.
        monitor: receives the progress.
        train: whether missing runs are trained.
        execution: devices, checkpoints and the like.
        executor: what trains.
    """
    if reads_predictions(_metrics(experiment)) or reads_rows(experiment.test):
        execution = dataclasses.replace(execution, keep_predictions=train)
    records_of = functools.partial(
        ensure_records,
        store=store,
        planner=planner,
        monitor=monitor,
        train=train,
        execution=execution,
        executor=executor,
    )
    chosen = {}
    searched = []
    remarks = list[str]()
    flat_of_runs: Mapping[str, Mapping[str, float]] = {}
    if experiment.choose is not None:
        asked = selection.searched(experiment, planner)
        flat = selection.flat(experiment, planner)
        choosing, tested = _every(asked), _every(flat)
        refuse_absent([experiment.choose.metric], choosing)
        check_metrics(experiment, [*choosing, *tested])
        by_id = records_of([*choosing, *tested])
        _complete(experiment.name, choosing, by_id)
        searched = [by_id[run.id] for run in choosing]
        chosen = selection.chosen(experiment.choose, asked, by_id)
        remarks = selection.remarks(experiment, chosen, searched)
        choose = experiment.choose
        flat_of_runs = flat_scores(flat, by_id, choose.metric, choose.better)
    remarks += registration.sentences(store, experiment)
    requests = selection.requests(experiment, chosen)
    strengths = selection.describe(experiment, experiment.seeds)
    source = RecordSource(
        lambda runs: with_scores(records_of(runs), flat_of_runs), Predictions(store)
    )
    table = of_arms(experiment, requests, strengths, planner, source, remarks, monitor.note)
    missing = sum(row.arm.missing(table.seeds) for row in table.rows if row.arm.declared)
    path = experiment.choose.path if experiment.choose else ""
    return TableReport(
        table,
        tuple(searched),
        path,
        missing,
        effects_of(experiment, table),
        over_datasets_of(experiment, table, source.scores),
        source.predictions,
    )


def effects_of(experiment: Experiment, table: ArmsTable) -> EffectsTable | None:
    """The effects of an experiment's factors, from the table of its arms; None where there are no
    factors."""
    if not experiment.factors:
        return None
    notes = (selection.describe(experiment, experiment.seeds), *experiment.notes)
    factors = list(experiment.factors)
    return effects_table(table, experiment.combinations, factors, notes)


def of_arms(
    experiment: Experiment,
    requests: Mapping[str, Sequence[Mapping[str, Any]]],
    strengths: str,
    planner: Planner,
    source: RecordSource,
    notes: Sequence[str] = (),
    note: Callable[[str], None] = lambda text: None,
) -> ArmsTable:
    """The experiment's table of these runs, by arm.

    Args:
        experiment: the declared table.
        requests: the settings of each arm's runs, by label.
        strengths: the footer's sentence on how strengths were chosen.
        planner: plans the runs.
        source: has the records and the kept scores.
        notes: sentences for the footer.
        note: called with what is good to know before the runs are trained.
    """
    arms = planner.plan_rows(requests)
    wanted = [run for runs in arms.values() for run in runs]
    labelled = [(label, run) for label, runs in arms.items() for run in runs]
    for unfit in unfit_notes(labelled):
        note(f"note: {unfit}")
    check_metrics(experiment, wanted)
    refuse_planned(experiment.test, experiment.columns, experiment.baseline, wanted)
    columns = [column.metric for column in experiment.columns]
    flops = effort.flops_of_updates(columns, wanted, planner)
    by_id = source.records_of(wanted)
    if reads_predictions(columns):
        by_id = with_out_of_fold(by_id, _folds_of_seeds(arms), source.predictions)
    by_id = with_clean(with_members(by_id, columns), columns)
    by_id = effort.measured(by_id, columns, flops)
    seeds = max((_seeds(of_arm) for of_arm in requests.values()), key=len)
    table = build_table(
        experiment.name,
        [_arm(label, runs, by_id, seeds, experiment.estimate) for label, runs in arms.items()],
        experiment.columns,
        experiment.baseline,
        seeds,
        Remarks(
            (*experiment.notes, *notes, *planner.notes(wanted), *same(labelled)),
            strengths,
            experiment.published,
        ),
        Scope(experiment.claim, source.scores, family=experiment.family, test=experiment.test),
    )
    return dataclasses.replace(table, summary=experiment.summary)


def _seeds(requests: Sequence[Mapping[str, Any]]) -> list[int]:
    """The seeds of an arm, once each."""
    return list(dict.fromkeys(int(request["seed"]) for request in requests))


def _folds_of_seeds(arms: Mapping[str, Sequence[RequestedRun]]) -> list[set[str]]:
    """The runs of each seed of each arm."""
    together: dict[tuple[str, int], set[str]] = {}
    for label, runs in arms.items():
        for run in runs:
            together.setdefault((label, run.config.seed), set()).add(run.id)
    return [*together.values()]


def _every(by_arm: ByArm) -> list[RequestedRun]:
    return [run for of_arm in by_arm.values() for of_value in of_arm for run in of_value]


def _arm(
    label: str,
    runs: Sequence[RequestedRun],
    by_id: Mapping[str, Record],
    seeds: Sequence[int],
    estimate: str | None,
) -> Arm:
    """The row of an experiment's arm. seeds: the table's; a design may train some only."""
    of_seed: dict[int, list[RequestedRun]] = {}
    for run in runs:
        of_seed.setdefault(run.config.seed, []).append(run)
    declared = {seed: config_lib.to_flags(first.config) for seed, (first, *_) in of_seed.items()}
    asked = frozenset(of_seed) if runs and len(of_seed) < len(seeds) else None
    return with_seed_values(
        Arm(label, {}, declared=declared, asked=asked),
        {
            seed: ([by_id[run.id] for run in of_this if run.id in by_id], len(of_this))
            for seed, of_this in of_seed.items()
        },
        estimate,
    )


def check_metrics(experiment: Experiment, runs: Sequence[RequestedRun]) -> None:
    """Raises UserError for a column's metric that none of the runs will have."""
    refuse_absent(_metrics(experiment), runs)


def _metrics(experiment: Experiment) -> list[str]:
    return [column.metric for column in experiment.columns]


def _complete(name: str, runs: Sequence[RequestedRun], by_id: Mapping[str, Record]) -> None:
    missing = sum(run.id not in by_id for run in runs)
    if missing:
        raise UserError(
            f"{missing} of the {len(runs)} runs among which '{name}' chooses have no record; train"
            " them first"
        )
