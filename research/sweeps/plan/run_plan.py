"""Plans: from settings to runs, and from runs to packs of lanes, without training anything."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from research import config as config_lib
from research.config import RunConfig
from research.data.splitters.division import division
from research.data.splitters.drawn_rows import drawn_sizes
from research.errors import ShapeError
from research.options import Settings
from research.sweeps.column import common_metric
from research.training.devices.strategy import ExecutionStrategy
from research.training.setup.program import Program
from research.words import plural

# Groups of equal rows that are named, and rows of a group.
MOST = 4


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """A run to be had: its id, its completed config and the program that trains it."""

    id: str
    config: RunConfig
    program: Program


@dataclasses.dataclass(frozen=True)
class UnfitRun:
    """A run that its sizes rule out, as a kernel larger than its images: it has no program.

    reason: which sizes, and what would fit.
    """

    id: str
    config: RunConfig
    reason: str


@dataclasses.dataclass(frozen=True)
class PlannedEnsemble:
    """Runs whose predictions are combined. Its id is a digest of theirs and of its own settings."""

    id: str
    config: RunConfig
    members: tuple[PlannedRun, ...]


FittingRun = PlannedRun | PlannedEnsemble
RequestedRun = FittingRun | UnfitRun


@dataclasses.dataclass(frozen=True)
class Pack:
    """The runs of one program, in order. way: the one that is recorded of them, where they are
    trained again."""

    program: Program
    runs: tuple[PlannedRun, ...]
    strategy: ExecutionStrategy | None = None


AnyRun = TypeVar("AnyRun", PlannedRun, FittingRun, RequestedRun)


def unique(runs: Iterable[AnyRun]) -> list[AnyRun]:
    """The runs without repetitions, in order."""
    return list({run.id: run for run in runs}.values())


def trainable(runs: Iterable[RequestedRun]) -> list[PlannedRun]:
    """The runs that have a program, in order; of an ensemble, those of its members."""
    each = (run.members if isinstance(run, PlannedEnsemble) else (run,) for run in runs)
    return [run for of_one in each for run in of_one if isinstance(run, PlannedRun)]


def needed(run: PlannedRun) -> set[str]:
    """The ids of the runs that must be over before this one can be trained."""
    origin = run.config.init_from
    return {*(run.config.after or ()), *([origin.partition(":")[0]] if origin else [])}


def stages(runs: Sequence[PlannedRun]) -> list[list[PlannedRun]]:
    """The runs in groups to be trained one after another: each run comes after those of them that
    it needs."""
    groups: list[list[PlannedRun]] = []
    depth: dict[str, int] = {}
    # A run's id is a digest of the ids that it needs, so there are no cycles. Members are in the
    # order of their ensemble, so what a run needs comes before it.
    for run in runs:
        depth[run.id] = max((depth[i] + 1 for i in needed(run) if i in depth), default=0)
        if depth[run.id] == len(groups):
            groups.append([])
        groups[depth[run.id]].append(run)
    return groups


def keeps_scores(run: PlannedRun) -> bool:
    """Whether a run's scores can be kept: of one target, and not too many."""
    targets = run.program.spec.targets
    summarized = run.program.problem.summary is not None
    return not targets.arrays and not targets.unlabelled and summarized


def unfit_notes(arms: Iterable[tuple[str, RequestedRun]]) -> list[str]:
    """One line per arm and reason for which its runs cannot be trained. arms: (label, run) each.

    Raises ShapeError if no run at all can be trained.
    """
    arms = list(arms)
    unfit = {(label, run.id): run.reason for label, run in arms if isinstance(run, UnfitRun)}
    counts = Counter((label, reason) for (label, _), reason in unfit.items())
    notes = [
        f"{label}: {plural(count, 'run')} cannot be trained: {reason}"
        for (label, reason), count in counts.items()
    ]
    if unfit and all(isinstance(run, UnfitRun) for _, run in arms):
        reasons = set(unfit.values())
        raise ShapeError(reasons.pop() if len(reasons) == 1 else "; ".join(notes[:MOST]))
    return notes


def same(arms: Iterable[tuple[str, RequestedRun]]) -> list[str]:
    """What to say of arms that are the same runs, and so would be compared with themselves. arms:
    (label, run) each."""
    ids: dict[str, set[str]] = {}
    for label, run in arms:
        ids.setdefault(label, set()).add(run.id)
    labels: dict[frozenset[str], list[str]] = {}
    for label, of_arm in ids.items():
        labels.setdefault(frozenset(of_arm), []).append(label)
    repeated = [" and ".join(names[:MOST]) for names in labels.values() if len(names) > 1]
    more = (
        [f"{len(repeated) - MOST} more groups of rows are the same runs."]
        if len(repeated) > MOST
        else []
    )
    return [
        f"{names} are the same runs: what differs in them changes nothing."
        for names in repeated[:MOST]
    ] + more


def check_comparable(runs: Iterable[RequestedRun]) -> None:
    """Raises UserError if the runs of a sweep have no metric in common, so that no table can
    compare them."""
    configs = {
        (run.config.loss, run.config.task, run.config.dataset.name): run.config for run in runs
    }
    common_metric(config_lib.to_flags(config) for config in configs.values())


def packs(
    runs: Iterable[PlannedRun], ways: Mapping[str, ExecutionStrategy | None] | None = None
) -> list[Pack]:
    """The runs by program, and by recorded way, in the order in which these appear. ways: recorded
    ones, by run id."""
    together: dict[tuple[str, ExecutionStrategy | None], list[PlannedRun]] = {}
    for run in unique(runs):
        together.setdefault((run.program.id, (ways or {}).get(run.id)), []).append(run)
    return [
        Pack(members[0].program, tuple(members), strategy)
        for (_, strategy), members in together.items()
    ]


def with_seeds(settings: Settings, seeds: Iterable[int]) -> list[Settings]:
    """The settings once for each seed."""
    return [{**settings, "seed": seed} for seed in seeds]


def row_counts(run: PlannedRun) -> dict[str, int]:
    """The rows of each part, and how many test rows the data set has that no split draws.

    They are a function of the data and the config, and are recorded since a table has no data.
    """
    config, spec = run.config, run.program.spec
    if spec.inputs.collected:  # it has episodes, and no split of them
        return {"own_test_rows": spec.test_size}
    folds = division(config.split).sizes(spec, config.train_size, config.split_seed or 0)
    sizes, fold = drawn_sizes(config, spec, folds)
    counts = {f"{part}_rows": n for part, n in sizes[fold]._asdict().items()}
    # Folds leave the data set's own test rows out.
    return counts | {"own_test_rows": spec.test_size if len(folds) == 1 else 0}
