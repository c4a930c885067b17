"""A table that is shown, with its figures and what stands behind it."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from research.analysis import sensitivity
from research.analysis.arms_table import ArmsTable
from research.analysis.datasets_table import DatasetsTable
from research.analysis.effects_table import EffectsTable
from research.analysis.figure_style import SCREEN, FigureStyle, figure_style
from research.analysis.main_columns import columns_of
from research.analysis.view import WHOLE, View
from research.errors import UserError
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record


@dataclasses.dataclass(frozen=True)
class TableReport:
    """A table, and the records of the runs among which its settings were chosen.

    missing: its runs without a record. effects: of the factors, where a design made the arms.
    over_datasets: what the data sets say together, where there are several. predictions: those that
        runs kept beside their records.
    """

    table: ArmsTable
    searched: tuple[Record, ...] = ()
    path: str = "learning_rate"
    missing: int = 0
    effects: EffectsTable | None = None
    over_datasets: DatasetsTable | None = None
    predictions: Predictions | None = None

    @property
    def answer(self) -> EffectsTable | DatasetsTable | None:
        """The table that answers the question; None where that of the arms does."""
        return self.effects or self.over_datasets

    def write_figures(
        self, directory: str, view: View = WHOLE, style: FigureStyle = SCREEN
    ) -> Iterator[Path | str]:
        """Writes every figure that the records allow: curves, differences, sensitivity.

        Args:
            directory: is made if it does not exist.
            view: which rows are drawn. Sensitivity is of all rows that its `where` keeps.
            style: width and title of every figure.

        Yields:
            The path of each file, and a sentence for each figure that is left out.

        Raises:
            UserError: the directory cannot be written.
        """
        from research.analysis import answer_figures, figures

        # The best rows alone would show a setting only where it did well.
        selected = dataclasses.replace(view, sort=(), top=None, columns=()).apply(self.table)
        table = view.apply(self.table)
        with figure_style(style):
            yield from figures.write_figures(table, directory, all_rows=selected)
            yield from figures.left_out(table, selected)
            for name, drawing in answer_figures.of_answer(self.answer).items():
                yield from figures.save(drawing(), directory, name)
            for column in columns_of(self.searched)[:1] if self.searched else ():
                try:
                    figure = sensitivity.figure(
                        self.searched, column, self.table.title, key=self.path
                    )
                except UserError as error:
                    # A choice among words has no axis; the others are there.
                    yield f"no figure of the choice of {self.path}: {error}"
                else:
                    yield from figures.save(figure, directory, f"{self.table.title} sensitivity")
            yield from self._of_members(table, directory)

    def _of_members(self, table: ArmsTable, directory: str) -> Iterator[Path | str]:
        """The figures of ensembles: each test metric against the number of members."""
        from research.analysis import figures, members_figure

        if self.predictions is None:
            return
        try:
            by_arm = members_figure.growths(table, self.predictions)
        except UserError as error:
            yield f"no figure of the number of members: {error}"
            return
        for column in table.columns if by_arm else ():
            if column.metric.startswith("test/"):
                figure = members_figure.figure(table, column, by_arm)
                yield from figures.save(figure, directory, f"members-{column.metric}")
