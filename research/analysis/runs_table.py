"""A table whose rows are runs: what each differs in, how it ended, its final metrics."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from research.analysis import number_format, provenance_text
from research.analysis.arms_table import ArmsTable, Column
from research.analysis.axes import axes
from research.analysis.captions import SECONDS
from research.analysis.column_layout import ColumnLayout, measured, settings, words
from research.analysis.layout import Grid, Prose, grids, texts
from research.analysis.tabular import Tabular
from research.sweeps.declare import strengths
from research.sweeps.records.record import Record
from research.words import plural


@dataclasses.dataclass(frozen=True)
class RunsTable(Tabular):
    """One row a run. keys: config keys that differ. columns: the metrics shown; csv and json have
    all of them.

    labels: the arm of each run id, where there are arms. note: what is said of the rows in the
        caption. shown: the columns that a reader sees, by name; (): all of them.
    """

    title: str
    rows: tuple[Record, ...]
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    labels: Mapping[str, str]
    note: str = ""
    shown: tuple[str, ...] = ()

    def settings(self) -> list[Mapping[str, str]]:
        """The settings of each run; a strength that is among the keys stands by itself."""
        return strengths.settings(self.rows, self.keys)

    def naming(self, names: Sequence[str]) -> Self:
        """The same table with the settings of these names as columns, which all runs may share."""
        shared = {key for record in self.rows for key in record.config if key in names}
        more = sorted(shared.difference(self.keys))
        return dataclasses.replace(self, keys=(*self.keys, *more)) if more else self

    def flat(self) -> list[dict[str, Any]]:
        """One flat record a run, in full precision."""
        names = _metrics(self.rows)
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
            for record, config in zip(self.rows, self.settings(), strict=True)
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
                for record in self.rows
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
    """The runs as rows, in the order given, each once.

    Args:
        records: the runs' records.
        title: the table's title.
        columns: the metrics to show; (): all.
        labels: names of runs by id.
    """
    unique = tuple({record.run_id: record for record in records}.values())
    seeded = ("seed",) if any("seed" in record.config for record in unique) else ()
    shown = tuple(columns) or tuple(Column(name, name) for name in _metrics(unique))
    folds = {record.config.get("fold", "none") for record in unique}
    folded = ("fold",) if len(folds) > 1 else ()
    return RunsTable(title, unique, (*axes(unique), *seeded, *folded), shown, labels or {})


def runs_of(table: ArmsTable) -> RunsTable:
    """The runs behind a table of arms; a run that several arms share names them all."""
    labels: dict[str, list[str]] = {}
    for row in table.rows:
        for record in (run for seed in table.seeds for run in row.arm.behind(seed)):
            labels.setdefault(record.run_id, []).append(row.label)
    return runs_table(
        table.records(), table.title, table.columns, {k: " | ".join(v) for k, v in labels.items()}
    )


@texts.register
def _texts_of_runs(table: RunsTable) -> Prose:
    count = plural(len(table.rows), "run")
    caption = (
        f"{table.title.rstrip('.')}. One row per run, with its final metrics; {count}. {table.note}"
    )
    return Prose(table.title, caption, (SECONDS, provenance_text.sentence(table.rows)))


@grids.register
def _grids_of_runs(table: RunsTable) -> list[Grid]:
    configs = {
        record.run_id: config for record, config in zip(table.rows, table.settings(), strict=True)
    }
    arms = [words("arm", lambda record: table.labels.get(record.run_id, ""))]
    columns = [
        *(arms if table.labels else []),
        *settings(table.keys, table.rows, lambda key, r: configs[r.run_id].get(key, "")),
        *(_measured(column) for column in table.columns),
        ColumnLayout("status", "l", _status, lambda record: record.status),
        ColumnLayout(
            "s/run",
            "r",
            lambda record: number_format.seconds(_seconds(record)),
            _seconds,
            names=("seconds",),
        ),
        words("run id", lambda record: record.run_id, names=("run_id",)),
    ]
    return [Grid("", columns)]


def _measured(column: Column) -> ColumnLayout:
    return measured(column, lambda record: record.metrics.get(column.metric))


def _seconds(record: Record) -> float | None:
    value = record.provenance.get("seconds")
    return None if value is None else float(value)


def _metrics(records: Iterable[Record]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record.metrics))


def _status(record: Record) -> str:
    """`finished`, `diverged at step 120`, `failed`."""
    at = "" if record.diverged_at is None else f" at step {record.diverged_at}"
    return record.status + at
