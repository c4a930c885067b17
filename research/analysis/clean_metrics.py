"""Clean metrics, on training labels before `label_noise`, and uncalibrated ones, for runs without
noise or calibration too."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

from research.analysis.arms_table import ArmsTable
from research.metric_names import CLEAN, UNCALIBRATED, operands
from research.sweeps.records.record import Record

# By prefix of a metric: whether a record has such metrics; else it is that without the prefix.
_HAS: Mapping[str, Callable[[Record], bool]] = {
    CLEAN: lambda record: float(record.config.get("label_noise", "0")) > 0,
    UNCALIBRATED: lambda record: record.config.get("calibrate", "none") != "none",
}
_WITHOUT = {CLEAN: "label noise", UNCALIBRATED: "calibration"}


def with_clean(by_id: Mapping[str, Record], columns: Iterable[str]) -> Mapping[str, Record]:
    """The records with the clean and the uncalibrated metrics that columns ask for.

    Without label noise the trained labels are the clean ones, so `train/clean_accuracy` is
    `train/accuracy`, which alone is in the record. So is `test/uncalibrated_nll` without a
    calibration.

    Args:
        by_id: records by run id.
        columns: metrics, as `train/clean_accuracy`, and differences of two, which are added too.
    """
    columns = list(columns)
    asked = [name for column in columns for name in operands(column) if _prefix(name)]
    differences = [column for column in columns if len(operands(column)) == 2]
    if not asked and not differences:
        return by_id
    return {
        run_id: _with_differences(_completed(record, asked), differences)
        for run_id, record in by_id.items()
    }


def sentences(table: ArmsTable) -> list[str]:
    """What the footer says of clean and uncalibrated metrics, where runs without noise or
    calibration have them."""
    lines = []
    for column in table.columns:
        prefix = _prefix(column.metric)
        if prefix and not all(_HAS[prefix](record) for record in table.records()):
            lines.append(
                f"{column.label}: for runs without {_WITHOUT[prefix]} it is"
                f" {_plain(column.metric)}."
            )
    return lines


def _completed(record: Record, asked: Sequence[str]) -> Record:
    added = {
        name: record.metrics[_plain(name)]
        for name in asked
        if not _HAS[_prefix(name)](record) and _plain(name) in record.metrics
    }
    return dataclasses.replace(record, metrics={**record.metrics, **added})


def _with_differences(record: Record, differences: Sequence[str]) -> Record:
    """The record with what `train/accuracy - test/accuracy` is, where it has both."""
    pairs = {name: operands(name) for name in differences}
    added = {
        name: record.metrics[first] - record.metrics[second]
        for name, (first, second) in pairs.items()
        if first in record.metrics and second in record.metrics
    }
    return dataclasses.replace(record, metrics={**record.metrics, **added})


def _prefix(metric: str) -> str:
    """CLEAN or UNCALIBRATED, or "" of another metric."""
    name = metric.partition("/")[2]
    return next((prefix for prefix in _HAS if name.startswith(prefix)), "")


def _plain(metric: str) -> str:
    """`test/uncalibrated_nll` as `test/nll`."""
    split, _, name = metric.partition("/")
    return f"{split}/{name.removeprefix(_prefix(metric))}"
