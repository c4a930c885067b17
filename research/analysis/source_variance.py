"""Source variance: trains the draws of a row's sources of randomness, and makes their table."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.analysis.variance_table import VarianceRow, VarianceTable, figure
from research.errors import UserError, nearest
from research.statistics.variance_parts import VariancePart, variance_part
from research.sweeps.column import Column
from research.sweeps.declare.variance_draws import ROWS, TOGETHER, VarianceDraws
from research.sweeps.estimates.seed_value import seed_value
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.execution_options import Execution
from research.sweeps.execute.observer import Observer
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.predictions import Predictions
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
        label: the row; None: its baseline, or the first.
        draws: what is redrawn.
        planner: plans the runs.
        store: the records.
        observer: follows the training.

    Raises:
        UserError: there is no such row, it has a setting that is yet to be chosen, or rows cannot
            be resampled.
    """
    label = label or experiment.baseline or next(iter(experiment.arms))
    if label not in experiment.arms:
        raise UserError(f"--row={label}: {nearest(label, experiment.arms)}")
    if experiment.choose is not None:
        raise UserError(
            f"'{experiment.name}' chooses {experiment.choose.path}; declare an experiment whose"
            " rows set it, and ask for that one's variance"
        )
    arm = {**experiment.base, **experiment.arms[label]}
    values: dict[str, Values] = {}
    if ROWS in draws.sources:
        runs = planner.runs(planner.each_fold(draws.of_bases(arm)))
        _check_rows(runs)
        values[ROWS] = _resampled(runs, draws, planner, store, observer)
    seeded = _trained(experiment, draws, arm, planner, store, observer)
    values = seeded | values
    order = [*draws.sources, *([TOGETHER] if TOGETHER in values else [])]
    rows = [
        row
        for column in experiment.columns
        for row in _rows(column, {name: values[name] for name in order})
    ]
    (run, *_) = planner.runs(planner.each_fold(draws.of_bases(arm))[:1])
    shared = "split" in draws.sources and ROWS in draws.sources and run.program.spec.split_by_seed
    return VarianceTable(experiment.name, label, draws, tuple(rows), shared)


def _trained(
    experiment: Experiment,
    draws: VarianceDraws,
    arm: dict[str, Any],
    planner: Planner,
    store: Store,
    observer: Observer,
) -> dict[str, Values]:
    """The final metrics of the draws of every source that has a seed."""
    requests = draws.requests(arm)
    runs = {
        name: [[planner.runs(planner.each_fold([draw])) for draw in base] for base in bases]
        for name, bases in requests.items()
    }
    every = [run for bases in runs.values() for base in bases for draw in base for run in draw]
    by_id = ensure_records(every, store, planner, observer)

    def metrics(folds: Sequence[PlannedRun]) -> dict[str, float] | None:
        there = [by_id[run.id] for run in folds if run.id in by_id]
        record = seed_value(there, len(folds), experiment.estimate).record
        finished = record is not None and record.status == "finished"
        return dict(record.metrics) if record and finished else None

    return {
        name: [[metrics(draw) for draw in base] for base in bases] for name, bases in runs.items()
    }


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
        if name == ROWS and column.metric.startswith("train/"):
            continue  # the scores of training rows are not kept
        numbers = [[(draw or {}).get(column.metric, math.nan) for draw in base] for base in bases]
        there = [[value for value in base if math.isfinite(value)] for base in numbers]
        parts[name] = variance_part(there)
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
