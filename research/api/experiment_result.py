"""ExperimentResult: a declared experiment whose runs have records, and its tables."""

import dataclasses

from research.analysis.table_report import TableReport
from research.api.table_result import TableResult
from research.errors import UserError


@dataclasses.dataclass(frozen=True, repr=False)
class ExperimentResult:
    """The tables of an experiment. It prints, and shows in a notebook, as `launch.table` prints it:
    the effects where the experiment declares factors, what the data sets say together where it has
    several, else the arms."""

    report: TableReport

    def table(self) -> TableResult:
        """The table of the arms, with paired comparisons to the baseline."""
        return TableResult(self.report.table)

    def effects(self) -> TableResult:
        """The table of the factors' effects.

        Raises:
            UserError: if the experiment declares no factors.
        """
        if self.report.effects is None:
            title = self.report.table.title
            raise UserError(f"'{title}' declares no factors, so it has no effects; use table()")
        return TableResult(self.report.effects)

    def over_datasets(self) -> TableResult:
        """The table of what the data sets say together.

        Raises:
            UserError: if the experiment has one data set.
        """
        if self.report.over_datasets is None:
            raise UserError(f"'{self.report.table.title}' declares no datasets; use table()")
        return TableResult(self.report.over_datasets)

    def _shown(self) -> TableResult:
        return TableResult(self.report.answer or self.report.table)

    def __repr__(self) -> str:
        return repr(self._shown())

    def _repr_html_(self) -> str:
        return self._shown()._repr_html_()
