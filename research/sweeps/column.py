"""What a table shows of each row: a final metric as a column, and the value that a paper printed for it."""

import dataclasses
from typing import Literal, cast

from research.registry import LOSSES, TASKS

Better = Literal["higher", "lower"]


@dataclasses.dataclass(frozen=True)
class Column:
    """A final metric as a column. percent: shown times 100; None means: if it is an accuracy."""

    label: str
    metric: str
    better: Better = "higher"
    percent: bool | None = None

    @property
    def in_percent(self) -> bool:
        return self.metric.endswith("accuracy") if self.percent is None else self.percent


@dataclasses.dataclass(frozen=True)
class Published:
    """A value from a paper, in the metric's own unit (0.9725, not 97.25).

    spread: the half-width of the paper's ±, as printed. n: the paper's number of runs.
    """

    value: float
    spread: float | None = None
    n: int | None = None


def main_metric(loss: str, task: str) -> tuple[str, Better]:
    """A task's main metric, or the loss if that is a metric, and which way is better."""
    entry = LOSSES.get(loss)
    if entry.name in entry.metrics:
        return entry.name, "lower"
    name, better = next(iter(TASKS.get(task).build().better.items()))
    return name, cast(Better, better)
