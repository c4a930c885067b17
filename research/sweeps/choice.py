"""Choosing a setting for each arm on validation, before it is reported on fresh seeds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from research.errors import UserError
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.plan import Planner, Run
from research.sweeps.record import Record

Settings = dict[str, Any]


def candidates(experiment: Experiment) -> dict[str, list[list[Settings]]]:
    """The runs to choose from: for each arm, for each value, one request a seed."""
    choose = _choose(experiment)
    return {
        label: [
            [{**experiment.base, **arm, choose.path: value, "seed": seed} for seed in range(choose.seeds)]
            for value in choose.values
        ]
        for label, arm in experiment.arms.items()
    }


def searched(experiment: Experiment, planner: Planner) -> dict[str, list[list[Run]]]:
    """The runs of the candidates: by arm, for each value."""
    return {label: [planner.runs(asked) for asked in of_arm] for label, of_arm in candidates(experiment).items()}


def best(choose: Choose, records: Sequence[Sequence[Record]]) -> Any:
    """The value whose runs have the best mean of the metric; a value with a run that diverged comes last.

    records: for each value, its runs. Raises UserError if every value diverged.
    """
    sign = 1.0 if choose.better == "higher" else -1.0

    def score(runs: Sequence[Record]) -> float:
        values = [run.metrics.get(choose.metric, math.nan) for run in runs]
        mean = math.fsum(values) / len(values) if values else math.nan
        return sign * mean if math.isfinite(mean) else -math.inf

    scores = [score(runs) for runs in records]
    if max(scores) == -math.inf:
        raise UserError(f"every value of {choose.path} has a run that diverged or lacks {choose.metric}")
    return choose.values[scores.index(max(scores))]


def chosen(choose: Choose, runs: Mapping[str, Sequence[Sequence[Run]]], found: Mapping[str, Record]) -> dict[str, Any]:
    """The best value of each arm whose runs all have a record. runs: by arm, for each value."""
    return {
        label: best(choose, [[found[run.id] for run in of_value] for of_value in of_arm])
        for label, of_arm in runs.items()
        if all(run.id in found for of_value in of_arm for run in of_value)
    }


def requests(experiment: Experiment, seeds: int, chosen: Mapping[str, Any]) -> dict[str, list[Settings]]:
    """The runs that the table reports, by arm: the chosen settings on seeds that did not choose them."""
    first = experiment.choose.seeds if experiment.choose else 0
    return {
        label: [
            {**experiment.base, **arm, **_fixed(experiment, label, chosen), "seed": seed}
            for seed in range(first, first + seeds)
        ]
        for label, arm in experiment.arms.items()
    }


def describe(experiment: Experiment, seeds: int) -> str:
    """The footer's sentence on how strengths came about."""
    if experiment.choose is None:
        return "Strengths were declared, not tuned."
    choose = experiment.choose
    return (
        f"For each row {choose.path} was chosen among {len(choose.values)} values by {choose.metric} over "
        f"{choose.seeds} seed{'s' * (choose.seeds != 1)}; the table reports it on {seeds} fresh "
        f"seed{'s' * (seeds != 1)}."
    )


def _fixed(experiment: Experiment, label: str, chosen: Mapping[str, Any]) -> Settings:
    return {experiment.choose.path: chosen[label]} if experiment.choose else {}


def _choose(experiment: Experiment) -> Choose:
    assert experiment.choose is not None
    return experiment.choose
