"""Experiment: a declared table. Data, no logic: base config, arms, columns, seeds, baseline, published values."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from research.registry import Registry
from research.sweeps.column import Column, Published

Settings = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Choose:
    """How an arm's setting is chosen before it is reported: by the mean of a validation metric over `seeds`.

    The chosen setting is then trained on fresh seeds, and only those enter the table.
    """

    path: str
    values: Sequence[Any]
    seeds: int
    metric: str = "validation/accuracy"
    better: str = "higher"


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table's declaration.

    base: settings of every run, as flags take them. arms: a row's label and what it changes. columns: what
    is shown of each row. baseline: the arm that the others are compared with. notes: for the footer.
    """

    name: str
    summary: str
    base: Settings
    arms: Mapping[str, Settings]
    columns: Sequence[Column]
    baseline: str | None = None
    seeds: int = 10
    choose: Choose | None = None
    published: Mapping[tuple[str, str], Published] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()
    paper: str = ""


EXPERIMENTS: Registry[Experiment] = Registry("experiment", "experiments")
