"""The columns of a table that declares none: the main metric of its runs, and what is asked for."""

from collections.abc import Sequence

from research.metric_names import is_effort, operands, plain, target_of
from research.registry import TASKS
from research.sweeps.column import SPLITS, Better, Column, common_metric, measured
from research.sweeps.records.record import Record


def columns_of(records: Sequence[Record], metrics: Sequence[str] = ()) -> list[Column]:
    """The main metric of the records' task, or the loss if it is a metric, on the splits that they
    have; then `metrics`, as `test/nll`."""
    metric, better = common_metric(record.config for record in records)
    present = {name for record in records for name in record.metrics}
    splits = [split for split in _shown(records) if f"{split}/{metric}" in present or not present]
    columns = [Column(f"{split} {metric}", f"{split}/{metric}", better) for split in splits]
    shown = {column.metric for column in columns}
    for name in dict.fromkeys(metrics):
        if name not in shown:
            columns.append(Column(_label(name), name, _better(name, records)))
    return columns


def _shown(records: Sequence[Record]) -> tuple[str, ...]:
    """The splits that the records' tasks show."""
    tasks = dict.fromkeys(record.config["task"] for record in records)
    of_tasks = {split for task in tasks for split in TASKS.get(task).shown}
    return tuple(split for split in SPLITS if split in of_tasks)


def _label(metric: str) -> str:
    return metric if target_of(metric) else metric.replace("/", " ")


def _better(metric: str, records: Sequence[Record]) -> Better:
    """Which values of a metric are better: as its task says, and lower for a loss."""
    if is_effort(metric) or len(operands(metric)) > 1:
        return "lower"
    name = plain(metric)
    for task in dict.fromkeys(record.config["task"] for record in records):
        if better := TASKS.get(task).build().better.get(name):
            return "higher" if better == "higher" else "lower"
    entry = measured(name)
    return "higher" if entry and entry.better == "higher" else "lower"
