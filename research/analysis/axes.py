"""Tables of a sweep: which settings its runs differ in, and one row per combination of their
values."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from research.analysis.arms_table import Arm, ArmsTable, Column
from research.analysis.number_format import as_number
from research.analysis.scope import Claim
from research.analysis.table_builder import build_table
from research.errors import UserError, nearest
from research.sweeps.declare.strengths import KEY as REGULARIZATION
from research.sweeps.declare.strengths import settings
from research.sweeps.records.record import Record

Settings = Mapping[str, str]

CHOOSING = (
    "The best row of a sweep is chosen, not confirmed: choose on validation, then report it on"
    " fresh seeds."
)


def axes(records: Sequence[Record], bracketed: Collection[str] = ()) -> tuple[str, ...]:
    """The settings in which runs differ, in the config's order; a regularizer's strength is a
    setting of its own.

    Not the seed, and nothing that follows from another setting: an option that its entry's name
    settles (unless it is among `bracketed`), a split seed that the seed settles.
    """
    configs = settings(records)
    varying = [key for key, values in _values(configs) if key != "seed" and len(values) > 1]
    return tuple(
        key
        for key in varying
        if key in bracketed or not any(_settles(configs, parent, key) for parent in _parents(key))
    )


def _values(configs: Sequence[Settings]) -> Iterator[tuple[str, set[str | None]]]:
    """Each key with the values that it has."""
    kinds = {tuple(config) for config in configs}
    if (
        len(kinds) == 1
    ):  # as in most sweeps; a column at a time is several times faster where there are many runs
        columns = zip(*(config.values() for config in configs), strict=True)
        yield from ((key, set(column)) for key, column in zip(kinds.pop(), columns, strict=True))
        return
    for key in dict.fromkeys(key for config in configs for key in config):
        yield key, {config.get(key) for config in configs}


def _parents(key: str) -> list[str]:
    if key == "split_seed":
        return ["seed"]
    if key.startswith(f"{REGULARIZATION}."):  # `regularization` names a member without its strength
        return []
    parts = key.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _settles(configs: Sequence[Settings], parent: str, key: str) -> bool:
    """Whether `key` has one value for each value of `parent`, and so says nothing more."""
    values: dict[str | None, str | None] = {}
    return any(parent in config for config in configs) and all(
        values.setdefault(config.get(parent), config.get(key)) == config.get(key)
        for config in configs
    )


def group(records: Sequence[Record], keys: Sequence[str]) -> list[Arm]:
    """One arm per combination of the keys' values, sorted by the keys in turn.

    Raises UserError if two different runs have the same combination and seed.
    """
    by_combination: dict[tuple[str, ...], dict[int, Record]] = {}
    for record, config in zip(records, settings(records, keys), strict=True):
        by_seed = by_combination.setdefault(tuple(config.get(key, "") for key in keys), {})
        # Foreign records may lack a seed; they count as seed 0.
        seed = int(record.config.get("seed", 0))
        other = by_seed.setdefault(seed, record)
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
        Arm(_label(keys, c), by_combination[c], dict(zip(keys, c, strict=True)))
        for c in combinations
    ]


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


def sweep_table(
    title: str,
    records: Iterable[Record],
    columns: Sequence[Column],
    keys: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    strengths: str = CHOOSING,
    ragged: bool = False,
    baseline: str | None = None,
    claim: Claim | None = None,
) -> ArmsTable:
    """A table with a row per combination of a sweep's axes. keys: the axes, in the order of
    sorting.

    baseline: the label of the row that the others are compared with, such as `learning_rate=0.1`.
    ragged: each row was asked on the seeds of its records alone, as where seeds are zipped with
        another axis. Raises UserError for a key that no run has, and for a baseline that is no row.
    """
    records = list(records)
    known = {key for config in settings(records, keys or ()) for key in config}
    for key in keys or ():
        if key not in known:
            raise UserError(f"no run has the setting '{key}'; {nearest(key, known)}")
    arms = group(records, axes(records) if keys is None else keys)
    if ragged:
        arms = [dataclasses.replace(arm, asked=frozenset(arm.records)) for arm in arms]
    seeds = sorted({seed for arm in arms for seed in arm.records})
    return build_table(
        title, arms, columns, baseline, seeds, notes=notes, strengths=strengths, claim=claim
    )
