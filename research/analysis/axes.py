"""Tables of a sweep: which settings its runs differ in, and one row per combination of their
values."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from research.analysis.arms_table import Arm, ArmsTable, Column
from research.analysis.number_format import as_number
from research.analysis.table_builder import WIDEST, Remarks, Scope, build_table
from research.config import FIELDS, FOLLOWING, SEEDS
from research.errors import UserError, nearest
from research.options import Settings, format_value
from research.sweeps.declare.strengths import KEY as REGULARIZATION
from research.sweeps.declare.strengths import settings
from research.sweeps.estimates.seed_value import fold_of, seed_value
from research.sweeps.records.record import Record

# What differs among the runs of a row.
POOLED = ("seed", "fold")
CHOOSING = (
    "The best row of a sweep is chosen, not confirmed: choose on validation, then report it on"
    " fresh seeds."
)


def axes(records: Sequence[Record], bracketed: Collection[str] = ()) -> tuple[str, ...]:
    """The settings in which runs differ, in the config's order; a regularizer's strength is a
    setting of its own.

    Not the seed or the fold, and nothing that follows from another setting: an option that its
    entry's name settles (unless it is among `bracketed`), a split seed that the seed settles.
    """
    configs = settings(records)
    varying = [
        key
        for key, values in _values(configs)
        if len(values) > 1 and (key in bracketed or key not in POOLED)
    ]
    return tuple(
        key
        for key in varying
        if key in bracketed or not any(_settles(configs, parent, key) for parent in _parents(key))
    )


def _values(configs: Sequence[Settings]) -> Iterator[tuple[str, set[str | None]]]:
    """Each key with the values that it has."""
    kinds = {tuple(config) for config in configs}
    # As in most sweeps; a column at a time is several times faster where there are many runs.
    if len(kinds) == 1:
        columns = zip(*(config.values() for config in configs), strict=True)
        yield from ((key, set(column)) for key, column in zip(kinds.pop(), columns, strict=True))
        return
    for key in dict.fromkeys(key for config in configs for key in config):
        yield key, {_value(config, key) for config in configs}


def _value(config: Settings, key: str) -> str | None:
    """The value of a setting, which may be newer than the record."""
    if key in config or key not in FIELDS:
        return config.get(key)
    return config.get("seed") if key in FOLLOWING else format_value(FIELDS[key].default)


def _parents(key: str) -> list[str]:
    if key in SEEDS.values():
        return ["seed"]
    # `regularization` names a member without its strength.
    if key.startswith(f"{REGULARIZATION}."):
        return []
    parts = key.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _settles(configs: Sequence[Settings], parent: str, key: str) -> bool:
    """Whether `key` has one value for each value of `parent`, and so says nothing more."""
    values: dict[str | None, str | None] = {}
    return any(parent in config for config in configs) and all(
        values.setdefault(config.get(parent), _value(config, key)) == _value(config, key)
        for config in configs
    )


def group(
    records: Sequence[Record],
    keys: Sequence[str],
    asked: Mapping[str, int] = {},
    estimate: str | None = None,
) -> list[Arm]:
    """One arm per combination of the keys' values, sorted by the keys in turn.

    Args:
        records: of the runs.
        keys: the settings that tell rows apart.
        asked: by run id, how many runs its seed was asked for; one where it is not said.
        estimate: what makes one value of them; None: the default.

    Raises:
        UserError: two different runs have the same combination, seed and fold.
    """
    by_combination: dict[tuple[str, ...], dict[int, dict[int, Record]]] = {}
    for record, config in zip(records, settings(records, keys), strict=True):
        by_seed = by_combination.setdefault(tuple(config.get(key, "") for key in keys), {})
        # Foreign records may lack a seed; they count as seed 0.
        by_fold = by_seed.setdefault(int(record.config.get("seed", 0)), {})
        other = by_fold.setdefault(fold_of(record), record)
        if other.run_id != record.run_id:
            differ = _differing(other.config, record.config)
            raise UserError(
                f"runs {other.run_id} and {record.run_id} share a row and a seed but differ in"
                f" {differ}; add an axis"
            )
    ranks = [
        ranking([combination[index] for combination in by_combination])
        for index in range(len(keys))
    ]
    combinations = sorted(
        by_combination, key=lambda c: [rank[value] for rank, value in zip(ranks, c, strict=True)]
    )
    return [
        with_seed_values(
            Arm(_label(keys, c), {}, dict(zip(keys, c, strict=True))),
            {
                seed: (runs := [*by_fold.values()], _asked(runs, asked))
                for seed, by_fold in by_combination[c].items()
            },
            estimate,
        )
        for c in combinations
    ]


def _asked(runs: Sequence[Record], asked: Mapping[str, int]) -> int:
    """How many runs were asked for of a seed that has these."""
    return max(len(runs), *(asked.get(run.run_id, 1) for run in runs))


def with_seed_values(
    arm: Arm, by_seed: Mapping[int, tuple[Sequence[Record], int]], estimate: str | None
) -> Arm:
    """The arm with the value of each seed.

    Args:
        arm: the row.
        by_seed: the records of a seed's runs, and how many runs were asked for.
        estimate: as `group` takes it.
    """
    values = {seed: seed_value(*runs, estimate) for seed, runs in by_seed.items()}
    several = {seed: value for seed, value in values.items() if value.says}
    return dataclasses.replace(
        arm,
        records={seed: value.record for seed, value in values.items() if value.record},
        runs={seed: value.runs for seed, value in several.items()},
        wanted={seed: by_seed[seed][1] for seed in several},
        says=" or ".join(sorted({value.says for value in several.values()})),
    )


def ranking(values: Iterable[str]) -> dict[str, tuple[int, float]]:
    """Where each value of an axis sorts: words first, as they come; then numbers by size."""
    ranks: dict[str, tuple[int, float]] = {}
    for index, value in enumerate(dict.fromkeys(values)):
        number = as_number(value)
        ranks[value] = (0, index) if number is None else (1, number)
    return ranks


def _label(keys: Sequence[str], values: Sequence[str]) -> str:
    return (
        ", ".join(f"{key}={value}" for key, value in zip(keys, values, strict=True) if value)
        or "all runs"
    )


def _differing(a: Settings, b: Settings) -> str:
    return (
        ", ".join(sorted(key for key in {*a, *b} if a.get(key) != b.get(key)))
        or "nothing that is recorded"
    )


@dataclasses.dataclass(frozen=True)
class Grouping:
    """How the records of a sweep make rows.

    keys: the axes, in the order of sorting; None: the settings in which the records differ. ragged:
        whether each row has only the seeds of its own records, as where seeds are zipped with
        another axis. asked, estimate: as of `group`.
    """

    keys: Sequence[str] | None = None
    ragged: bool = False
    asked: Mapping[str, int] = dataclasses.field(default_factory=dict)
    estimate: str | None = None

    def arms(self, records: Sequence[Record]) -> list[Arm]:
        """The rows, sorted. Raises UserError if no run has a key."""
        known = {key for config in settings(records, self.keys or ()) for key in config}
        for key in self.keys or ():
            if key not in known:
                raise UserError(f"no run has the setting '{key}'; {nearest(key, known)}")
        keys = axes(records) if self.keys is None else self.keys
        arms = group(records, keys, self.asked, self.estimate)
        if not self.ragged:
            return arms
        return [
            dataclasses.replace(arm, asked=frozenset({*arm.records, *arm.runs})) for arm in arms
        ]


BY_DIFFERENCES = Grouping()
CHOSEN = Remarks(strengths=CHOOSING)


def sweep_table(
    title: str,
    records: Iterable[Record],
    columns: Sequence[Column],
    grouping: Grouping = BY_DIFFERENCES,
    baseline: str | None = None,
    remarks: Remarks = CHOSEN,
    scope: Scope = WIDEST,
) -> ArmsTable:
    """A table with a row per combination of a sweep's axes.

    Args:
        title: the table's title.
        records: the sweep's records.
        columns: the metrics to show.
        grouping: how the records make rows.
        baseline: the label of the row that the others are compared with, such as
            `learning_rate=0.1`.
        remarks: notes, and how strengths were chosen.
        scope: what intervals and verdicts are about.

    Raises:
        UserError: no run has a key, or the baseline is not a row.
    """
    arms = grouping.arms(list(records))
    seeds = sorted({seed for arm in arms for seed in (*arm.records, *arm.runs)})
    return build_table(title, arms, columns, baseline, seeds, remarks, scope)
