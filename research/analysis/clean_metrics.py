"""Clean metrics: metrics on training labels before `label_noise`, for runs without noise too."""

import dataclasses
from collections.abc import Iterable, Mapping

from research.analysis.arms_table import ArmsTable
from research.metric_names import CLEAN
from research.sweeps.records.record import Record

_HEAD = f"train/{CLEAN}"


def with_clean(by_id: Mapping[str, Record], columns: Iterable[str]) -> Mapping[str, Record]:
    """The records with the clean metrics that columns ask for.

    Without label noise the trained labels are the clean ones, so `train/clean_accuracy` is
    `train/accuracy`, which alone is in the record.

    Args:
        by_id: records by run id.
        columns: metrics, as `train/clean_accuracy`.
    """
    asked = {name: _trained(name) for name in columns if name.startswith(_HEAD)}
    if not asked:
        return by_id
    return {
        run_id: record if _has_noise(record) else _completed(record, asked)
        for run_id, record in by_id.items()
    }


def sentences(table: ArmsTable) -> list[str]:
    """What the footer says of clean metrics, where runs without noise have them."""
    asked = [column for column in table.columns if column.metric.startswith(_HEAD)]
    if not asked or all(_has_noise(record) for record in table.records()):
        return []
    return [
        f"{column.label}: for runs without label noise it is {_trained(column.metric)}."
        for column in asked
    ]


def _completed(record: Record, asked: Mapping[str, str]) -> Record:
    there = {name: trained for name, trained in asked.items() if trained in record.metrics}
    added = {name: record.metrics[trained] for name, trained in there.items()}
    return dataclasses.replace(record, metrics={**record.metrics, **added})


def _trained(metric: str) -> str:
    """The metric on the labels that were trained."""
    return f"train/{metric.removeprefix(_HEAD)}"


def _has_noise(record: Record) -> bool:
    return float(record.config.get("label_noise", "0")) > 0
