"""A table whose rows are runs: what each differs in, how it ended, its final metrics."""

import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from research.analysis import number_format, provenance_text
from research.analysis.arms_table import ArmsTable, Column
from research.analysis.axes import axes
from research.analysis.captions import SECONDS
from research.analysis.column_layout import ColumnLayout, setting
from research.analysis.layout import Grid, Prose, grids, texts
from research.analysis.number_format import NOTHING, Scale
from research.sweeps.declare import strengths
from research.sweeps.records.record import Record


@dataclasses.dataclass(frozen=True)
class RunsTable:
    """One row a run. keys: config keys that differ. columns: the metrics shown; csv and json have
    all of them.

    labels: the arm of each run id, where there are arms. note: what is said of the rows in the
        caption. shown: the places that a reader sees, by name; (): all of them.
    """

    title: str
    records: tuple[Record, ...]
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    labels: Mapping[str, str]
    note: str = ""
    shown: tuple[str, ...] = ()

    def listed(self) -> tuple[Record, ...]:
        """The rows."""
        return self.records

    def listing(self, rows: Sequence[Record], note: str, shown: tuple[str, ...]) -> "RunsTable":
        """The same table with these of its rows and places. note: for the caption."""
        return dataclasses.replace(self, records=tuple(rows), note=note, shown=shown)

    def settings(self) -> list[Mapping[str, str]]:
        """The settings of each run; a strength that is among the keys stands by itself."""
        return strengths.settings(self.records, self.keys)

    def flat(self) -> list[dict[str, Any]]:
        """One flat record a run, in full precision."""
        names = _metrics(self.records)
        return [
            {
                **self._arm(record),
                **{key: config.get(key) for key in self.keys},
                "status": record.status,
                "diverged_at": record.diverged_at,
                **{name: record.metrics.get(name) for name in names},
                "parameters": record.parameters,
                "steps": record.steps,
                "seconds": record.provenance.get("seconds"),
                "run_id": record.run_id,
            }
            for record, config in zip(self.records, self.settings(), strict=True)
        ]

    def tree(self) -> dict[str, Any]:
        """Every run with its whole config, metrics and provenance, in full precision."""
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
                    "metrics": dict(record.metrics),
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
    """The runs as rows, in the order given, each once. columns: the metrics to show, by default
    all."""
    unique = tuple({record.run_id: record for record in records}.values())
    seeded = ("seed",) if any("seed" in record.config for record in unique) else ()
    shown = tuple(columns) or tuple(Column(name, name) for name in _metrics(unique))
    return RunsTable(title, unique, (*axes(unique), *seeded), shown, labels or {})


def runs_of(table: ArmsTable) -> RunsTable:
    """The runs behind a table of arms; a run that several arms share names them all."""
    labels: dict[str, list[str]] = {}
    for row in table.rows:
        for record in row.arm.records.values():
            labels.setdefault(record.run_id, []).append(row.label)
    return runs_table(
        table.records(), table.title, table.columns, {k: " | ".join(v) for k, v in labels.items()}
    )


@texts.register
def _texts_of_runs(table: RunsTable) -> Prose:
    count = len(table.records)
    caption = (
        f"{table.title.rstrip('.')}. One row a run, with its final metrics; {count} runs."
        f" {table.note}"
    )
    return Prose(table.title, caption, (SECONDS, provenance_text.sentence(table.records)))


@grids.register
def _grids_of_runs(table: RunsTable) -> list[Grid]:
    configs = {
        record.run_id: config
        for record, config in zip(table.records, table.settings(), strict=True)
    }

    def label(record: Record) -> str:
        return table.labels.get(record.run_id, NOTHING)

    def of(key: str, record: Record) -> str:
        return configs[record.run_id].get(key, "")

    keys = {key: functools.partial(of, key) for key in table.keys}
    return [
        Grid(
            "",
            [
                *([ColumnLayout("arm", "l", label, label)] if table.labels else []),
                *(
                    setting(key, [value(record) for record in table.records], value)
                    for key, value in keys.items()
                ),
                *(_measured(column) for column in table.columns),
                ColumnLayout("status", "l", _status, lambda record: record.status),
                ColumnLayout(
                    "s/run",
                    "r",
                    lambda r: number_format.seconds(_seconds(r)),
                    _seconds,
                    names=("seconds",),
                ),
                ColumnLayout(
                    "run id",
                    "l",
                    lambda record: record.run_id,
                    lambda record: record.run_id,
                    names=("run_id",),
                ),
            ],
        )
    ]


def _measured(column: Column) -> ColumnLayout:
    """The final metric of each run."""
    return ColumnLayout(
        column.label + (" (%)" if column.in_percent else ""),
        "r",
        lambda record: _metric(record, column),
        lambda record: record.metrics.get(column.metric),
        names=tuple(dict.fromkeys((column.label, column.metric))),
        better=column.better,
        percent=column.in_percent,
    )


def _seconds(record: Record) -> float | None:
    value = record.provenance.get("seconds")
    return None if value is None else float(value)


def _metrics(records: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record.metrics))


def _metric(record: Record, column: Column) -> str:
    value = record.metrics.get(column.metric)
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return f"{value:g}".replace("-", "−")  # it is told as what it is: `nan`, `inf`
    return Scale(100.0, 2).number(value) if column.in_percent else f"{value:.4g}"


def _status(record: Record) -> str:
    """`finished`, `diverged at step 120`, `failed`."""
    at = "" if record.diverged_at is None else f" at step {record.diverged_at}"
    return record.status + at
