"""Choosing a setting for each arm on validation, before it is reported on fresh seeds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from research.errors import UserError
from research.options import Settings
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.plan.run_plan import RequestedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.words import plural

# The runs that choose and those that report have the same test rows, which no choice reads. If each
# seed split the rows, the validation rows of one would be test rows of another.
SHARED_SPLIT = {"split_seed": 0}


def candidates(experiment: Experiment) -> dict[str, list[list[Settings]]]:
    """The runs to choose from: for each arm, for each value, one request a seed."""
    choose = _choose(experiment)
    return {
        label: [
            [
                {**SHARED_SPLIT, **experiment.base, **arm, choose.path: value, "seed": seed}
                for seed in range(choose.seeds)
            ]
            for value in choose.values
        ]
        for label, arm in experiment.arms.items()
    }


def searched(experiment: Experiment, planner: Planner) -> dict[str, list[list[RequestedRun]]]:
    """The runs of the candidates: by arm, for each value. Raises UserError for a split of
    folds."""
    by_label = candidates(experiment)
    planned = planner.plan_rows(
        {
            (label, index): asked
            for label, of_arm in by_label.items()
            for index, asked in enumerate(of_arm)
        }
    )
    by_arm = {
        label: [planned[label, index] for index in range(len(of_arm))]
        for label, of_arm in by_label.items()
    }
    runs = [run for of_arm in by_arm.values() for of_value in of_arm for run in of_value]
    if any(run.config.fold is not None for run in runs):
        raise UserError(
            f"'{experiment.name}' chooses {_choose(experiment).path} and has folds: the validation"
            " rows of a fold are test rows of others, so the choice would leak; use one split, as"
            " split=8:1:1"
        )
    return by_arm


def best(choose: Choose, records: Sequence[Sequence[Record]]) -> Any:
    """The value whose runs have the best mean of the metric; None if each has a run that diverged,
    or failed.

    records: for each value, its runs.
    """
    sign = 1.0 if choose.better == "higher" else -1.0

    def score(runs: Sequence[Record]) -> float:
        values = [run.metrics.get(choose.metric, math.nan) for run in runs]
        # Exact, so that the order of the runs cannot decide a tie.
        mean = math.fsum(values) / len(values) if values else math.nan
        return sign * mean if math.isfinite(mean) else -math.inf

    # Of equal values the first is chosen.
    scores = [score(runs) for runs in records]
    if max(scores) == -math.inf:
        return None
    return choose.values[scores.index(max(scores))]


def chosen(
    choose: Choose,
    runs: Mapping[str, Sequence[Sequence[RequestedRun]]],
    records: Mapping[str, Record],
) -> dict[str, Any]:
    """The best value of each arm that has one.

    Args:
        choose: the declaration of the choice.
        runs: the runs by arm, for each value; all of them have a record.
        records: the records, by run id.

    Raises:
        UserError: no arm has a value whose runs all finished.
    """
    of_arms = {
        label: best(choose, [[records[run.id] for run in of_value] for of_value in of_arm])
        for label, of_arm in runs.items()
    }
    if all(value is None for value in of_arms.values()):
        raise UserError(
            f"every value of {choose.path} has a run that diverged or lacks {choose.metric}"
        )
    return {label: value for label, value in of_arms.items() if value is not None}


def remarks(
    experiment: Experiment, chosen: Mapping[str, Any], searched: Sequence[Record]
) -> list[str]:
    """What a reader must know of the choice: the runs that did not help, and the rows without a
    value.

    Args:
        experiment: the declared table.
        chosen: the chosen value of each arm that has one.
        searched: the records of the runs that chose.
    """
    counts = {
        word: sum(record.status == word for record in searched) for word in ("diverged", "failed")
    }
    without_help = [f"{count} {word}" for word, count in counts.items() if count]
    notes = (
        [f"Of the {len(searched)} runs that chose {' and '.join(without_help)}."]
        if without_help
        else []
    )
    for label in experiment.arms:
        if label not in chosen:
            path = _choose(experiment).path
            notes.append(
                f"{label}: at every value of {path} a run diverged or failed, so none is reported."
            )
    return notes


def requests(experiment: Experiment, chosen: Mapping[str, Any]) -> dict[str, list[Settings]]:
    """The runs that the table reports: the chosen settings on seeds that did not choose them.

    Args:
        experiment: the declared table.
        chosen: the chosen value of each arm that has one.

    Returns:
        The requests by arm; none for an arm for which nothing could be chosen.
    """
    first = experiment.choose.seeds if experiment.choose else 0
    shared = SHARED_SPLIT if experiment.choose else {}
    return {
        label: (
            [
                {
                    **shared,
                    **experiment.base,
                    **arm,
                    **_fixed(experiment, label, chosen),
                    "seed": seed,
                }
                for seed in (first + index for index in experiment.seeds_of(label))
            ]
            if experiment.choose is None or label in chosen
            else []
        )
        for label, arm in experiment.arms.items()
    }


def describe(experiment: Experiment, seeds: int) -> str:
    """The footer's sentence on how strengths came about."""
    if experiment.choose is None:
        return "Strengths were declared, not tuned."
    choose = experiment.choose
    return (
        f"For each row {choose.path} was chosen among {len(choose.values)} values by"
        f" {choose.metric} over {plural(choose.seeds, 'seed')}; the table reports it on"
        f" {plural(seeds, 'fresh seed')} of the same split, whose test rows no choice reads."
    )


def _fixed(experiment: Experiment, label: str, chosen: Mapping[str, Any]) -> Settings:
    return {experiment.choose.path: chosen[label]} if experiment.choose else {}


def _choose(experiment: Experiment) -> Choose:
    assert experiment.choose is not None
    return experiment.choose
