"""A table whose rows are runs: what each differs in, how it ended, its final metrics."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from research.analysis import numerals, provenance
from research.analysis.axes import axes
from research.analysis.cells import Column, Table
from research.analysis.layout import Document, Text, alignment, document, panel
from research.analysis.numerals import NOTHING, Scale
from research.analysis.wording import SECONDS
from research.sweeps.record import Record


@dataclasses.dataclass(frozen=True)
class RunsTable:
    """One row a run. keys: config keys that differ. columns: the metrics shown; csv and json have all of them.

    labels: the arm of each run id, where there are arms.
    """

    title: str
    records: tuple[Record, ...]
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    labels: Mapping[str, str]

    def flat(self) -> list[dict[str, Any]]:
        """One flat record a run, in full precision."""
        names = _metrics(self.records)
        return [
            {
                **self._arm(record),
                **{key: record.config.get(key) for key in self.keys},
                "status": record.status,
                "diverged_at": record.diverged_at,
                **{name: record.metrics.get(name) for name in names},
                "parameters": record.parameters,
                "steps": record.steps,
                "seconds": record.provenance.get("seconds"),
                "run_id": record.run_id,
            }
            for record in self.records
        ]

    def tree(self) -> dict[str, Any]:
        """Every run with its whole config, metrics and provenance, in full precision; None where not finite."""
        return {
            "title": self.title,
            "differ": list(self.keys),
            "runs": [
                {
                    "run_id": record.run_id,
                    **self._arm(record),
                    "status": record.status,
                    "diverged_at": record.diverged_at,
                    "error": record.error,
                    "config": record.config,
                    "metrics": {k: v if math.isfinite(v) else None for k, v in record.metrics.items()},
                    "parameters": record.parameters,
                    "steps": record.steps,
                    "provenance": record.provenance,
                }
                for record in self.records
            ],
        }

    def _arm(self, record: Record) -> dict[str, str]:
        return {"row": self.labels.get(record.run_id, "")} if self.labels else {}


def runs_table(
    records: Iterable[Record],
    title: str = "Runs",
    columns: Sequence[Column] = (),
    labels: Mapping[str, str] | None = None,
) -> RunsTable:
    """The runs as rows, in the order given, each once. columns: the metrics to show, by default all."""
    unique = tuple({record.run_id: record for record in records}.values())
    seeded = ("seed",) if any("seed" in record.config for record in unique) else ()
    shown = tuple(columns) or tuple(Column(name, name) for name in _metrics(unique))
    return RunsTable(title, unique, (*axes(unique), *seeded), shown, labels or {})


def runs_of(table: Table) -> RunsTable:
    """The runs behind a table of arms; a run that several arms share names them all."""
    labels: dict[str, list[str]] = {}
    for row in table.rows:
        for record in row.arm.records.values():
            labels.setdefault(record.run_id, []).append(row.label)
    return runs_table(table.records(), table.title, table.columns, {k: " | ".join(v) for k, v in labels.items()})


@document.register
def _of_runs(table: RunsTable) -> Document:
    keys = {key: [record.config.get(key, "") for record in table.records] for key in table.keys}
    named = ["arm"] if table.labels else []
    metrics = [c.label + (" (%)" if c.in_percent else "") for c in table.columns]
    header = [*named, *keys, *metrics, "status", "s/run", "run id"]
    align = [*"l" * len(named), *(alignment(values) for values in keys.values()), *"r" * len(metrics), *"lrl"]
    grid = [
        [
            *(Text(table.labels.get(record.run_id, NOTHING)) for _ in named),
            *(Text(record.config.get(key) or NOTHING) for key in keys),
            *(Text(_metric(record, column)) for column in table.columns),
            Text(_status(record)),
            Text(numerals.seconds(record.provenance.get("seconds"))),
            Text(record.run_id),
        ]
        for record in table.records
    ]
    caption = f"{table.title.rstrip('.')}. One row a run, with its final metrics; {len(grid)} runs."
    return Document(
        table.title, caption, (panel("", header, align, grid),), (SECONDS, provenance.sentence(table.records))
    )


def _metrics(records: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record.metrics))


def _metric(record: Record, column: Column) -> str:
    value = record.metrics.get(column.metric)
    if value is None or not math.isfinite(value):
        return NOTHING
    return Scale(100.0, 2).number(value) if column.in_percent else f"{value:.4g}"


def _status(record: Record) -> str:
    """`finished`, `diverged at step 120`, `failed`."""
    at = "" if record.diverged_at is None else f" at step {record.diverged_at}"
    return record.status + at
