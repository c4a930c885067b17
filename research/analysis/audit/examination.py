"""The examination of a data set before anyone trains: every check of its rows and columns."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from research.analysis.audit import column_checks, data_checks, row_checks
from research.analysis.audit.checklist import DataCheck, Report
from research.analysis.audit.data_parts import DataParts
from research.analysis.audit.drift import drift
from research.analysis.audit.finding import Finding
from research.data.csv_columns import read_columns
from research.data.csv_options import CsvOptions
from research.data.csv_values import check_one_hot, values_of
from research.data.origin import narrow
from research.errors import UserError

CHECKS: Mapping[str, DataCheck] = {
    "copies in training and test": data_checks.near_duplicates,
    "rows that repeat others": row_checks.repeated_rows,
    "contradicting classes": row_checks.contradictions,
    "balance of the classes": row_checks.class_balance,
    "missing values": column_checks.missing_values,
    "constant columns": column_checks.constant_columns,
    "identifiers": column_checks.identifiers,
    "a column gives the target away": data_checks.given_away,
    "groups on both sides of the split": data_checks.shared_groups,
    "times on both sides of the split": data_checks.crossed_times,
    "drift from training to test": drift,
    "few test rows": data_checks.test_rows,
}


def examine(data: DataParts, begin: Callable[[str], None]) -> Report:
    """The findings of every check, by its name.

    Args:
        data: what is checked.
        begin: called with each check's name before it runs.
    """
    report: Report = {}
    for name, check in CHECKS.items():
        begin(name)
        report[name] = list(check(data))
    return report


@dataclasses.dataclass(frozen=True)
class ExaminedFile:
    """A csv file, column by column.

    unread: the columns that cannot be inputs, with the reason. merged: the columns whose values
        float32 merges. gaps: whether one of the others lacks values.
    """

    unread: Mapping[str, Finding]
    merged: tuple[Finding, ...]
    gaps: bool

    @property
    def report(self) -> Report:
        """The findings by check."""
        return {
            "columns that cannot be read, left out below": list(self.unread.values()),
            "digits lost in float32": list(self.merged),
        }


def examine_file(file: Path, options: CsvOptions) -> ExaminedFile:
    """What each column of a csv file is, as far as it can be an input.

    Training stops at the first column that it cannot read. Here all of them are listed.

    Args:
        file: the file.
        options: how it is read.

    Raises:
        UserError: it is not a proper csv file.
    """
    reading = options.reading()
    sheet = read_columns(file, reading)
    unread: dict[str, Finding] = {}
    merged: list[Finding] = []
    gaps = False
    for name, column in sheet.columns.items():
        if name in (options.target, options.group, options.weight):
            continue
        try:
            values = values_of(column, reading.form)
            check_one_hot(column, values, reading.form)
        except UserError as error:
            text, _, remedy = str(error).rpartition("; ")
            unread[name] = Finding("problem", text or remedy, remedy)
            continue
        gaps |= bool((values.numbers != values.numbers).any())  # NaN differs from itself
        merged += _merged(f"{file}, column '{name}'", narrow(values.numbers).notes("it"))
    return ExaminedFile(unread, tuple(merged), gaps)


def _merged(column: str, notes: list[str]) -> Iterator[Finding]:
    for note in notes:
        yield Finding(
            "caution",
            f"{column}: {note}",
            "subtract a constant near its values, or split it into a large and a small part",
        )
