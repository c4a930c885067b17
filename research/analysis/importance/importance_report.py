"""The report of an explanation: what a method says of each row of runs, as a table and figures."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from research.analysis import figures
from research.analysis.importance.importance_figures import bars
from research.analysis.importance.importance_table import ImportanceTable, importance_table
from research.analysis.importance.importances import Importances
from research.analysis.importance.inquiry import Explanation, Inquiry
from research.analysis.importance.kept_run import kept_run
from research.analysis.importance.methods import METHODS
from research.errors import UserError, nearest
from research.sweeps.column import Column
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.saved_parameters import Parameters
from research.words import plural

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure


# Where a method's name does not read well behind "by".
CALLED = {"drop": "leaving them out", "model": "the model itself"}


@dataclasses.dataclass(frozen=True)
class ImportanceReport:
    """What a method says of each row of runs."""

    method: str
    explained: Mapping[str, Explanation]

    @property
    def importances(self) -> dict[str, Importances]:
        """By row; none of images, which are explained by figures alone."""
        return {
            label: each.importances
            for label, each in self.explained.items()
            if each.importances is not None
        }

    @property
    def remark(self) -> str:
        """How the numbers were computed, and what their intervals are about."""
        remarks = dict.fromkeys(each.remark for each in self.explained.values())
        of_intervals = _of_intervals([*self.importances.values()]) if self.importances else ""
        return " ".join([*remarks, of_intervals]).strip()

    def table(self) -> ImportanceTable | None:
        """A line per row and feature; None of images."""
        rows = [*self.importances.values()]
        if not rows:
            return None
        quantities = {each.quantity for each in self.explained.values()}
        quantity = quantities.pop() if len(quantities) == 1 else "importance"
        first = next(iter(self.explained.values()))
        column = Column("importance", first.metric)
        title = f"Importance of features by {self._called}"
        return importance_table(title, rows, quantity, column, self.remark)

    def figures(self) -> "Iterator[tuple[str, Callable[[], Figure]]]":
        """Each figure by its name, as a function that draws it."""
        for label, each in self.explained.items():
            end = "" if len(self.explained) == 1 else f"_{label}"
            if each.importances is not None:
                yield f"importance{end}", functools.partial(self._bars, label, each)
            for name, draw in each.figures:
                yield f"{name}{end}", draw

    def write_figures(self, directory: str) -> "Iterator[Path]":
        """Writes the figures into a directory; returns their files."""
        for name, draw in self.figures():
            yield from figures.save(draw(), directory, name)

    def _bars(self, label: str, explanation: Explanation) -> "Figure":
        assert explanation.importances is not None
        factor = 100.0 if Column("", explanation.metric).in_percent else 1.0
        title = f"{label}: importance by {self._called}"
        return bars(title, explanation.quantity, explanation.importances, factor)

    @property
    def _called(self) -> str:
        return CALLED.get(self.method, self.method.replace("_", " "))


def importance_report(
    method: str,
    rows: Mapping[str, Sequence[Record]],
    inquiry: Inquiry,
    planner: Planner,
    parameters: Parameters,
    say: Callable[[str], object],
) -> ImportanceReport:
    """What a method says of each row.

    Args:
        method: a name in METHODS.
        rows: the records of each row's runs.
        inquiry: what is asked.
        planner: opens the runs' data.
        parameters: what the runs kept.
        say: receives a note on runs that are left out.

    Raises:
        UserError: there is no such method, it does not apply to a run, or a run kept no parameters.
    """
    if method not in METHODS:
        raise UserError(f"method={method}; {nearest(method, METHODS)}")
    explained = {}
    for label, records in rows.items():
        finished = finished_records(label, records, say)
        runs = [kept_run(record, planner, parameters) for record in finished]
        explained[label] = METHODS[method](label, runs, inquiry)
    return ImportanceReport(method, explained)


def finished_records(
    label: str, records: Sequence[Record], say: Callable[[str], object]
) -> list[Record]:
    """The records of a row that have metrics. Raises UserError if there are none.

    Args:
        label: the row's.
        records: its runs'.
        say: receives a line on how many are left out.
    """
    finished = [record for record in records if record.status == "finished"]
    if not finished:
        state = "finished" if records else "trained"
        raise UserError(f"'{label}' cannot be explained: none of its runs is {state}")
    if left := len(records) - len(finished):
        say(f"'{label}': {plural(left, 'run')} without metrics left out")
    return finished


def _of_intervals(rows: Sequence[Importances]) -> str:
    """What ± is."""
    seeds = {each.seeds for each in rows}
    if max(seeds) > 1:
        n = " or ".join(map(str, sorted(seeds)))
        return f"± is the half-width of the 95 % t-interval over n = {n} runs."
    if rows[0].repeats > 1:
        return (
            f"± is the half-width of the 95 % t-interval over the {rows[0].repeats} shuffles of one"
            " seed; other seeds may rank features otherwise."
        )
    return "One seed: other seeds may rank features otherwise."
