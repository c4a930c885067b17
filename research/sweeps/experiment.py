"""Experiment: a declared table. Data, no logic: base config, arms, columns, seeds, baseline,
published values."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from research.errors import UserError
from research.registry import Registry
from research.sweeps.column import Better, Column, Published, check_metric

Settings = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Choose:
    """How an arm's setting is chosen before it is reported: by the mean of a validation metric over
    `seeds`.

    The chosen setting is then trained on fresh seeds, and only those enter the table. Raises
    UserError if there is no such metric, if it is not one of validation, or if the other way is
    better.
    """

    path: str
    values: Sequence[Any]
    seeds: int
    metric: str = "validation/accuracy"
    better: Better = "higher"

    def __post_init__(self) -> None:
        if not self.metric.startswith("validation/"):
            raise UserError(
                f"{self.path} is chosen on validation rows, and {self.metric} is not measured"
                " on them"
            )
        check_metric(self.metric, self.better)


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A table's declaration.

    base: settings of every run, as flags take them. arms: a row's label and what it changes.
        columns: what is shown of each row. baseline: the arm that the others are compared with.
        notes: for the footer. claim: what verdicts are about, the same rows or new
        ones; None: new ones where seeds split the rows. Raises UserError if an arm sets what is
        chosen for it, or of a column the other way is better.
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
    claim: Literal["rows", "new"] | None = None

    def __post_init__(self) -> None:
        for column in self.columns:
            check_metric(column.metric, column.better)
        for label, arm in self.arms.items():
            if self.choose is not None and self.choose.path in arm:
                raise UserError(
                    f"'{self.name}' chooses {self.choose.path}, and its arm '{label}' sets it"
                )


EXPERIMENTS: Registry[Experiment] = Registry("experiment", "experiments")
