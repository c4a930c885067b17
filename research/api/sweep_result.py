"""SweepResult: the runs of several settings and seeds, and their table."""

import dataclasses
from collections.abc import Iterator, Sequence

from research.analysis.sweep_report import Question, of_sweep
from research.api.run_result import RunResult
from research.api.table_result import TableResult
from research.api.workspace import Workspace
from research.statistics.families import Family
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.plan import run_plan
from research.sweeps.records.record import Record


@dataclasses.dataclass(frozen=True, repr=False)
class SweepResult(Sequence[RunResult]):
    """The runs of a sweep, in the order of its points and seeds."""

    asked: SweepSpec
    wanted: Sequence[run_plan.RequestedRun]
    records: dict[str, Record]
    notes: Sequence[str]
    workspace: Workspace
    name: str = "sweep"

    def __len__(self) -> int:
        return len(self.wanted)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # an int gives a run, a slice a list of them
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return RunResult(self.records[self.wanted[index].id], self.workspace)

    def __iter__(self) -> Iterator[RunResult]:
        return (self[number] for number in range(len(self)))

    def table(
        self,
        *,
        baseline: str | None = None,
        metrics: Sequence[str] = (),
        estimate: str | None = None,
        family: Family = "column",
        test: str | None = None,
    ) -> TableResult:
        """A row per combination of the axes, with the task's main metric on validation and test
        rows.

        Args:
            baseline: a row's label, such as "learning_rate=0.1": the others are compared with it.
            metrics: more columns, such as "test/nll"; or "oof/roc_auc", of kept predictions.
            estimate: what makes one value of a seed's folds; None: their mean.
            family: whether p is corrected for the rows of its column, or of all columns ("table").
            test: the test by name, as "mcnemar" (which reads kept predictions) or "5x2cv_f"; None:
                what the records allow.

        Returns:
            The table.

        Raises:
            UserError: if no row has the baseline's label, no run has a metric, or the test does not
                fit the runs.
        """
        ids = [run.id for run in self.wanted]
        question = Question(
            baseline, metrics=tuple(metrics), estimate=estimate, family=family, test=test
        )
        store = self.workspace.store
        built = of_sweep(self.name, self.asked, ids, self.records, self.notes, question, store)
        return TableResult(built)

    def __repr__(self) -> str:
        return f"Sweep({len(self)} runs over {', '.join(self.asked.axes) or 'seeds'})"
