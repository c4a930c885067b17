"""A table whose rows are a tuning's trials: the settings of each, its value, how it ended, its
epochs and its run."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from research.analysis import number_format
from research.analysis.arms_table import Column
from research.analysis.column_layout import ColumnLayout, measured, settings, words
from research.analysis.layout import Grid, Prose, grids, texts
from research.analysis.tabular import Tabular
from research.sweeps.records.record import Record
from research.sweeps.tuning import space
from research.sweeps.tuning.journal import ENTERED, Studied, outcome
from research.words import plural


@dataclasses.dataclass(frozen=True)
class TrialRow:
    """A trial. value: of the metric; a pruned trial's is its last, None: it has none. epochs: those
    it trained.

    run_id: "" where it left no record. note: why it has no value.
    """

    study: str
    number: int
    settings: Mapping[str, str]
    value: float | None
    state: str
    epochs: int | None
    run_id: str
    note: str


@dataclasses.dataclass(frozen=True)
class TrialsTable(Tabular):
    """One row a trial. keys: the settings that are tuned. column: what trials are compared by.

    note: what is said of the rows in the caption. shown: the columns that a reader sees, by name;
        (): all of them.
    """

    title: str
    rows: tuple[TrialRow, ...]
    keys: tuple[str, ...]
    column: Column
    note: str = ""
    shown: tuple[str, ...] = ()

    def flat(self) -> list[dict[str, Any]]:
        """One flat record a trial, in full precision."""
        return [
            {
                "study": row.study,
                "trial": row.number,
                **{key: row.settings.get(key) for key in self.keys},
                self.column.metric: row.value,
                "state": row.state,
                "epochs": row.epochs,
                "run_id": row.run_id,
                "note": row.note,
            }
            for row in self.rows
        ]

    def tree(self) -> dict[str, Any]:
        """Every trial with its settings, in full precision."""
        return {
            "title": self.title,
            "metric": self.column.metric,
            "trials": [dataclasses.asdict(row) for row in self.rows],
        }


def trials_table(
    title: str, studies: Sequence[Studied], records: Mapping[str, Record]
) -> TrialsTable:
    """The trials of a tuning's studies, each once.

    Args:
        title: the table's title.
        studies: the tuning's studies.
        records: of the trials' runs, by id.
    """
    rows = [
        _row(study.name, trial, records)
        for study in studies
        for trial in study.trials
        # An entered trial repeats one of an earlier study: it was trained there.
        if ENTERED not in trial.user_attrs
    ]
    keys = dict.fromkeys(key for row in rows for key in row.settings)
    metrics = dict.fromkeys((study.metric, study.better) for study in studies)
    metric, better = next(iter(metrics)) if len(metrics) == 1 else ("value", "higher")
    return TrialsTable(
        title, tuple(rows), tuple(keys), Column(metric.replace("/", " "), metric, better)
    )


def _row(study: str, trial: FrozenTrial, records: Mapping[str, Record]) -> TrialRow:
    run_id = str(trial.user_attrs.get("run", ""))
    value = None if trial.value is None or not math.isfinite(trial.value) else trial.value
    # Of a trial that is over only its record knows: the journal has the rungs at which it was
    # compared.
    curves = records[run_id].curves.values() if run_id in records else []
    epochs = [len(curve) for curve in curves] if run_id else list(trial.intermediate_values)
    return TrialRow(
        study,
        trial.number,
        space.texts(trial),
        value,
        outcome(trial),
        max(epochs, default=None),
        run_id,
        str(trial.user_attrs.get("note", "")),
    )


@texts.register
def _texts_of_trials(table: TrialsTable) -> Prose:
    caption = (
        f"Trials of {table.title}. {plural(len(table.rows), 'trial')}, chosen by"
        f" {table.column.label}. {table.note}"
    )
    refused = [row for row in table.rows if row.note]
    notes = [f"Trial {row.number} has no value: {row.note}." for row in refused[:1]]
    return Prose(f"Trials of {table.title}", caption, tuple(notes))


@grids.register
def _grids_of_trials(table: TrialsTable) -> list[Grid]:
    several = len({row.study for row in table.rows}) > 1
    studies = [words("study", lambda row: row.study)]
    columns = [
        *(studies if several else []),
        ColumnLayout(
            "trial", "r", lambda row: str(row.number), lambda row: row.number, names=("number",)
        ),
        *settings(table.keys, table.rows, lambda key, row: row.settings.get(key, "")),
        measured(table.column, lambda row: row.value, names=("value",)),
        words("state", lambda row: row.state),
        ColumnLayout(
            "epochs", "r", lambda row: number_format.count(row.epochs), lambda row: row.epochs
        ),
        words("run id", lambda row: row.run_id, names=("run_id",)),
    ]
    return [Grid("", columns)]
