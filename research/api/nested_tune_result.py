"""NestedTuneResult: what each fold of each seed chose, and the table of the nested score."""

import dataclasses

from research.analysis.arms_table import ArmsTable
from research.api.named_columns import Columns
from research.api.table_result import TableResult
from research.sweeps.tuning.nested_tuning import NestedTuned


@dataclasses.dataclass(frozen=True, repr=False)
class NestedTuneResult:
    """A finished tuning in nested folds. `tuned` holds the search of each fold."""

    name: str
    tuned: NestedTuned
    cells: ArmsTable

    @property
    def choices(self) -> Columns:
        """The settings that each fold of each seed chose, a row per fold, and the best mean over
        its inner folds that chose them."""
        seeds, folds = zip(*self.tuned.of_folds, strict=True)
        searches = [*self.tuned.of_folds.values()]
        paths = dict.fromkeys(path for search in searches for path in search.point)
        points = {path: [search.point.get(path) for search in searches] for path in paths}
        values = [search.best.value for search in searches]
        metric = searches[0].goal.metric
        return Columns({"seed": [*seeds], "fold": [*folds], **points, metric: values})

    def table(self) -> TableResult:
        """The score of the folds with their choices, beside the flat one, which is optimistic."""
        return TableResult(self.cells)

    def __repr__(self) -> str:
        return f"NestedTuning({len(self.tuned.of_folds)} folds; {self.tuned.points})"
