"""Records as columns: a long table of every value, and a wide one with a row per run."""

from collections.abc import Iterator, Sequence
from typing import Any

from research.sweeps.records.record import Record


def epochs(record: Record) -> Iterator[dict[str, float]]:
    """The values per epoch, by the names of the curves, from the first epoch on."""
    for epoch in range(max(map(len, record.curves.values()), default=0)):
        yield {name: curve[epoch] for name, curve in record.curves.items() if epoch < len(curve)}


def long_columns(records: Sequence[Record]) -> dict[str, list[Any]]:
    """A row per number: run, attribute, step (epoch from 1; None for a final metric), value."""
    columns: dict[str, list[Any]] = {"run": [], "attribute": [], "step": [], "value": []}

    def add(run: str, attribute: str, step: int | None, value: float) -> None:
        for name, cell in zip(columns, (run, attribute, step, float(value)), strict=True):
            columns[name].append(cell)

    for record in records:
        for name, curve in record.curves.items():
            for epoch, value in enumerate(curve, 1):
                add(record.run_id, name, epoch, value)
        for name, value in record.metrics.items():
            add(record.run_id, name, None, value)
    return columns


def wide_columns(records: Sequence[Record]) -> dict[str, list[Any]]:
    """A row per run: its id, status, settings, final metrics, parameters, steps and provenance."""
    rows = [
        {
            "run": record.run_id,
            "status": record.status,
            "diverged_at": record.diverged_at,
            **record.config,
            **{name: float(value) for name, value in record.metrics.items()},
            "parameters": record.parameters,
            "steps": record.steps,
            # As text: a column of Parquet has one type, and provenance may hold any.
            **{name: str(value) for name, value in record.provenance.items()},
        }
        for record in records
    ]
    # A dict keeps the order of first appearance, so the columns do not move between two exports.
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
