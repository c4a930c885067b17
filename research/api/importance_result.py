"""ImportanceResult: which features matter to runs, as a table, numbers and figures."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from research.analysis.html import fragment
from research.analysis.importance.importance_report import ImportanceReport
from research.analysis.importance.importances import Importances
from research.analysis.render import render
from research.errors import UserError, nearest

# Only for the types: Matplotlib is slow to import, and most results are never drawn.
if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class ImportanceResult:
    """What a method says of one or several runs of the same settings."""

    report: ImportanceReport

    @property
    def features(self) -> list[str]:
        """The features, those that matter most first. Images have none."""
        return [each.features[place] for each in self._rows for place in each.order()]

    @property
    def means(self) -> dict[str, float]:
        """The mean importance of each feature, those that matter most first."""
        means = {
            name: float(mean)
            for each in self._rows
            for name, mean in zip(each.features, each.values.mean(axis=(0, 2)), strict=True)
        }
        return {name: means[name] for name in self.features}

    @property
    def values(self) -> np.ndarray:
        """The importance by run, feature (in the data's order) and repeat, [S, F, R]."""
        if not self._rows:
            raise UserError("images are explained by a figure alone; use figure()")
        return self._rows[0].values

    def to_markdown(self) -> str:
        """The table as Markdown, which is also its `str`."""
        table = self.report.table()
        return self.report.remark if table is None else render(table, "md")

    def figure(self, name: str | None = None) -> "Figure":
        """A matplotlib figure: the first, or the figure of that name, such as `shapley`.

        Raises:
            UserError: there is none of that name.
        """
        drawings = dict(self.report.figures())
        if name is not None and name not in drawings:
            raise UserError(f"there is no figure '{name}'; {nearest(name, drawings)}")
        return drawings[name if name is not None else next(iter(drawings))]()

    def __str__(self) -> str:
        return self.to_markdown()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        table = self.report.table()
        return self.report.remark if table is None else fragment(table)

    @property
    def _rows(self) -> list[Importances]:
        return [*self.report.importances.values()]
