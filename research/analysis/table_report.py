"""From a sweep or an experiment, and the records of its runs, to the table that is shown."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from research import config as config_lib
from research.analysis import registration, sensitivity
from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.axes import axes, sweep_table, with_seed_values
from research.analysis.datasets_builder import datasets_table
from research.analysis.datasets_table import DatasetsTable
from research.analysis.effects_table import EffectsTable, effects_table
from research.analysis.figure_style import SCREEN, FigureStyle, figure_style
from research.analysis.kept_scores import KeptScores
from research.analysis.main_columns import columns_of
from research.analysis.table_builder import build_table
from research.analysis.view import WHOLE, View
from research.errors import UserError
from research.registry import ESTIMATES
from research.statistics.comparisons import Claim
from research.sweeps.column import reads_predictions, refuse_unknown
from research.sweeps.declare import selection
from research.sweeps.declare.dataset_arms import DatasetArms
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.estimates.out_of_fold import folds_of_seed, with_out_of_fold
from research.sweeps.execute.ensure_records import Executor, ensure_records, train_locally
from research.sweeps.execute.execution_options import DEFAULT, Execution
from research.sweeps.execute.observer import Observer
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import RequestedRun, same, trainable, unfit_notes
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.training.apply.final_metrics import final_metric_names


@dataclasses.dataclass(frozen=True)
class TableReport:
    """A table, and the records of the runs among which its settings were chosen.

    missing: its runs without a record. effects: of the factors, where a design made the arms.
    over_datasets: what the data sets say together, where there are several.
    """

    table: ArmsTable
    searched: tuple[Record, ...] = ()
    path: str = "learning_rate"
    missing: int = 0
    effects: EffectsTable | None = None
    over_datasets: DatasetsTable | None = None

    @property
    def answer(self) -> EffectsTable | DatasetsTable | None:
        """The table that answers the question; None where that of the arms does."""
        return self.effects or self.over_datasets

    def write_figures(
        self, directory: str, view: View = WHOLE, style: FigureStyle = SCREEN
    ) -> Iterator[Path | str]:
        """Writes every figure that the records allow: curves, differences, sensitivity.

        Args:
            directory: is made if it does not exist.
            view: which rows are drawn. Sensitivity is of all rows that its `where` keeps.
            style: width and title of every figure.

        Yields:
            The path of each file, and a sentence for each figure that is left out.

        Raises:
            UserError: the directory cannot be written.
        """
        from research.analysis import answer_figures, figures

        # The best rows alone would show a setting only where it did well.
        selected = dataclasses.replace(view, sort=(), top=None, columns=()).apply(self.table)
        table = view.apply(self.table)
        with figure_style(style):
            yield from figures.write_figures(table, directory, all_rows=selected)
            yield from figures.left_out(table, selected)
            for name, drawing in answer_figures.of_answer(self.answer).items():
                yield from figures.save(drawing(), directory, name)
            for column in columns_of(self.searched)[:1] if self.searched else ():
                try:
                    figure = sensitivity.figure(
                        self.searched, column, self.table.title, key=self.path
                    )
                except UserError as error:
                    # A choice among words has no axis; the others are there.
                    yield f"no figure of the choice of {self.path}: {error}"
                else:
                    yield from figures.save(figure, directory, f"{self.table.title} sensitivity")


@dataclasses.dataclass(frozen=True)
class Question:
    """What the table of a sweep is to answer.

    baseline: the label of the row that the others are compared with. claim: what the rows are
        claimed for. metrics: columns beside the task's main metric, as `test/nll`. estimate: what
        makes one value of a seed's runs; None: the mean of its folds.
    """

    baseline: str | None = None
    claim: Claim | None = None
    metrics: tuple[str, ...] = ()
    estimate: str | None = None

    def __post_init__(self) -> None:
        if self.estimate is not None:
            ESTIMATES.get(self.estimate)  # an unknown name is refused before anything is trained


def of_sweep(
    name: str,
    sweep: SweepSpec,
    run_ids: Sequence[str],
    by_id: Mapping[str, Record],
    notes: Sequence[str] = (),
    question: Question | None = None,
    store: Store | None = None,
) -> ArmsTable:
    """A row for each combination of the sweep's axes.

    Args:
        name: the title.
        sweep: what was asked for.
        run_ids: of its runs, in order.
        by_id: the records that there are, by run id.
        notes: sentences for the footer.
        question: what the table is to answer.
        store: the records, beside which predictions lie; None: none are read.

    Raises:
        UserError: no run has a record, or the baseline is no row.
    """
    question = question or Question()
    together = _runs_of_seed(sweep, run_ids)
    if store is not None and reads_predictions(question.metrics):
        by_id = with_out_of_fold(by_id, together, Predictions(store))
    wanted = dict.fromkeys(run_ids)
    records = [by_id[run_id] for run_id in wanted if run_id in by_id]
    if not records:
        raise UserError(
            f"no run of '{name}' has a record yet; train them first (leave out --no_train)"
        )
    if missing := len(wanted) - len(records):
        unseen = (
            f"{missing} of the {len(wanted)} runs that were asked for have no record: no row, seed"
            " or m has them."
        )
        notes = [*notes, unseen]
    return sweep_table(
        name,
        records,
        columns_of(records, question.metrics),
        axes(records, sweep.bracketed() | ({"fold"} & {*sweep.axes})),
        notes=notes,
        ragged="seed" in sweep.axes,
        baseline=question.baseline,
        claim=question.claim,
        asked=together,
        estimate=question.estimate,
        scores=None if store is None else KeptScores(Predictions(store)),
    )


def _runs_of_seed(sweep: SweepSpec, run_ids: Sequence[str]) -> dict[str, int]:
    """By run id, how many runs its seed has: those whose requests differ in the fold alone."""
    together: dict[Any, set[str]] = {}
    for request, run_id in zip(sweep.requests, run_ids, strict=True):
        together.setdefault(_without_fold(sweep, request), set()).add(run_id)
    return {run_id: len(ids) for ids in together.values() for run_id in ids}


def _without_fold(sweep: SweepSpec, request: Mapping[str, Any]) -> Any:
    row = {} if "fold" in sweep.axes else {"fold": None}
    return frozenset((path, str(value)) for path, value in {**request, **row}.items())


def untrained(
    name: str,
    sweep: SweepSpec,
    runs: Sequence[RequestedRun],
    question: Question | None = None,
) -> ArmsTable:
    """The table of a sweep before there are records: its rows and columns, without values.

    Args:
        name: the sweep's name.
        sweep: what was asked for.
        runs: its runs.
        question: the baseline and metrics that are asked for; None: neither.

    Raises:
        UserError: the baseline is not a row, or no run will have a metric.
    """
    refuse_unknown(question.metrics if question else (), _names(runs), _have_folds(runs))
    records = {run.id: Record(run.id, "failed", config_lib.to_flags(run.config)) for run in runs}
    ids = [run.id for run in runs]
    return of_sweep(name, sweep, ids, records, question=question)


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
    """Where a table's numbers come from. records_of: the records of runs, by id. scores: the metric
    of each test row, where runs kept them."""

    records_of: Callable[[Sequence[RequestedRun]], Mapping[str, Record]]
    scores: KeptScores


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
    if of_folds := reads_predictions(_metrics(experiment)):
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
    if experiment.choose is not None:
        asked = selection.searched(experiment, planner)
        flat = [run for of_arm in asked.values() for of_value in of_arm for run in of_value]
        refuse_unknown([experiment.choose.metric, *_metrics(experiment)], _names(flat))
        by_id = records_of(flat)
        _complete(experiment.name, flat, by_id)
        searched = [by_id[run.id] for run in flat]
        chosen = selection.chosen(experiment.choose, asked, by_id)
        remarks = selection.remarks(experiment, chosen, searched)
    remarks += registration.sentences(store, experiment)
    requests = selection.requests(experiment, chosen)
    strengths = selection.describe(experiment, experiment.seeds)

    def with_folds(runs: Sequence[RequestedRun]) -> Mapping[str, Record]:
        return with_out_of_fold(records_of(runs), folds_of_seed(runs), predictions)

    predictions = Predictions(store)
    source = RecordSource(with_folds if of_folds else records_of, KeptScores(predictions))
    table = of_arms(experiment, requests, strengths, planner, source, remarks, monitor.note)
    missing = sum(row.cells[0].count("missing") for row in table.rows if row.arm.declared)
    path = experiment.choose.path if experiment.choose else ""
    return TableReport(
        table,
        tuple(searched),
        path,
        missing,
        effects_of(experiment, table),
        over_datasets_of(experiment, table, source.scores),
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
    by_id = source.records_of(wanted)
    seeds = [int(request["seed"]) for request in max(requests.values(), key=len)]
    table = build_table(
        experiment.name,
        [_arm(label, runs, by_id, seeds, experiment.estimate) for label, runs in arms.items()],
        experiment.columns,
        experiment.baseline,
        seeds,
        experiment.published,
        (*experiment.notes, *notes, *planner.notes(wanted), *same(labelled)),
        strengths,
        experiment.claim,
        source.scores,
    )
    return dataclasses.replace(table, summary=experiment.summary)


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
    refuse_unknown(_metrics(experiment), _names(runs), _have_folds(runs))


def _have_folds(runs: Sequence[RequestedRun]) -> bool:
    return any(run.config.fold is not None for run in runs)


def _metrics(experiment: Experiment) -> list[str]:
    return [column.metric for column in experiment.columns]


def _names(runs: Sequence[RequestedRun]) -> set[str]:
    """The final metrics that some of the runs will have."""
    programs = {run.program.id: run.program for run in trainable(runs)}.values()
    return {name for program in programs for name in final_metric_names(program)}


def _complete(name: str, runs: Sequence[RequestedRun], by_id: Mapping[str, Record]) -> None:
    missing = sum(run.id not in by_id for run in runs)
    if missing:
        raise UserError(
            f"{missing} of the {len(runs)} runs among which '{name}' chooses have no record; train"
            " them first"
        )
