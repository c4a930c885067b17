"""Choosing a setting for each arm on validation, before it is reported on fresh seeds."""

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from research.errors import UserError
from research.options import Settings
from research.sweeps.column import FLAT
from research.sweeps.declare.nested_choice import (
    ByArm,
    FoldChoice,
    chosen_of_folds,
    flat_runs,
    inner_requests,
)
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.plan.run_plan import RequestedRun, UnfitRun, trainable
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.words import plural

# The runs that choose and those that report have the same test rows, which no choice reads. If each
# seed split the rows, the validation rows of one would be test rows of another.
SHARED_SPLIT = {"split_seed": 0}


def candidates(experiment: Experiment) -> dict[str, list[list[Settings]]]:
    """The runs to choose from: for each arm, for each value, one request a seed. A nested split
    chooses by the seeds that report."""
    choose = _choose(experiment)
    return {
        label: [
            [
                {**_settings(experiment, label), choose.path: value, "seed": seed}
                for seed in (
                    reported_seeds(experiment, label)
                    if label in experiment.nested
                    else range(choose.seeds)
                )
            ]
            for value in choose.values
        ]
        for label in experiment.arms
    }


def reported_seeds(experiment: Experiment, label: str) -> list[int]:
    """The seeds that a table reports of an arm, which come after those that choose.

    Args:
        experiment: the declared table.
        label: the arm's.
    """
    first = 0
    if experiment.choose is not None and len(experiment.nested) < len(experiment.arms):
        first = experiment.choose.seeds
    return [first + seed for seed in experiment.seeds_of(label)]


def _settings(experiment: Experiment, label: str) -> Settings:
    """The settings of an arm, but for the chosen one and the seed."""
    shared = SHARED_SPLIT if experiment.choose and label not in experiment.nested else {}
    return {**shared, **experiment.base, **experiment.arms[label]}


def searched(experiment: Experiment, planner: Planner) -> dict[str, list[list[RequestedRun]]]:
    """The runs that choose: by arm, for each value; of a nested split those of the inner folds.

    Args:
        experiment: the declared table.
        planner: plans the runs.

    Raises:
        UserError: for a split of folds that is not nested, and for a value that cannot be trained.
    """
    by_label = candidates(experiment)
    planned = planner.plan_rows(
        {
            (label, index): (
                inner_requests(asked, planner) if label in experiment.nested else asked
            )
            for label, of_arm in by_label.items()
            for index, asked in enumerate(of_arm)
        }
    )
    by_arm = {
        label: [planned[label, index] for index in range(len(of_arm))]
        for label, of_arm in by_label.items()
    }
    for label, of_arm in by_arm.items():
        _check_runs(experiment, label, [run for of_value in of_arm for run in of_value])
    return by_arm


def _check_runs(experiment: Experiment, label: str, runs: Sequence[RequestedRun]) -> None:
    """Raises UserError if these runs cannot choose for the arm."""
    choose = _choose(experiment)
    for run in runs:
        if isinstance(run, UnfitRun):
            raise UserError(f"'{experiment.name}' cannot choose for '{label}': {run.reason}")
    if any(run.config.fold is not None for run in runs) and label not in experiment.nested:
        raise UserError(
            f"'{experiment.name}' chooses {choose.path} and has folds: the validation rows of a"
            " fold are test rows of others, so the choice would leak; use split='nested(5,3)', or"
            " one split, as split=8:1:1"
        )
    if not any(run.program.sizes.validation for run in trainable(runs)):
        raise UserError(
            f"'{experiment.name}' chooses {choose.path} by {choose.metric}, and split="
            f"{runs[0].config.split} leaves no validation rows; use split=8:1:1, or"
            " split='nested(5,3)'"
        )


def flat(experiment: Experiment, planner: Planner) -> ByArm:
    """Of each arm with a nested split, for each value, the runs of the folds that test.

    Args:
        experiment: the declared table, which chooses a setting.
        planner: plans the runs.
    """
    by_label = candidates(experiment)
    return flat_runs({label: by_label[label] for label in sorted(experiment.nested)}, planner)


def best(choose: Choose, records: Sequence[Sequence[Record]]) -> Any:
    """The value whose runs have the best mean of the metric; None if each has a run that diverged,
    or failed.

    Args:
        choose: the declaration of the choice.
        records: for each value, its runs.
    """
    index = _best(choose, records)
    return None if index is None else choose.values[index]


def _best(choose: Choose, records: Sequence[Sequence[Record]]) -> int | None:
    """The number of the `best` value."""
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
    return scores.index(max(scores))


def chosen(choose: Choose, runs: ByArm, records: Mapping[str, Record]) -> dict[str, Any]:
    """The best value of each arm that has one; of a nested split, the FoldChoice.

    Args:
        choose: the declaration of the choice.
        runs: the runs by arm, for each value, as `searched` has them; all of them have a record.
        records: the records, by run id.

    Raises:
        UserError: no arm has a value whose runs all finished.
    """
    of_arms = {
        label: (
            chosen_of_folds(functools.partial(_best, choose), choose.values, of_arm, records)
            if of_arm[0][0].config.fold is not None
            else best(choose, [[records[run.id] for run in of_value] for of_value in of_arm])
        )
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
    path = _choose(experiment).path
    for label in experiment.arms:
        if isinstance(chosen.get(label), FoldChoice):
            notes.append(f"{label}: {path} was chosen as {chosen[label]}.")
        elif label not in chosen:
            notes.append(
                f"{label}: at every value of {path} a run diverged or failed, so none is reported."
            )
    return notes


def requests(experiment: Experiment, chosen: Mapping[str, Any]) -> dict[str, list[Settings]]:
    """The runs that the table reports: the chosen settings on seeds that did not choose them.

    Args:
        experiment: the declared table.
        chosen: the chosen value of each arm that has one, or its FoldChoice.

    Returns:
        The requests by arm; none for an arm for which nothing could be chosen.
    """
    return {label: _requests(experiment, label, chosen) for label in experiment.arms}


def _requests(experiment: Experiment, label: str, chosen: Mapping[str, Any]) -> list[Settings]:
    settings = _settings(experiment, label)
    if experiment.choose is not None:
        if label not in chosen:
            return []
        path, value = experiment.choose.path, chosen[label]
        if isinstance(value, FoldChoice):
            return value.requests(settings, path)
        settings = {**settings, path: value}
    return [{**settings, "seed": seed} for seed in reported_seeds(experiment, label)]


def describe(experiment: Experiment, seeds: int) -> str:
    """The footer's sentence on how strengths came about."""
    if experiment.choose is None:
        return "Strengths were declared, not tuned."
    choose = experiment.choose
    among = f"{choose.path} was chosen among {len(choose.values)} values by {choose.metric}"
    name = choose.metric.partition("/")[2]
    in_folds = (
        f"{among} over the inner folds of each fold and seed, and no choice reads a row that its"
        f" fold tests. {FLAT}/{name} is the score of the value that is best on the test rows of all"
        " folds, on the same rows: it is optimistic."
    )
    shared = (
        f"{among} over {plural(choose.seeds, 'seed')}; the table reports it on"
        f" {plural(seeds, 'fresh seed')} of the same split, whose test rows no choice reads."
    )
    if not experiment.nested:
        return f"For each row {shared}"
    if len(experiment.nested) == len(experiment.arms):
        return f"For each row {in_folds}"
    return f"{', '.join(sorted(experiment.nested))}: {in_folds} For each other row {shared}"


def _choose(experiment: Experiment) -> Choose:
    assert experiment.choose is not None
    return experiment.choose
