"""A records folder as a listing: its runs with their labels, two configs side by side, and what
lies on the disk."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from research.analysis.arms_table import Column
from research.analysis.runs_table import RunsTable, runs_table
from research.errors import UserError
from research.sweeps.column import common_metric
from research.sweeps.records.record import Record
from research.sweeps.records.run_labels import RunLabels
from research.sweeps.records.store import Store

# What lies in a records folder, by what a user calls it.
_FOLDERS = {
    "records": "runs",
    "parameters": "params",
    "predictions": "predictions",
    "checkpoints": "checkpoints",
    "set aside": "damaged",
}
_TAGS = "tags"
_NOTE = "note"


def listing(records: Sequence[Record], labels: Mapping[str, RunLabels], folder: Path) -> RunsTable:
    """The runs as rows, with the settings in which they differ, their main metric, tags and notes.

    Runs of several tasks have no metric in common; all of their test metrics are shown then.

    Args:
        records: the runs' records.
        labels: tags and notes by run id.
        folder: the records folder, for the title.
    """
    labelled = [
        _with(record, labels[record.run_id]) if record.run_id in labels else record
        for record in records
    ]
    return runs_table(labelled, f"Runs in {folder}", _columns(records))


def _with(record: Record, labels: RunLabels) -> Record:
    more = {_TAGS: ", ".join(labels.tags), _NOTE: labels.note}
    return dataclasses.replace(
        record, config=record.config | {name: text for name, text in more.items() if text}
    )


def _columns(records: Sequence[Record]) -> list[Column]:
    try:
        metric, better = common_metric(record.config for record in records)
    except UserError:
        names = dict.fromkeys(
            name for record in records for name in record.metrics if name.startswith("test/")
        )
        return [Column(name, name) for name in names]
    return [
        Column(f"{split} {metric}", f"{split}/{metric}", better) for split in ("validation", "test")
    ]


def difference(first: Record, second: Record) -> Iterator[str]:
    """A line per setting and per metric in which two runs differ, with both values."""
    header = ("", first.run_id, second.run_id)
    settings = [(name, a, b) for name, a, b in _both(first.config, second.config) if a != b]
    metrics = [
        (name, _number(a), _number(b))
        for name, a, b in _both(first.metrics, second.metrics)
        if a != b
    ]
    rows = [header, *settings, ("status", first.status, second.status), *metrics]
    widths = [max(len(row[index]) for row in rows) for index in range(3)]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _both(first: Mapping, second: Mapping) -> Iterator[tuple]:
    for name in dict.fromkeys([*first, *second]):
        yield name, first.get(name, "–"), second.get(name, "–")


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def disk_use(store: Store) -> str:
    """How much the folder holds of each kind, in one line."""
    sizes = {what: _size((store.root / folder).rglob("*")) for what, folder in _FOLDERS.items()}
    return ", ".join(f"{what} {_bytes(size)}" for what, size in sizes.items() if size)


def _size(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths if path.is_file())


def _bytes(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
