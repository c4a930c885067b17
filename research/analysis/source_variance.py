"""Source variance: trains the draws of a row's sources of randomness, and makes their table."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from research.analysis.clean_metrics import with_clean
from research.analysis.effort import flops_of_updates, measured
from research.analysis.experiment_report import check_metrics
from research.analysis.variance_table import VarianceRow, VarianceTable, figure
from research.errors import UserError, nearest
from research.metric_names import is_effort
from research.statistics.variance_parts import VariancePart, bootstrap_part, variance_part
from research.sweeps.column import Column, reads_predictions
from research.sweeps.declare.variance_draws import ROWS, TOGETHER, VarianceDraws
from research.sweeps.estimates.seed_value import seed_value
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.execution_options import Execution
from research.sweeps.execute.observer import Observer
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store

# The values of one source: by base, the final metrics of its draws; None of one without a value.
Values = list[list[dict[str, float] | None]]


def of_experiment(
    experiment: Experiment,
    label: str | None,
    draws: VarianceDraws,
    planner: Planner,
    store: Store,
    observer: Observer,
) -> VarianceTable:
    """The table of one row of an experiment, after training what is missing.

    Args:
        experiment: the declared table.
        label: the row; None: its baseline, or the first. Data sets require a row.
        draws: what is redrawn.
        planner: plans the runs.
        store: the records.
        observer: follows the training.

    Raises:
        UserError: there is no such row, none is named though there are several data sets, the row
            has a setting that is yet to be chosen, its runs will not have a column, or rows cannot
            be resampled.
    """
    if label is None and experiment.datasets:
        first = next(iter(experiment.arms))
        raise UserError(
            f"'{experiment.name}' has a row per arm and data set; name one, as --row='{first}'"
        )
    label = label or experiment.baseline or next(iter(experiment.arms))
    if label not in experiment.arms:
        raise UserError(f"--row={label}: {nearest(label, experiment.arms)}")
    if experiment.choose is not None:
        raise UserError(
            f"'{experiment.name}' chooses {experiment.choose.path}; declare an experiment whose"
            " rows set it, and ask for that one's variance"
        )
    arm = {**experiment.base, **experiment.arms[label]}
    bases = planner.runs(planner.each_fold(draws.of_bases(arm)))
    seeded = {
        name: [[planner.runs(planner.each_fold([draw])) for draw in base] for base in of_source]
        for name, of_source in draws.requests(arm).items()
    }
    # All is checked before anything is trained.
    _check_columns(experiment, bases)
    every = [run for of in seeded.values() for base in of for draw in base for run in draw]
    flops = flops_of_updates([column.metric for column in experiment.columns], every, planner)
    values: dict[str, Values] = {}
    if ROWS in draws.sources:
        _check_rows(bases)
        values[ROWS] = _resampled(bases, draws, planner, store, observer)
    by_id = ensure_records(every, store, planner, observer)
    values |= _of_draws(experiment, seeded, by_id, flops)
    order = [*draws.sources, *([TOGETHER] if TOGETHER in values else [])]
    rows = [
        row
        for column in experiment.columns
        for row in _rows(column, {name: values[name] for name in order})
    ]
    by_seed = bases[0].program.spec.split_by_seed
    shared = "split" in draws.sources and ROWS in draws.sources and by_seed
    folds = len(bases) // draws.bases
    note = f"Each value is the {experiment.estimate or 'mean'} of {folds} folds." * (folds > 1)
    return VarianceTable(experiment.name, label, draws, tuple(rows), shared, note)


def _of_draws(
    experiment: Experiment,
    runs: Mapping[str, list[list[list[PlannedRun]]]],
    by_id: Mapping[str, Record],
    flops: Mapping[str, float],
) -> dict[str, Values]:
    """The final metrics of the draws of every source that has a seed.

    Args:
        experiment: the declared table.
        runs: by source, those of each base, of each draw, of each fold.
        by_id: their records.
        flops: operations of one update, by run id, where a column asks for them.
    """
    columns = [column.metric for column in experiment.columns]
    by_id = measured(with_clean(by_id, columns), columns, flops)

    def metrics(folds: Sequence[PlannedRun]) -> dict[str, float] | None:
        there = [by_id[run.id] for run in folds if run.id in by_id]
        record = seed_value(there, len(folds), experiment.estimate).record
        finished = record is not None and record.status == "finished"
        return dict(record.metrics) if record and finished else None

    return {
        name: [[metrics(draw) for draw in base] for base in bases] for name, bases in runs.items()
    }


def _check_columns(experiment: Experiment, runs: Sequence[PlannedRun]) -> None:
    """Raises UserError for a column that the runs will not have."""
    check_metrics(experiment, runs)
    for column in experiment.columns:
        if reads_predictions([column.metric]):
            name = column.metric.partition("/")[2]
            raise UserError(
                f"'{column.metric}' is of the predictions of all folds, which are not kept here;"
                f" ask for the variance of an experiment with test/{name}"
            )


def _check_rows(runs: Sequence[PlannedRun]) -> None:
    """Raises UserError where the evaluated rows cannot be resampled."""
    (first, *_) = runs
    without = f"leave {ROWS} out of --over"
    if first.config.fold is not None:
        raise UserError(f"{ROWS}: every row is evaluated in some fold; {without}")
    if first.program.problem.summary is None:
        raise UserError(f"{ROWS}: task={first.config.task} keeps no scores of rows; {without}")


def _resampled(
    runs: Sequence[PlannedRun],
    draws: VarianceDraws,
    planner: Planner,
    store: Store,
    observer: Observer,
) -> Values:
    """The metrics of each base's kept scores, over rows drawn with replacement."""
    by_id = ensure_records(
        runs, store, planner, observer, execution=Execution(keep_predictions=True)
    )
    predictions = Predictions(store)
    values: Values = []
    for number, run in enumerate(runs):
        if by_id[run.id].status != "finished":
            values.append([None] * draws.draws)
            continue
        parts = predictions.load(run.id)
        summary = run.program.problem.summary
        assert summary is not None
        random = np.random.default_rng(number)
        of_base: list[dict[str, float] | None] = []
        for _ in range(draws.draws):
            metrics: dict[str, float] = {}
            for part, predicted in parts.items():
                drawn = random.integers(0, len(predicted.rows), len(predicted.rows))
                of_rows = summary(predicted.scores[drawn], predicted.targets[drawn])
                metrics |= {f"{part}/{name}": value for name, value in of_rows.items()}
            of_base.append(metrics)
        values.append(of_base)
    return values


def _rows(column: Column, values: dict[str, Values]) -> Iterator[VarianceRow]:
    """The rows of one column."""
    parts: dict[str, VariancePart | None] = {}
    lost = {}
    for name, bases in values.items():
        # The scores of training rows are not kept, and effort is not of rows.
        if name == ROWS and (column.metric.startswith("train/") or is_effort(column.metric)):
            continue
        numbers = [[(draw or {}).get(column.metric, math.nan) for draw in base] for base in bases]
        there = [[value for value in base if math.isfinite(value)] for base in numbers]
        parts[name] = bootstrap_part(there) if name == ROWS else variance_part(there)
        lost[name] = sum(map(len, numbers)) - sum(map(len, there))
    whole = parts.get(TOGETHER)
    for name, part in parts.items():
        share = part.variance / whole.variance if part and whole and whole.variance else None
        yield VarianceRow(name, column, part, None if name == TOGETHER else share, lost[name])


def write_figures(table: VarianceTable, directory: str) -> Iterator[Path]:
    """Writes a figure per column, as PNG and PDF; returns the files.

    Args:
        table: the table.
        directory: where.

    Raises:
        UserError: the directory cannot be written.
    """
    from research.analysis import figures

    for column in dict.fromkeys(row.column for row in table.rows):
        yield from figures.save(figure(table, column), directory, f"variance-{column.metric}")
