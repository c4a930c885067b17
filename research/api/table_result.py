"""TableResult: a table of results as Markdown, as HTML in notebooks, as LaTeX, csv and figures."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from research.analysis import answer_figures, figures
from research.analysis.arms_table import ArmsTable
from research.analysis.datasets_table import DatasetsTable
from research.analysis.effects_table import EffectsTable
from research.analysis.html import fragment
from research.analysis.render import render
from research.durable_files import write_atomically
from research.errors import UserError, nearest

# Only for the types: Matplotlib is slow to import, and most tables are never drawn.
if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class TableResult:
    """A table of means over seeds with intervals and tests, or of the effects of factors; `cells`
    holds its numbers."""

    cells: ArmsTable | EffectsTable | DatasetsTable

    def __str__(self) -> str:
        return self.to_markdown()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return fragment(self.cells)

    def to_markdown(self) -> str:
        """The table with its caption and footer as Markdown, which is also its `str`."""
        return render(self.cells, "md")

    def to_latex(self, standalone: bool = False) -> str:
        r"""A LaTeX table for \input; standalone: a document that compiles as it is."""
        return render(self.cells, "tex", standalone)

    def to_html(self) -> str:
        """An HTML page that opens without a network."""
        return render(self.cells, "html")

    def to_csv(self) -> str:
        """A line per row and metric, with the numbers in full precision."""
        return render(self.cells, "csv")

    def to_json(self) -> str:
        """The table as JSON, with the value of each seed and the ids of the runs."""
        return render(self.cells, "json")

    def write(self, file: str | os.PathLike[str]) -> Path:
        """Writes the table to a file; its suffix is the format: .md, .tex, .html, .csv or .json."""
        path = Path(file)
        write_atomically(path, render(self.cells, path.suffix.removeprefix(".")))
        return path

    def figure(self, name: str | None = None) -> "Figure":
        """A matplotlib figure of the table: the first, or the figure of that name, such as
        `curves-test-accuracy`.

        Raises:
            UserError: if the table has no figures, or none of that name.
        """
        if isinstance(self.cells, ArmsTable):
            drawings = figures.of_table(self.cells)
        else:
            drawings = answer_figures.of_answer(self.cells)
        if not drawings:
            raise UserError("the table has no figures: its records have too little to draw")
        if name is not None and name not in drawings:
            raise UserError(f"there is no figure '{name}'; {nearest(name, drawings)}")
        return drawings[name if name is not None else next(iter(drawings))]()
