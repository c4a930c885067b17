"""FoldsResult: the runs of one seed, one per fold of its split, and what they are together."""

import dataclasses
from collections.abc import Iterator, Sequence

from research.api.run_result import RunResult
from research.api.workspace import Workspace
from research.errors import UserError
from research.sweeps.estimates.out_of_fold import FoldPredictions, metrics_of, of_runs
from research.sweeps.estimates.seed_value import seed_value
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record


@dataclasses.dataclass(frozen=True, repr=False)
class FoldsResult(Sequence[RunResult]):
    """The finished runs of the folds, in order."""

    records: Sequence[Record]
    workspace: Workspace

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # as SweepResult
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return RunResult(self.records[index], self.workspace)

    def __iter__(self) -> Iterator[RunResult]:
        return (self[number] for number in range(len(self)))

    @property
    def metrics(self) -> dict[str, float]:
        """The mean of each final metric over the folds: `test/accuracy`.

        Raises:
            UserError: if a fold diverged.
        """
        record = seed_value(self.records, len(self)).record
        if record is None or record.status != "finished":
            raise UserError(record.error if record else "a fold has no record")
        return dict(record.metrics)

    @property
    def predictions(self) -> dict[str, FoldPredictions]:
        """What the folds predicted together: `oof`, each row by the folds that did not train on it,
        and `own_test`, the average of all folds for test rows that no fold has.

        Raises:
            UserError: if the folds were trained without `keep_predictions`, or they are damaged.
        """
        return of_runs(self.records, Predictions(self.workspace.store))

    @property
    def out_of_fold(self) -> dict[str, float]:
        """The metrics of `predictions`: `oof/roc_auc`. Raises as `predictions` does."""
        return metrics_of(self.records[0], self.predictions)

    def __repr__(self) -> str:
        split = self.records[0].config["split"]
        return f"Folds({len(self)} runs of split={split}, seed {self.records[0].config['seed']})"
