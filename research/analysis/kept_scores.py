"""Kept scores: a metric of each test row, from the predictions that the runs of a table kept."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from research.analysis.arms_table import Arm
from research.registry import TASKS, load_package
from research.statistics.crossed import CrossedRows, crossed
from research.statistics.floats import Floats
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.tasks.metrics import recorded_problem
from research.training.engine.predicted_rows import PARTS as KEPT_PARTS
from research.training.engine.predicted_rows import PredictedRows

# Metrics are computed in float32 while a run trains.
TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True)
class KeptScores:
    """The kept predictions of runs, each read once."""

    predictions: Predictions
    _read: dict[str, Mapping[str, PredictedRows]] = dataclasses.field(default_factory=dict)

    def rows(self, record: Record, metric: str) -> tuple[np.ndarray, Floats] | None:
        """The row numbers [R] and the metric of each row [R] of a run; None where it kept none, or
        where the metric (`test/accuracy`) is not the mean of such values.

        Raises UserError if the predictions are damaged.
        """
        part, _, name = metric.partition("/")
        if part not in KEPT_PARTS or not self.predictions.has(record.run_id):
            return None
        if record.run_id not in self._read:
            self._read[record.run_id] = self.predictions.load(record.run_id)
        predicted = self._read[record.run_id].get(part)
        values = None if predicted is None else of_each_row(record.config, predicted).get(name)
        # An R² or an area under a curve is no mean over rows.
        if values is None or not np.isclose(values.mean(), record.metrics[metric], rtol=TOLERANCE):
            return None
        assert predicted is not None
        return predicted.rows, values


def of_each_row(config: Mapping[str, str], predicted: PredictedRows) -> dict[str, Floats]:
    """The metrics [R] of each predicted row, by name."""
    load_package("research.tasks")
    problem = recorded_problem(config)
    # float64, as the final metrics are: in float32 a probability near 1 has an NLL of 0.
    with jax.enable_x64(True):
        scores = jnp.asarray(predicted.scores, jnp.float64)
        values = problem.example_metrics(scores, jnp.asarray(predicted.targets))
        return {name: np.asarray(of_rows, np.float64) for name, of_rows in values.items()}


def may_keep(configs: Iterable[Mapping[str, str]]) -> bool:
    """Whether all of these runs could keep a score per row: of sequences there are too many."""
    load_package("research.tasks")
    tasks = {config.get("task", "") for config in configs}
    known = {entry.name for entry in TASKS}
    return tasks <= known and all(TASKS.get(task).build().summary for task in tasks)


class ScoresOfArms(NamedTuple):
    """values: a metric of each test row, [s, r, m] of s seeds, r rows and m arms. there: which
    seeds each arm has, bool [s, m]."""

    values: Floats
    there: NDArray[np.bool_]


def crossed_rows(
    arms: Sequence[Arm], metric: str, seeds: Sequence[int], scores: KeptScores
) -> CrossedRows | None:
    """Seeds and test rows as crossed effects, a column per arm; None where `scores_of_arms` has
    none of two seeds.

    Args:
        arms: the rows of the table.
        metric: such as `test/accuracy`.
        seeds: those of the table.
        scores: the kept scores.
    """
    known = scores_of_arms(arms, metric, seeds, scores, fewest=2)
    return None if known is None else crossed(*known)


def scores_of_arms(
    arms: Sequence[Arm],
    metric: str,
    seeds: Sequence[int],
    scores: KeptScores,
    fewest: int,
) -> ScoresOfArms | None:
    """The kept scores of a table's runs, a column per arm.

    An arm with fewer finished seeds than `fewest` takes no part, and so gets no verdict. None where
    no arm has so many, where a run kept no scores, where the metric is no mean over rows, where
    runs are tested on different rows, or where a seed's value is made of several runs.

    Args:
        arms: the rows of the table.
        metric: such as `test/accuracy`.
        seeds: those of the table.
        scores: the kept scores.
        fewest: how many finished seeds an arm needs.
    """
    if any(arm.says for arm in arms):
        return None
    finished = [_finished(arm, metric, seeds) for arm in arms]
    by_run = {}
    for column, of_arm in enumerate(finished):
        for seed, record in of_arm.items() if len(of_arm) >= fewest else ():
            scored = scores.rows(record, metric)
            if scored is None:
                return None
            by_run[seeds.index(seed), column] = scored
    if not by_run:
        return None
    rows = next(iter(by_run.values()))[0]
    if len(rows) < 2 or not all(np.array_equal(tested, rows) for tested, _ in by_run.values()):
        return None
    values = np.zeros((len(seeds), len(rows), len(arms)))
    there = np.zeros((len(seeds), len(arms)), bool)
    for (seed, column), (_, of_rows) in by_run.items():
        values[seed, :, column] = of_rows
        there[seed, column] = True
    return ScoresOfArms(values, there)


def _finished(arm: Arm, metric: str, seeds: Sequence[int]) -> dict[int, Record]:
    return {
        seed: record
        for seed in seeds
        if (record := arm.records.get(seed)) is not None
        and record.status == "finished"
        and np.isfinite(record.metrics.get(metric, np.nan))
    }
