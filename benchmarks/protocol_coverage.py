"""Protocols: how often the interval of ten seeds covers the score on 200 fresh splits."""

import dataclasses
import statistics

import numpy as np
from absl import flags

from launch.cli.planner import planner
from launch.cli.records import store
from research.analysis.experiment_report import of_experiment
from research.statistics.intervals import t_interval
from research.sweeps.declare import experiment_files
from research.sweeps.execute.terminal import Terminal
from research.sweeps.experiment import Experiment

POOL = flags.DEFINE_integer(
    "pool", 20, "protocols: seeds of each, from which tables of ten are drawn", lower_bound=10
)
SHOWN = ("holdout", "k-fold", "repeated k-fold")
FRESH = {"fresh": {"split": "shuffle(200,test=0.2)"}}
TABLE, DRAWS = 10, 2000


def measure() -> None:
    """Of logistic regression on two bundled tables, by protocol: the mean, the interval of the
    first ten seeds, and the share of tables of ten seeds whose interval covers the mean accuracy
    over 200 fresh splits.

    Tables are drawn with replacement from the seeds that were trained. All accuracies are on these
    rows of data.
    """
    plain, nested = (
        experiment_files.get(name, Terminal().warn) for name in ("protocols", "protocols_nested")
    )
    declared = dict(plain.arms.declared)  # type: ignore[attr-defined]
    shown = {label: declared[label] for label in SHOWN}
    values = {
        **_values(dataclasses.replace(plain, arms=shown, seeds=POOL.value)),
        **_values(dataclasses.replace(nested, seeds=POOL.value)),
    }
    fresh = _values(dataclasses.replace(plain, arms=FRESH, baseline=None, seeds=1))
    # A table of one seed has a value per fold, and every fold is a fresh split.
    truth = {row.partition(", ")[2]: statistics.fmean(folds) for (row, _), folds in fresh.items()}
    draw = np.random.default_rng(0)
    print("| row | column | all seeds (%) | 10 seeds (%) | 200 fresh splits (%) | coverage |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for (row, column), seeds in values.items():
        expected = truth[row.partition(", ")[2]]
        first = t_interval(seeds[:TABLE])
        tables = [t_interval(draw.choice(seeds, TABLE)) for _ in range(DRAWS)]
        covered = [abs(table.mean - expected) <= (table.half_width or 0.0) for table in tables]
        print(
            f"| {row} | {column} | {100 * statistics.fmean(seeds):.2f} | {100 * first.mean:.2f} ±"
            f" {100 * (first.half_width or 0.0):.2f} | {100 * expected:.2f} |"
            f" {statistics.fmean(covered):.2f} |"
        )


def _values(experiment: Experiment) -> dict[tuple[str, str], list[float]]:
    """The value of each seed, by row and column, after training what is missing."""
    monitor = Terminal()
    report = of_experiment(experiment, planner(), store(monitor.warn), monitor, train=True)
    return {
        (row.arm.label, column.label): [value for value in cell.values if value is not None]
        for row in report.table.rows
        for column, cell in zip(report.table.columns, row.cells, strict=True)
    }
